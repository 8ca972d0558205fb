"""Repositories that are none, bare, of the other object format, empty, or detached."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from git_model_security.clone.database import NAME
from git_model_security.errors import UNCHECKED
from tests.faults import claims
from tests.faults.conftest import CONTENT, WEIGHTS
from tests.fixtures.processes import execute
from tests.fixtures.repositories import Repository

if TYPE_CHECKING:
    from pathlib import Path

    from tests.faults.conftest import Established

NEED_A_REPOSITORY = ("init", "unlock", "lock", "status", "sign", "verify", "audit", "doctor")


@pytest.mark.parametrize("command", [*NEED_A_REPOSITORY, "uninstall"])
def test_outside_of_a_repository_a_command_says_so(tmp_path: Path, command: str) -> None:
    done = claims.model(command, cwd=tmp_path)
    claims.told(done, "not a git repository", status=claims.failed(command))


def test_key_and_install_need_no_repository(tmp_path: Path) -> None:
    for words in ("install", "key list", "key generate k.bin", "key generate-signing a b"):
        assert claims.model(*words.split(), cwd=tmp_path).returncode == 0
    claims.told(claims.model("key", "export", "x.bin", cwd=tmp_path), "not a git repository")


@pytest.mark.parametrize("command", ["init", "unlock", "lock", "status", "sign", "verify"])
def test_in_a_bare_repository_a_command_says_that_it_needs_a_work_tree(
    made: Established, command: str
) -> None:
    before = made.remote.read("config")
    for directory in (made.remote.path, made.repo.path / ".git"):
        done = claims.model(command, cwd=directory)
        claims.told(done, "needs a work tree", "hint: ", status=claims.failed(command))
    assert made.remote.read("config") == before
    claims.clean(made.repo)


def test_a_bare_repository_can_be_audited_and_verified(made: Established) -> None:
    assert "0 findings" in made.remote.model("audit").stdout
    key = ("--public-key", str(made.public))
    assert "Verified" in made.remote.model("verify", "HEAD", "--encrypted", *key).stdout


def test_a_sha256_repository_works_from_init_to_verify(tmp_path: Path) -> None:
    repo, remote = Repository(tmp_path / "repo"), Repository(tmp_path / "remote.git")
    execute("git", "init", "--quiet", "--object-format=sha256", repo.path)
    execute("git", "init", "--quiet", "--bare", "--object-format=sha256", remote.path)
    for name, content in CONTENT.items():
        repo.write(name, content)
    repo.model("init")
    repo.commit("The model")
    claims.clean(repo)
    repo.model("key", "export", "--public", str(tmp_path / "signer.pub"))
    repo.write("config.json", claims.MARKER)
    repo.git("commit", "--quiet", "-m", "partial", "config.json")
    repo.git("commit", "--quiet", "--amend", "-m", "amended")
    claims.clean(repo)
    repo.git("push", "--quiet", str(remote.path), "main")
    claims.sealed(repo, remote)
    execute("git", "model", "install")
    other = Repository(tmp_path / "other")
    execute("git", "clone", "--quiet", remote.path, other.path)
    claims.clean(other)
    other.model("unlock", "--public-key", str(tmp_path / "signer.pub"))
    assert other.read("model.safetensors") == WEIGHTS
    claims.clean(other)
    for words in ("verify", "verify HEAD", "verify --encrypted", "audit", "status", "lock"):
        other.model(*words.split())
    claims.clean(other)
    other.write("model.safetensors", WEIGHTS)
    claims.told(other.git.run("add", "--all", check=False), "locked", status=None)


def test_before_the_first_commit_every_command_has_an_answer(repo: Repository) -> None:
    claims.told(repo.model("unlock", check=False), "not a git-model repository")
    claims.told(repo.model("verify", check=False), status=UNCHECKED)
    repo.model("audit")
    repo.model("init")
    assert "No commits yet" in repo.model("status").stdout
    assert "0 findings" in repo.model("audit").stdout
    claims.told(repo.model("verify", check=False), "unsigned")
    claims.told(repo.model("verify", "HEAD", check=False), "no commit yet", status=UNCHECKED)
    claims.told(repo.model("sign", "--amend", check=False), "no commit to amend")
    repo.write("a.bin", claims.MARKER)
    repo.git("add", "--all")
    repo.model("lock")
    repo.model("unlock")
    assert repo.read("a.bin") == claims.MARKER
    repo.git("commit", "--quiet", "-m", "first")
    claims.clean(repo)
    claims.sealed(repo)
    repo.model("verify")


def test_a_clone_of_an_empty_repository_says_what_to_do(
    remote: Repository, tmp_path: Path
) -> None:
    done = claims.model("clone", str(remote.path), "new", cwd=tmp_path)
    assert done.returncode == 0
    assert "git model init" in done.stdout + done.stderr
    said = claims.model("clone", str(tmp_path / "nowhere"), "other", cwd=tmp_path)
    claims.told(said, "git clone")
    said = claims.model("clone", str(remote.path), "new", cwd=tmp_path)
    claims.told(said, "exists and is not empty")


def test_a_detached_head_commits_signs_locks_and_verifies(made: Established) -> None:
    repo = made.repo
    repo.git("switch", "--quiet", "--detach")
    repo.write("config.json", b"detached " + claims.MARKER)
    repo.commit("Detached")
    claims.clean(repo)
    assert "verified" in repo.model("status").stdout
    repo.model("verify")
    repo.model("sign", "--amend")
    claims.clean(repo)
    repo.model("lock")
    repo.model("unlock")
    assert repo.read("config.json") == b"detached " + claims.MARKER
    repo.git("switch", "--quiet", "main")
    claims.clean(repo)
    claims.sealed(repo)


def test_a_broken_head_is_told_and_loses_nothing(made: Established) -> None:
    head = made.repo.path / ".git" / "HEAD"
    whole = head.read_bytes()
    head.write_bytes(b"\0junk\n")
    for command in NEED_A_REPOSITORY:
        done = made.repo.model(command, check=False)
        claims.told(done, "not a git repository", status=claims.failed(command))
    head.write_bytes(whole)
    claims.clean(made.repo)


def test_a_damaged_memory_is_made_anew(made: Established) -> None:
    memory = made.repo.path / ".git" / "git-model" / NAME
    assert memory.is_file()
    for content in (b"", b"junk" * 4096, memory.read_bytes()[:3000]):
        memory.write_bytes(content)
        made.repo.write("config.json", claims.MARKER + content[:5])
        made.repo.model("status")
        made.repo.git("add", "config.json")
        made.repo.git("commit", "--quiet", "-m", "again")
        made.repo.model("verify")
    claims.clean(made.repo)
    claims.sealed(made.repo)
