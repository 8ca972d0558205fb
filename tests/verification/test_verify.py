"""`git model verify`: every way in which a signature does not hold is told apart."""

from __future__ import annotations

import base64
import json
import os
import sys
from typing import TYPE_CHECKING, Any

import pytest

from git_model_security.errors import UNCHECKED
from tests.fixtures.processes import execute
from tests.fixtures.repositories import NO_HOOKS, Repository

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fixtures.people import PersonFactory, Project


def findings(repo: Repository, *arguments: str) -> dict[str, list[str]]:
    """Returns the files named, by reason; and checks that both outputs and status agree."""
    done = repo.model("verify", "--json", *arguments, check=False)
    verdict: dict[str, Any] = json.loads(done.stdout)
    assert done.returncode == verdict["exit_status"]
    assert (done.returncode == 0) == verdict["good"]
    told = repo.model("verify", *arguments, check=False)
    assert told.returncode == done.returncode
    assert told.stdout.startswith("Verified: " if verdict["good"] else "NOT verified: ")
    assert "Traceback" not in told.stderr
    found: dict[str, list[str]] = {}
    for finding in verdict["findings"]:
        assert f"\n{finding['reason']}: " in told.stdout
        assert all(f"\n  {name}\n" in told.stdout for name in finding["files"])
        found.setdefault(finding["reason"], []).extend(finding["files"])
    return found


@pytest.fixture
def stranger(project: Project, tmp_path: Path) -> tuple[Path, Path]:
    """A key pair that nobody knows."""
    private, public = tmp_path / "stranger.pem", tmp_path / "stranger.pub"
    project.ada.model("key", "generate-signing", str(private), str(public))
    return private, public


def test_a_good_worktree(project: Project) -> None:
    assert findings(project.ada) == {}
    assert findings(project.ada, "--public-key", str(project.public)) == {}
    assert findings(project.ada, "key", "--public_key", str(project.public)) == {}
    assert findings(project.ada, "HEAD") == {}
    assert findings(project.ada, "--encrypted") == {}
    # Of an unlocked clone only the commit is looked at.
    assert "work tree" not in project.ada.model("verify", "--encrypted").stdout


def test_a_wrong_key(project: Project, stranger: tuple[Path, Path]) -> None:
    assert findings(project.ada, "--public-key", str(stranger[1])) == {"wrong key": []}


def test_an_untrusted_signer(project: Project, stranger: tuple[Path, Path]) -> None:
    (next((project.ada.path / ".git/git-model/trust").glob("*.pub"))).unlink()
    project.ada.model("unlock", "--public-key", str(stranger[1]))
    assert findings(project.ada) == {"untrusted signer": []}
    assert set(findings(project.ada, "HEAD")) == {"untrusted signer"}


def test_nobody_trusted_yet(project: Project, person: PersonFactory) -> None:
    clone = person("bob").clone(project.remote)
    clone.model("unlock", "--key", str(project.key))
    refused = clone.model("verify", check=False)
    assert refused.returncode == UNCHECKED
    assert "this clone trusts no signer yet" in refused.stderr
    assert findings(clone, "--public-key", str(project.public)) == {}


@pytest.mark.parametrize("name", ["model.safetensors", "train.py"])
def test_a_tampered_file(project: Project, name: str) -> None:
    content = bytearray(project.ada.read(name))
    content[-1] ^= 1
    project.ada.write(name, bytes(content))
    assert findings(project.ada) == {"tampered": [name]}
    hint = project.ada.model("verify", check=False).stderr
    assert "your own change: `git add` and commit it" in hint


def test_a_tampered_file_whose_time_and_size_are_kept(project: Project) -> None:
    # Git takes it for unchanged; verify reads every byte.
    file = project.ada.path / "model.safetensors"
    project.ada.git("config", "core.trustctime", "false")
    project.ada.git("config", "core.checkstat", "minimal")
    os.utime(file, (1_600_000_000, 1_600_000_000))
    project.ada.git("update-index", "--refresh")
    content = file.read_bytes()
    file.write_bytes(b"x" * len(content))
    os.utime(file, (1_600_000_000, 1_600_000_000))
    assert project.ada.status() == ""
    assert findings(project.ada) == {"tampered": ["model.safetensors"]}
    hint = project.ada.model("verify", check=False).stderr
    assert "hint: find out who changed it" in hint
    assert "your own" not in hint


def test_a_missing_and_an_extra_file(project: Project) -> None:
    (project.ada.path / "config.json").unlink()
    project.ada.write("sub/extra.py", "import evil\n")
    assert findings(project.ada) == {
        "missing file": ["config.json"],
        "extra file": ["sub/extra.py"],
    }
    project.ada.git("restore", "config.json")
    assert findings(project.ada, "--ignore-unsigned-files") == {}


def test_what_git_ignores_is_no_extra_file_but_is_told(project: Project) -> None:
    project.ada.write(".gitignore", "*.log\n")
    project.ada.commit()
    project.ada.write("run.log", "text\n")
    assert findings(project.ada) == {}
    said = project.ada.model("verify").stderr
    assert "not verified: 1 file that Git ignores: run.log" in said
    assert findings(project.ada, "--strict") == {"ignored file": ["run.log"]}


def test_a_file_replaced_by_a_link(project: Project, tmp_path: Path) -> None:
    elsewhere = tmp_path / "same content"
    file = project.ada.path / "config.json"
    elsewhere.write_bytes(file.read_bytes())
    file.unlink()
    file.symlink_to(elsewhere)
    assert findings(project.ada) == {"symbolic link": ["config.json"]}


def test_a_directory_replaced_by_a_link(project: Project, tmp_path: Path) -> None:
    project.ada.write("sub/weights.bin", b"w")
    project.ada.commit()
    (project.ada.path / "sub").rename(tmp_path / "elsewhere")
    (project.ada.path / "sub").symlink_to(tmp_path / "elsewhere")
    found = findings(project.ada, "--ignore-unsigned-files")
    assert found == {"symbolic link": ["sub"]}


def test_a_file_made_executable(project: Project) -> None:
    (project.ada.path / "train.py").chmod(0o755)
    assert findings(project.ada) == {"tampered": ["train.py"]}
    project.ada.git("config", "core.fileMode", "no")
    assert findings(project.ada) == {}


@pytest.mark.parametrize("name", [".model-encrypted.sig", ".gitattributes"])
def test_a_directory_where_no_bundle_looks(name: str, project: Project) -> None:
    (project.ada.path / name).unlink()
    project.ada.write(f"{name}/run.py", b"hidden")
    hidden = {"missing file": [name], "extra file": [f"{name}/run.py"]}
    assert findings(project.ada) == hidden
    assert findings(project.ada, "--ignore-unsigned-files") == {"missing file": [name]}


def test_no_signature(project: Project) -> None:
    (project.ada.path / "model.sig").unlink()
    assert findings(project.ada) == {"missing file": ["model.sig"]}
    project.ada.git("rm", "--quiet", "--cached", "model.sig", ".model-encrypted.sig")
    project.ada.git("commit", "--quiet", "--no-verify", "--message", "Unsigned")
    assert set(findings(project.ada, "HEAD")) == {"unsigned"}
    assert set(findings(project.ada, "HEAD", "--encrypted")) == {"unsigned"}
    assert "sign --amend" in project.ada.model("verify", "HEAD", check=False).stderr
    project.ada.git("commit", "--quiet", "--no-verify", "--allow-empty", "--message", "On top")
    past = project.ada.model("verify", "HEAD~1", check=False).stderr
    assert "`git log -- .model-encrypted.sig`" in past
    assert "git model sign" not in past


def test_a_signature_of_an_older_commit_is_stale(project: Project) -> None:
    project.ada.write("model.safetensors", b"version 2")
    project.ada.write("new.bin", b"new")
    project.ada.git("add", "--all")
    project.ada.git("commit", "--quiet", "--no-verify", "--message", "Unsigned")
    assert findings(project.ada) == {"stale signature": ["model.safetensors", "new.bin"]}
    assert "model.safetensors" in findings(project.ada, "HEAD")["stale signature"]


def test_a_rebased_commit_is_to_be_signed_and_its_files_not_to_be_added(
    project: Project,
) -> None:
    ada = project.ada
    ada.git("switch", "--quiet", "--create", "topic")
    ada.write("topic.bin", b"topic")
    ada.commit()
    ada.git("switch", "--quiet", "main")
    ada.write("new.bin", b"new")
    ada.git("rm", "--quiet", "config.json")
    ada.commit()
    ada.git("switch", "--quiet", "topic")
    ada.git("rebase", "--quiet", "main")
    said = ada.model("verify", "HEAD", check=False)
    assert "\nextra file: " in said.stdout
    assert "git add" not in said.stderr
    assert "git restore" not in said.stderr
    assert "your own HEAD: `git model sign --amend`" in said.stderr
    ada.git("commit", "--quiet", "--no-verify", "--allow-empty", "--message", "On top")
    past = ada.model("verify", "HEAD~1", check=False).stderr
    assert "a commit stays as it was made" in past
    assert "git model sign" not in past


def test_a_signature_that_is_no_bundle(project: Project) -> None:
    project.ada.write("model.sig", b"{}")
    assert findings(project.ada) == {"malformed bundle": [], "tampered": ["model.sig"]}


def test_a_signature_of_a_hundred_megabytes(project: Project) -> None:
    os.truncate(project.ada.path / "model.sig", 100_000_000)
    assert findings(project.ada) == {"malformed bundle": [], "tampered": ["model.sig"]}


def test_a_signature_whose_statement_was_changed(project: Project) -> None:
    bundle = json.loads(project.ada.read("model.sig"))
    envelope = bundle["dsseEnvelope"]
    payload = base64.b64decode(envelope["payload"]).replace(b"train.py", b"other.py")
    envelope["payload"] = base64.b64encode(payload).decode()
    project.ada.write("model.sig", json.dumps(bundle))
    assert findings(project.ada) == {"invalid signature": [], "tampered": ["model.sig"]}


def test_one_role_cannot_be_passed_off_for_the_other(project: Project) -> None:
    project.ada.write("model.sig", project.ada.read(".model-encrypted.sig"))
    assert findings(project.ada) == {"invalid signature": [], "tampered": ["model.sig"]}


def test_a_locked_clone_verifies_ciphertext(project: Project, person: PersonFactory) -> None:
    clone = person("carol").clone(project.remote)
    public = ("--public-key", str(project.public))
    assert findings(clone, "--encrypted", *public) == {}
    head = clone.git("rev-parse", "--short=12", "HEAD")
    done = clone.model("verify", "--encrypted", *public).stdout
    assert done.startswith(f"Verified: HEAD ({head}) and the work tree, ")
    assert set(findings(clone, *public)) == {"key not held"}  # and says what to use instead
    assert "git model verify --encrypted" in clone.model("verify", *public, check=False).stderr

    content = bytearray(clone.read("model.safetensors"))
    content[-1] ^= 1
    clone.write("model.safetensors", bytes(content))
    (clone.path / "config.json").unlink()
    assert findings(clone, "--encrypted", *public) == {
        "tampered": ["model.safetensors"],
        "missing file": ["config.json"],
    }


def test_a_locked_clone_sees_a_forged_commit(project: Project, person: PersonFactory) -> None:
    mallory = project.unlocked(person("mallory"))
    mallory.write("model.safetensors", b"forged")
    mallory.write(".gitignore", "added\n")
    mallory.commit()
    mallory.git("push", "--quiet", "--no-verify")
    clone = person("carol").clone(project.remote)
    found = findings(clone, "--encrypted", "--public-key", str(project.public))
    assert "model.safetensors" in found["stale signature"]
    assert found["extra file"] == [".gitignore"]


def test_every_revision_can_be_verified(project: Project) -> None:
    project.ada.write("model.safetensors", b"version 2")
    project.ada.commit()
    assert findings(project.ada, "HEAD~1") == {}
    refused = project.ada.model("verify", "no-such-branch", check=False)
    assert refused.returncode == UNCHECKED
    assert "no-such-branch: no such revision" in refused.stderr


def test_what_is_no_model_repository(project: Project) -> None:
    other = Repository(project.ada.path.parent / "plain")
    execute("git", "init", "--quiet", other.path)
    assert findings(other, "--public-key", str(project.public)) == {"unsigned": []}


def test_a_public_key_that_is_none(project: Project) -> None:
    refused = project.ada.model("verify", "--public-key", str(project.key), check=False)
    assert refused.returncode == UNCHECKED
    assert refused.stderr.startswith("git-model: error: ")
    assert str(project.key) in refused.stderr


def with_entry(repo: Repository, mode: str, name: str) -> str:
    """Makes a commit of HEAD's tree with one more entry, as Git would never write it."""
    oid = repo.git("hash-object", "-w", "--stdin", stdin="evil")
    held = repo.git.run("cat-file", "tree", "HEAD^{tree}", text=False).stdout
    entry = f"{mode} {name}".encode() + b"\0" + bytes.fromhex(oid)
    literally = ("hash-object", "-t", "tree", "-w", "--literally", "--stdin")
    tree = repo.git(*literally, stdin=held + entry)
    return repo.git("commit-tree", tree, "-p", "HEAD", "-m", "More")


@pytest.mark.parametrize("mode", ["100644", "100755", "120000"])
@pytest.mark.parametrize("name", [".model-encrypted.sig", "model.safetensors", "zzz"])
def test_what_git_would_never_write_is_not_verified(
    project: Project, mode: str, name: str
) -> None:
    ada = project.ada
    commit = with_entry(ada, mode, name)
    assert ada.model("verify", commit, check=False).returncode == 1
    refused = ada.git.run("push", "origin", f"{commit}:refs/heads/main", check=False)
    assert refused.returncode != 0


def test_a_mode_is_what_git_takes_it_for(project: Project) -> None:
    ada = project.ada
    commit = with_entry(ada, "40000100644", "zzz")
    assert "zzz" in ada.model("verify", commit, check=False).stdout
    ada.git(*NO_HOOKS, "reset", "--quiet", "--hard", commit)
    ada.git("rm", "--quiet", "--cached", "zzz")
    (ada.path / "zzz").unlink()
    ada.git("commit", "--quiet", "--message", "Without it")
    ada.git("push", "--quiet")
    assert ada.model("verify", "HEAD~2..HEAD", check=False).returncode == 1


@pytest.mark.parametrize(
    "options", [(), ("--no-ignore-git-paths",), ("--ignore_unsigned_files",)], ids=str
)
def test_the_stock_command_takes_no_ciphertext_for_a_model(
    options: tuple[str, ...], project: Project, person: PersonFactory
) -> None:
    """OMS knows no roles: what it accepts in a locked clone would pass for the model."""
    clone = person("carol").clone(project.remote)
    stock = (sys.executable, "-m", "model_signing", "verify", "key", "--signature")
    public = ("--public_key", project.public)
    sealed = (*stock, ".model-encrypted.sig", *public, *options, ".")
    assert execute(*sealed, cwd=clone.path, check=False).returncode == 1
    # The files themselves are what was signed.
    assert findings(clone, "--encrypted", "--public-key", str(project.public)) == {}
    assert execute(*stock, "model.sig", *public, ".", cwd=project.ada.path).returncode == 0
