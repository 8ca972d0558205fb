"""The audit by each commit's own attributes and policies, whatever today's say."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from git_model_security.envelope import Key
from git_model_security.guard import finding, past_protection
from git_model_security.guard.audit import audit
from git_model_security.policy import gitmodel
from git_model_security.policy.gitmodel import Policy
from tests.fixtures.histories import History, sealed
from tests.fixtures.repositories import Repository as Made

if TYPE_CHECKING:
    from tests.fixtures.repositories import Repository

KEY = Key(b"k" * 32)
WEIGHTS = gitmodel.render(Policy("weights"))


@pytest.fixture
def history(repo: Repository) -> History:
    """A history whose attributes in force protect nothing."""
    return History(repo, "")


def _paths(history: History, *revisions: str) -> list[bytes]:
    return sorted(one.path for one in audit(history.facts, revisions or ("--all",)).findings)


def _take_away(history: History, *paths: str) -> None:
    """Commits what is staged, and then that some of it is gone."""
    history.commit()
    for path in paths:
        history.unstage(path)
    history.commit()


def test_what_the_attributes_of_its_own_commit_protected_is_found(history: History) -> None:
    history.stage(".gitattributes", b"*.dat filter=git-model\n")
    history.stage("a.dat", b"words")
    history.stage("b.txt", b"words")
    bad = history.commit()
    history.unstage(".gitattributes")
    history.unstage("a.dat")
    history.stage("c.dat", b"other words")
    history.commit()
    (found,) = audit(history.facts).findings
    assert (found.rule, found.path, found.commit) == (finding.PLAINTEXT, b"a.dat", bad)
    assert past_protection.BY_COMMIT in found.detail


def test_nested_attributes_of_then_speak_of_their_directory_only(history: History) -> None:
    history.stage(
        "deep/er/.gitattributes", b"*.dat filter=git-model\n/top.x filter=git-model\n"
    )
    for path in ("deep/er/a.dat", "deep/er/x/b.dat", "deep/c.dat", "deep/er/top.x", "top.x"):
        history.stage(path, path.encode())
    history.stage("deep/er/y/top.x", b"not anchored there")
    _take_away(history, "deep/er/.gitattributes")
    assert _paths(history) == [b"deep/er/a.dat", b"deep/er/top.x", b"deep/er/x/b.dat"]


def test_nested_attributes_of_then_take_protection_away_as_git_says(history: History) -> None:
    history.stage(".gitattributes", b"*.dat filter=git-model\n")
    history.stage("clear/.gitattributes", b"*.dat !filter\n")
    history.stage("clear/a.dat", b"words")
    history.stage("b.dat", b"words")
    _take_away(history, ".gitattributes")
    assert _paths(history) == [b"b.dat"]


def test_macros_of_then_are_followed(history: History) -> None:
    history.stage(".gitattributes", b"[attr]secret filter=git-model -text\n*.dat secret\n")
    history.stage("sub/.gitattributes", b"*.txt secret\n")
    for path in ("a.dat", "sub/b.txt", "c.txt"):
        history.stage(path, path.encode())
    _take_away(history, ".gitattributes", "sub/.gitattributes")
    assert _paths(history) == [b"a.dat", b"sub/b.txt"]


def test_the_policy_of_then_counts_beside_the_attributes(history: History) -> None:
    history.stage(".gitmodel", WEIGHTS)
    history.stage("vocab.json", b"{}")
    history.commit()
    history.stage(".gitmodel", gitmodel.render(Policy("weights", exclude=("vocab.json",))))
    history.unstage("vocab.json")
    history.commit()
    (found,) = audit(history.facts).findings
    assert (found.path, found.rule) == (b"vocab.json", finding.PLAINTEXT)
    assert past_protection.BY_COMMIT in found.detail


def test_what_stood_in_clear_when_protection_came_is_found(history: History) -> None:
    history.stage("a.dat", b"words")
    first = history.commit()
    history.stage(".gitattributes", b"*.dat filter=git-model\n")
    _take_away(history, ".gitattributes")
    (found,) = audit(history.facts).findings
    assert (found.path, found.commit) == (b"a.dat", first)


def test_what_came_back_in_clear_under_protection_is_found(history: History) -> None:
    history.stage("a.dat", b"words")
    history.commit()
    history.unstage("a.dat")
    history.stage(".gitattributes", b"*.dat filter=git-model\n")
    history.commit()
    history.stage("a.dat", b"words")
    _take_away(history, ".gitattributes", "a.dat")
    assert _paths(history) == [b"a.dat"]


def test_a_merge_has_the_attributes_that_it_took_from_either_side(history: History) -> None:
    base = history.commit()
    history.stage(".gitattributes", b"*.dat filter=git-model\n")
    protecting = history.commit(branch="side")
    history.reset(base)
    history.stage("x.txt", b"words")
    ours = history.commit()
    history.stage(".gitattributes", b"*.dat filter=git-model\n")
    history.commit(ours, protecting)
    history.stage("late.dat", b"words")
    _take_away(history, ".gitattributes", "late.dat")
    assert _paths(history) == [b"late.dat"]


def test_a_range_knows_the_attributes_of_the_commit_it_stands_on(history: History) -> None:
    history.stage(".gitattributes", b"*.dat filter=git-model\n")
    base = history.commit()
    history.stage("a.dat", b"words")
    _take_away(history, ".gitattributes")
    assert _paths(history, f"{base}..main") == [b"a.dat"]


def test_ciphertext_at_paths_of_then_is_no_finding_and_is_counted(history: History) -> None:
    history.stage(".gitattributes", b"*.dat filter=git-model\n")
    history.stage("a.dat", sealed(KEY, b"words"))
    _take_away(history, ".gitattributes")
    report = audit(history.facts, keys={KEY.id: KEY})
    assert (report.findings, report.proven) == ([], 1)


@pytest.mark.parametrize("name", ["Model.DAT", "model.dat"])
def test_another_letter_case_does_not_lead_away_from_them(history: History, name: str) -> None:
    history.stage(".gitattributes", b"*.dat filter=git-model\n")
    history.stage(name, b"words")
    _take_away(history, ".gitattributes")
    assert _paths(history) == [name.encode()]


def test_attributes_of_then_that_are_no_file_or_too_long_are_told(history: History) -> None:
    history.stage(".gitattributes", b"elsewhere", mode="120000")
    history.stage("a.dat", b"words")
    history.commit()
    assert _paths(history) == []
    history.stage(".gitattributes", b"# long\n" * 200_000)
    history.stage("a.dat", b"other words")
    history.commit()
    (found,) = audit(history.facts).findings
    assert (found.rule, found.path) == (finding.BROKEN_POLICY, b".gitattributes")


def test_a_repository_of_sha256_objects_has_a_past_too(repo: Repository) -> None:
    path = repo.path.with_name("sha256")
    repo.git("init", "--quiet", "--object-format=sha256", str(path))
    history = History(Made(path), "")
    history.stage(".gitattributes", b"*.dat filter=git-model\n")
    history.stage("a.dat", b"words")
    _take_away(history, ".gitattributes")
    assert _paths(history) == [b"a.dat"]


def test_odd_names_are_asked_about_as_they_are(history: History) -> None:
    names = [b"a\nb.dat", b"\xff.dat", b"-x.dat", b'a b/"q".dat', b"\\.dat"]
    history.stage(".gitattributes", b"*.dat filter=git-model\n")
    for number, name in enumerate(names):
        history.stage(name, b"words %d" % number)
    _take_away(history, ".gitattributes")
    assert _paths(history) == sorted(names)


def test_hostile_names_beside_attributes_are_no_traceback(history: History) -> None:
    oid = history.blob(b"*.dat filter=git-model\n")
    rules = b"100644 .gitattributes\0" + bytes.fromhex(oid)
    words = b"100644 x.dat\0" + bytes.fromhex(history.blob(b"words"))

    def tree(content: bytes) -> str:
        write = ("hash-object", "-t", "tree", "-w", "--literally", "--stdin")
        return history.repo.git(*write, stdin=content)

    inner = bytes.fromhex(tree(rules + words))
    entries = b"".join(b"40000 " + name + b"\0" + inner for name in (b"..", b".GIT", b".git"))
    commit = history.repo.git("commit-tree", tree(entries), "-m", "hostile")
    history.repo.git("update-ref", "refs/heads/main", commit)
    assert b"../x.dat" in _paths(history)


def test_attributes_that_change_in_every_commit_are_all_evaluated(history: History) -> None:
    count = 300
    parts = [
        f"commit refs/heads/main\ncommitter A <a@b> {number} +0000\ndata 0\n"
        f"M 100644 inline .gitattributes\ndata {len(rules)}\n{rules}\n"
        f"M 100644 inline {number}.dat\ndata 3\nabc\n"
        for number in range(count)
        for rules in [f"{number}.dat filter=git-model\n"]
    ]
    history.repo.git("fast-import", "--quiet", stdin="".join(parts))
    report = audit(history.facts, ("main",))
    assert len(report.findings) == count
    assert {one.rule for one in report.findings} == {finding.PLAINTEXT}


def test_more_sets_of_macros_than_anybody_has_are_a_finding(history: History) -> None:
    parts = [
        f"commit refs/heads/main\ncommitter A <a@b> {number} +0000\ndata 0\n"
        f"M 100644 inline .gitattributes\ndata {len(rules)}\n{rules}\n"
        f"M 100644 inline {number}.dat\ndata 3\nabc\n"
        for number in range(70)
        for rules in [f"[attr]m filter=git-model\n{number}.dat m\n"]
    ]
    history.repo.git("fast-import", "--quiet", stdin="".join(parts))
    rules = [one.rule for one in audit(history.facts, ("main",)).findings]
    assert finding.BROKEN_POLICY in rules
    assert rules.count(finding.PLAINTEXT) >= 60
