"""Which refs reach a finding, and whether a remote has it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from git_model_security.guard import finding
from git_model_security.guard.audit import audit
from tests.fixtures.histories import MODEL, History

if TYPE_CHECKING:
    from git_model_security.guard.finding import Finding
    from tests.fixtures.repositories import Repository

RULES = "* filter=git-model\n.* !filter\n"


@pytest.fixture
def history(repo: Repository) -> History:
    """A history where all but dotfiles is protected."""
    return History(repo, RULES)


def _found(history: History, path: bytes, *revisions: str) -> Finding:
    return next(
        one
        for one in audit(history.facts, revisions or ("--all",)).findings
        if one.path == path
    )


def test_every_ref_that_reaches_a_finding_is_named(history: History) -> None:
    history.stage("a.bin", b"plain")
    first = history.commit()
    history.repo.git("tag", "v1", first)
    history.repo.git("tag", "--annotate", "--message", "x", "v2", "v1")
    history.stage("b.bin", b"plain b")
    history.commit()
    history.commit(branch="unrelated")
    assert _found(history, b"a.bin").refs == ("main", "v1", "v2")
    assert _found(history, b"b.bin").refs == ("main",)
    assert _found(history, b"b.bin").pushed is None
    assert _found(history, b"a.bin").describe().endswith("; in main, v1, v2)")
    done = history.repo.model("audit", check=False)
    assert done.stdout.count("Whether it was pushed is not known here") == 1


def test_many_refs_are_counted_and_some_named(history: History) -> None:
    history.stage("a.bin", b"plain")
    commit = history.commit()
    stdin = "".join(f"create refs/heads/b{number:04} {commit}\n" for number in range(500))
    history.repo.git("update-ref", "--stdin", stdin=stdin)
    found = _found(history, b"a.bin")
    assert found.refs_total == 501
    assert len(found.refs) == finding.SHOWN_REFS
    assert "and 496 more" in found.describe()


def test_what_a_remote_tracking_branch_reaches_was_pushed(
    history: History, remote: Repository
) -> None:
    history.stage("a.bin", b"plain")
    history.commit()
    history.repo.git("remote", "add", "origin", str(remote.path))
    history.repo.git("push", "--quiet", "origin", "main")
    history.stage("b.bin", b"plain b")
    history.commit()
    assert _found(history, b"a.bin").pushed is True
    assert _found(history, b"b.bin").pushed is False
    assert _found(history, b"a.bin").refs == ("main", "remotes/origin/main")
    assert "pushed" in _found(history, b"a.bin").describe()
    assert "in no remote-tracking branch" in _found(history, b"b.bin").describe()


def test_merges_and_octopuses_pass_on_what_they_reach(history: History) -> None:
    base = history.commit()
    sides = []
    for number in range(4):
        history.reset(base, branch="side")
        history.stage(f"{number}.bin", b"plain %d" % number)
        sides.append(history.commit(branch="side"))
    history.repo.git("update-ref", "-d", "refs/heads/side")
    history.repo.git("read-tree", base)
    for number in range(4):
        history.stage(f"{number}.bin", b"plain %d" % number)
    history.commit(*sides)
    for number, side in enumerate(sides):
        found = _found(history, b"%d.bin" % number)
        assert (found.commit, found.refs) == (side, ("main",))


def test_a_tag_of_a_blob_names_what_it_holds(history: History) -> None:
    history.repo.git("tag", "loot", history.blob(MODEL))
    found = _found(history, b"")
    assert (found.rule, found.refs, found.refs_total) == (finding.MODEL, ("loot",), 1)


def test_what_no_ref_reaches_says_so(history: History) -> None:
    history.commit()
    history.stage("a.bin", b"plain")
    commit = history.commit(branch="gone")
    history.repo.git("update-ref", "-d", "refs/heads/gone")
    found = _found(history, b"a.bin", commit)
    assert found.refs_total == 0
    assert "; in no ref" in found.describe()


def test_a_detached_head_is_named(history: History) -> None:
    history.stage("a.bin", b"plain")
    commit = history.commit(branch="away")
    history.repo.git("update-ref", "--no-deref", "HEAD", commit)
    history.repo.git("checkout", "--quiet", "--detach", commit)
    history.repo.git("update-ref", "-d", "refs/heads/away")
    assert _found(history, b"a.bin").refs == ("HEAD (repo)",)


def test_names_of_refs_cannot_write_to_the_terminal(history: History) -> None:
    history.stage("a.bin", b"plain")
    commit = history.commit()
    history.repo.git("update-ref", "refs/heads/\u202egnp", commit)
    assert "\u202e" not in _found(history, b"a.bin").describe()


def test_one_walk_tells_of_thousands_of_findings(history: History) -> None:
    count = 4200
    stream = "".join(
        f"commit refs/heads/main\ncommitter A <a@b> {number} +0000\ndata 0\n"
        f"M 100644 inline {number}.bin\ndata 5\n{number:05d}\n"
        for number in range(count)
    )
    history.repo.git("fast-import", "--quiet", stdin=stream)
    found = audit(history.facts).findings
    assert len(found) == count
    assert {one.refs for one in found} == {("main",)}
