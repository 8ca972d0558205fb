"""What is lost or corrupt is told by name, and the rest is audited all the same."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

import pytest

from git_model_security.envelope import Key
from git_model_security.errors import UNCHECKED
from git_model_security.guard import finding
from git_model_security.guard.audit import audit
from git_model_security.policy import gitmodel
from git_model_security.policy.gitmodel import Policy
from tests.fixtures.histories import MODEL, History, sealed

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fixtures.repositories import Repository

KEY = Key(b"k" * 32)
RULES = "*.bin filter=git-model\n"


@pytest.fixture
def history(repo: Repository) -> History:
    """A history where `*.bin` is protected: plaintext in the first and third commit."""
    made = History(repo, RULES)
    made.stage("dir/a.bin", b"plain a")
    made.commit()
    made.stage("dir/b.bin", sealed(KEY, b"b"))
    made.commit()
    made.stage("c.bin", b"plain c")
    made.commit()
    return made


def _file(history: History, revision: str) -> tuple[str, Path]:
    oid = history.repo.git("rev-parse", revision)
    file = history.repo.path / ".git" / "objects" / oid[:2] / oid[2:]
    file.chmod(0o600)
    return oid, file


def _rules(history: History) -> dict[str, set[bytes]]:
    found: dict[str, set[bytes]] = {}
    for one in audit(history.facts).findings:
        found.setdefault(one.rule, set()).add(one.path)
    return found


@pytest.mark.parametrize("damage", ["missing", "garbage", "cut", "empty"])
def test_a_damaged_blob_is_named_and_the_rest_is_judged(history: History, damage: str) -> None:
    oid, file = _file(history, "main:dir/b.bin")
    content = {"garbage": b"garbage", "cut": file.read_bytes()[:60], "empty": b""}
    file.unlink()
    if damage != "missing":
        file.write_bytes(content[damage])
    done = history.repo.model("audit", check=False)
    assert done.returncode == 1
    assert oid in done.stdout
    assert _rules(history) == {
        finding.PLAINTEXT: {b"dir/a.bin", b"c.bin"},
        finding.UNREADABLE: {b"dir/b.bin"},
    }


def test_a_blob_that_ends_in_the_middle_is_named(history: History) -> None:
    oid = history.stage("big.bin", sealed(KEY, bytes(300_000)))
    history.stage("z.bin", b"plain z")
    history.commit()
    _, file = _file(history, oid)
    file.write_bytes(file.read_bytes()[:150_000])
    found = _rules(history)
    assert found[finding.UNREADABLE] == {b"big.bin"}
    assert b"z.bin" in found[finding.PLAINTEXT]


def _assert_named(history: History, revision: str, damage: str) -> None:
    """Damages an object, and fails unless the audit names it."""
    oid, file = _file(history, revision)
    file.unlink()
    if damage == "garbage":
        file.write_bytes(b"garbage")
    done = history.repo.model("audit", check=False)
    assert done.returncode == 1
    assert oid in done.stdout


@pytest.mark.parametrize("damage", ["missing", "garbage"])
def test_a_damaged_tree_is_named_and_the_rest_is_judged(history: History, damage: str) -> None:
    _assert_named(history, "main~1:dir", damage)
    assert _rules(history) == {
        finding.PLAINTEXT: {b"dir/a.bin", b"c.bin"},
        finding.UNREADABLE: {b""},
    }


@pytest.mark.parametrize("damage", ["missing", "garbage"])
def test_a_damaged_commit_is_named_and_the_rest_is_judged(
    history: History, damage: str
) -> None:
    _assert_named(history, "main~1", damage)
    found = _rules(history)
    assert found[finding.PLAINTEXT] == {b"dir/a.bin", b"c.bin"}
    assert b"" in found[finding.UNREADABLE]


@pytest.mark.parametrize("damage", ["missing", "garbage", "cut"])
@pytest.mark.parametrize("name", [".gitmodel", ".gitattributes"])
def test_a_damaged_policy_is_named_and_the_rest_is_judged(
    history: History, name: str, damage: str
) -> None:
    text = gitmodel.render(Policy("weights")) if name == ".gitmodel" else b"*.x filter=y\n" * 99
    oid = history.stage(name, text)
    history.commit()
    history.unstage(name)
    history.commit()
    _, file = _file(history, oid)
    content = {"garbage": b"garbage", "cut": file.read_bytes()[:20]}
    file.unlink()
    if damage != "missing":
        file.write_bytes(content[damage])
    done = history.repo.model("audit", check=False)
    assert done.returncode == 1
    assert oid in done.stdout, done.stderr
    assert _rules(history) == {
        finding.PLAINTEXT: {b"dir/a.bin", b"c.bin"},
        finding.UNREADABLE: {name.encode()},
    }


def test_a_ref_to_nothing_is_told_and_the_rest_is_judged(history: History) -> None:
    oid = history.repo.git("commit-tree", "HEAD^{tree}", "-m", "lost")
    history.repo.git("update-ref", "refs/heads/lost", oid)
    history.lose(oid)
    found = _rules(history)
    assert found[finding.PLAINTEXT] == {b"dir/a.bin", b"c.bin"}
    assert found[finding.UNREADABLE] == {b""}


def test_an_object_of_another_kind_than_its_tree_says_is_no_traceback(
    history: History,
) -> None:
    oid = history.stage("d.bin", b"plain d")
    history.commit()
    _, file = _file(history, oid)
    file.write_bytes(zlib.compress(b"tree 0\0"))
    done = history.repo.model("audit", check=False)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr


def test_a_named_revision_that_is_lost_is_an_error(history: History) -> None:
    oid, file = _file(history, "main~1")
    file.unlink()
    done = history.repo.model("audit", "main", check=False)
    assert done.returncode == UNCHECKED
    assert "git-model: error:" in done.stderr
    assert oid in done.stderr


def test_a_model_behind_many_lost_trees_is_still_found(history: History) -> None:
    for number in range(5):
        history.stage(f"d{number}/x.txt", b"%d" % number)
        history.commit()
        _, file = _file(history, f"main:d{number}")
        history.repo.git("read-tree", "--empty")
        file.unlink()
    history.stage("ckpt", MODEL)
    history.commit()
    assert _rules(history)[finding.MODEL] == {b"ckpt"}
