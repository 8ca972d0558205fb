"""Keys do not get into history, and private key files not into a work tree."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import pytest

from git_model_security.envelope import Key
from git_model_security.guard import finding, outgoing, staged
from git_model_security.guard.audit import audit
from git_model_security.guard.knowledge import Knowledge
from git_model_security.policy import gitmodel
from git_model_security.policy.gitmodel import Policy
from tests.fixtures.histories import History, sealed
from tests.fixtures.processes import execute
from tests.fixtures.repositories import NO_HOOKS

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fixtures.people import Project
    from tests.fixtures.repositories import Repository

RAW = bytes(range(32))
KEY = Key(RAW)
HELD = {KEY.id: KEY}
PEM = (
    b"-----BEGIN PRIVATE KEY-----\nMIGH\n-----END PRIVATE KEY-----\n",
    b"-----BEGIN EC PARAMETERS-----\nBggq\n-----END EC PARAMETERS-----\n"
    b"-----BEGIN EC PRIVATE KEY-----\r\nMHcC\n",
    b"-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIGH\n",
    b"-----BEGIN OPENSSH PRIVATE KEY-----\nb3Bl\n",
    b"a: b\r-----BEGIN RSA PRIVATE KEY-----\rMIIE\r",
)


@pytest.fixture
def history(repo: Repository) -> History:
    """A history made without any filter, where only `*.bin` is protected."""
    return History(repo, "*.bin filter=git-model\n")


def _everywhere(history: History) -> list[list[tuple[str, bytes]]]:
    """What each guard finds, before and after the commit."""
    found = [staged.findings(history.facts, Knowledge(HELD))]
    tip = history.commit()
    line = ("refs/heads/main", tip, "refs/heads/main", "0" * 40)
    found.append(outgoing.judge(history.facts, [line], knowledge=Knowledge(HELD)).findings)
    found.append(list(audit(history.facts, keys=HELD).findings))
    return [[(one.rule, one.path) for one in guard] for guard in found]


@pytest.mark.parametrize(
    "content", [RAW, RAW.hex().encode() + b"\n", base64.b64encode(RAW) + b"\n"]
)
def test_the_held_key_in_clear_is_found_by_every_guard(
    history: History, content: bytes
) -> None:
    history.stage("dir/my-model.key", content)
    assert _everywhere(history) == [[(finding.KEY, b"dir/my-model.key")]] * 3


@pytest.mark.parametrize("content", PEM)
def test_a_private_key_in_pem_is_found_by_every_guard(history: History, content: bytes) -> None:
    history.stage("key.priv", content)
    assert _everywhere(history) == [[(finding.KEY, b"key.priv")]] * 3


def test_what_only_looks_like_a_key_passes(history: History) -> None:
    history.stage("digest", bytes(32))
    history.stage("digest.txt", bytes(32).hex().encode())
    history.stage("key.pub", b"-----BEGIN PUBLIC KEY-----\nMFkw\n-----END PUBLIC KEY-----\n")
    history.stage("cert.pem", b"-----BEGIN CERTIFICATE-----\nMIIB\n")
    history.stage("notes.md", b"It begins with `-----BEGIN PRIVATE KEY-----`.\n")
    history.stage("far.txt", b"x\n" * 4096 + PEM[0])
    assert _everywhere(history) == [[]] * 3


def test_a_sealed_key_at_a_protected_path_passes(history: History) -> None:
    history.stage("key.bin", sealed(KEY, RAW))
    assert _everywhere(history) == [[]] * 3


@pytest.mark.parametrize("content", [RAW, PEM[0]])
def test_a_key_in_clear_at_a_protected_path_is_told_as_a_key(
    history: History, content: bytes
) -> None:
    history.stage("k.bin", content)
    assert _everywhere(history) == [[(finding.KEY, b"k.bin")]] * 3
    (found,) = audit(history.facts, keys=HELD).findings
    assert "new key" in found.detail
    assert "at a protected path" in found.detail


def test_repair_says_that_a_key_leaked(project: Project) -> None:
    ada = project.ada
    content = project.key.read_bytes()
    oid = ada.git("hash-object", "-w", "--stdin", "--no-filters", stdin=content)
    ada.git("update-index", "--add", "--cacheinfo", f"100644,{oid},config.json")
    ada.git(*NO_HOOKS, "commit", "--quiet", "--no-verify", "--message", "Oops")
    done = ada.model("repair")
    assert "config.json: the AES-256 key" in done.stdout
    assert "a key was in clear" in done.stderr


def test_a_key_in_place_of_a_link_or_under_a_tag_is_found(history: History) -> None:
    history.stage("link", RAW, mode="120000")
    history.commit()
    history.repo.git("tag", "key", history.blob(PEM[0]))
    found = audit(history.facts, keys=HELD).findings
    assert {(one.rule, one.path) for one in found} == {
        (finding.KEY, b"link"),
        (finding.KEY, b""),
    }


def test_an_audit_without_any_key_knows_the_key_by_its_public_name(history: History) -> None:
    history.stage(".gitmodel", gitmodel.render(Policy("weights", key_id=KEY.id)))
    history.stage("my-model.key", RAW)
    history.commit()
    (found,) = audit(history.facts).findings
    assert (found.rule, found.path) == (finding.KEY, b"my-model.key")
    assert "git rm --cached" in found.detail
    assert "new key" in found.detail
    assert RAW.hex() not in found.describe()


def test_a_key_that_a_parent_has_already_stops_no_commit(history: History) -> None:
    history.stage("key.priv", PEM[0])
    history.commit()
    assert staged.findings(history.facts, Knowledge(HELD), authored_only=True) == []


def test_git_commit_refuses_a_key_and_so_does_git_push(project: Project) -> None:
    ada = project.ada
    ada.write("my-model.key", project.key.read_bytes())
    ada.git("add", "my-model.key")
    refused = ada.git.run("commit", "--quiet", "--message", "Oops", check=False)
    assert refused.returncode == 1
    assert "my-model.key: the AES-256 key" in refused.stderr
    before = project.remote.git("rev-parse", "main")
    ada.git(*NO_HOOKS, "commit", "--quiet", "--message", "Oops")
    assert ada.git.run("push", "--quiet", check=False).returncode == 1
    assert project.remote.git("rev-parse", "main") == before


PRIVATE = (
    ("key", "export", "FILE"),
    ("key", "generate", "FILE"),
    ("key", "generate-signing", "FILE", "../new.pub"),
)


@pytest.mark.parametrize("command", PRIVATE)
@pytest.mark.parametrize("place", ["my.key", "sub/my.key", "../linked/my.key", "model.bin"])
def test_no_private_key_is_written_into_a_work_tree(
    project: Project, tmp_path: Path, command: tuple[str, ...], place: str
) -> None:
    (project.ada.path / "sub").mkdir()
    (tmp_path / "linked").symlink_to(project.ada.path / "sub")
    words = [place if word == "FILE" else word for word in command]
    refused = project.ada.model(*words, check=False)
    assert refused.returncode == 1
    assert "does not belong in a work tree" in refused.stderr
    assert f"such as {tmp_path}/{place.rpartition('/')[2]}" in refused.stderr
    assert not (project.ada.path / place).exists()
    assert not (tmp_path / "new.pub").exists()


@pytest.mark.parametrize("command", PRIVATE)
def test_outside_or_where_git_ignores_it_a_private_key_is_written(
    project: Project, tmp_path: Path, command: tuple[str, ...]
) -> None:
    project.ada.write(".git/info/exclude", "*.key\n")
    for place in ("../my.key", "ignored.key"):
        project.ada.model(*(place if word == "FILE" else word for word in command))
        assert (project.ada.path / place).exists()
        (tmp_path / "new.pub").unlink(missing_ok=True)
    assert project.ada.status() == ""


def test_a_public_key_may_stand_in_the_work_tree(project: Project) -> None:
    project.ada.model("key", "export", "--public", "ada.pub")
    project.ada.model("key", "generate-signing", "../new.key", "new.pub")
    assert project.ada.read("new.pub").startswith(b"-----BEGIN PUBLIC KEY-----")


def test_the_work_tree_counts_in_which_the_key_would_be(
    project: Project, tmp_path: Path
) -> None:
    refused = execute_at(tmp_path, project, "key", "generate", "repo/my.key")
    assert "does not belong in a work tree" in refused
    execute("git", "init", "--quiet", tmp_path / "other")
    assert "work tree" in execute_at(
        project.ada.path, project, "key", "export", "../other/my.key"
    )


def execute_at(directory: Path, project: Project, *words: str) -> str:
    refused = project.ada.model(*words, cwd=directory, check=False)
    assert refused.returncode == 1
    return str(refused.stderr)
