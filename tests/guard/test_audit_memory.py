"""What an audit remembers of the one before, and what it never does."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pytest

from git_model_security.clone.database import Memory
from git_model_security.envelope import Key
from git_model_security.guard import finding
from git_model_security.guard.audit import audit
from git_model_security.guard.inspector import Inspector
from git_model_security.guard.knowledge import Remembered
from git_model_security.policy import gitmodel
from git_model_security.policy.gitmodel import Policy
from git_model_security.storage.pointer import Pointer
from tests.fixtures.histories import MODEL, History, sealed

if TYPE_CHECKING:
    from git_model_security.guard.report import Report
    from tests.fixtures.repositories import Repository

KEY = Key(b"k" * 32)
HELD = {KEY.id: KEY}
RULES = "*.bin filter=git-model\n"


class Watch:
    """Lists the blobs that an audit reads."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.reads: list[str] = []
        read = Inspector._read

        def was_read(inspector: Inspector, oid: str, *arguments: object) -> object:
            self.reads.append(oid)
            return read(inspector, oid, *arguments)  # type: ignore[arg-type]

        monkeypatch.setattr(Inspector, "_read", was_read)

    def clear(self) -> None:
        self.reads.clear()


@pytest.fixture
def history(repo: Repository) -> History:
    """A history where `*.bin` is protected, with an envelope and a clear file."""
    made = History(repo, RULES)
    made.stage("a.bin", sealed(KEY, b"weights"))
    made.stage("README.md", b"words\n")
    made.commit()
    return made


@pytest.fixture
def watch(monkeypatch: pytest.MonkeyPatch) -> Watch:
    """Lists what an audit reads."""
    return Watch(monkeypatch)


def _audited(history: History, *revisions: str, keys: dict[str, Key] | None = None) -> Report:
    remembered = Remembered(history.facts, Memory(history.facts), keys or {})
    return audit(history.facts, revisions or ("--all",), keys=keys, remembered=remembered)


def _again(history: History, watch: Watch) -> Report:
    """Audits once, then again, and tells what the second one saw and did."""
    _audited(history)
    watch.clear()
    return _audited(history)


def test_an_unchanged_history_is_not_read_again(history: History, watch: Watch) -> None:
    first = _audited(history)
    watch.clear()
    assert _audited(history) == first
    assert watch.reads == []
    assert (first.blobs, first.unproven) == (2, 1)


def test_a_new_commit_costs_only_its_own_blobs(history: History, watch: Watch) -> None:
    _audited(history)
    new = history.stage("b.bin", sealed(KEY, b"more"))
    history.commit()
    watch.clear()
    report = _audited(history)
    assert watch.reads == [new]
    assert (report.blobs, report.unproven) == (3, 2)


def test_a_finding_is_judged_and_told_each_time(history: History, watch: Watch) -> None:
    bad = history.stage(b"b\xff.bin", b"plain")
    history.commit()
    first = _audited(history)
    assert [one.rule for one in first.findings] == [finding.PLAINTEXT]
    watch.clear()
    assert _audited(history) == first
    assert watch.reads == [bad]
    history.commit()
    assert _audited(history).findings == first.findings


def test_a_finding_tells_what_is_true_of_refs_now(history: History) -> None:
    history.stage("b.bin", b"plain")
    tip = history.commit()
    assert _audited(history).findings[0].pushed is None
    history.repo.git("update-ref", "refs/remotes/origin/main", tip)
    assert _audited(history).findings[0].pushed is True
    history.repo.git("tag", "v1", tip)
    assert "v1" in _audited(history).findings[0].refs


def test_what_is_found_behind_a_pointer_is_judged_each_time(
    history: History, watch: Watch
) -> None:
    pointer = Pointer(hashlib.sha256(MODEL).hexdigest(), len(MODEL))
    objects = history.repo.path / ".git" / "lfs" / "objects" / pointer.oid[:2]
    (objects / pointer.oid[2:4]).mkdir(parents=True)
    (objects / pointer.oid[2:4] / pointer.oid).write_bytes(MODEL)
    oid = history.stage("b.bin", pointer.render())
    history.commit()
    assert not _again(history, watch).clean
    assert watch.reads == [oid]


def test_an_envelope_that_was_not_opened_is_so_again_until_the_key_is_held(
    history: History,
) -> None:
    assert _audited(history).unproven == 1
    assert _audited(history).unproven == 1
    assert _audited(history, keys=HELD).proven == 1
    assert _audited(history, keys=HELD).proven == 1
    assert _audited(history).unproven == 1


def test_what_a_key_unmasks_is_found_though_it_passed_without(history: History) -> None:
    broken = bytearray(sealed(KEY, bytes(5000)))
    broken[2000] ^= 1
    history.stage("b.bin", bytes(broken))
    history.commit()
    assert _audited(history).clean
    found = _audited(history, keys=HELD).findings
    assert [(one.rule, one.path) for one in found] == [(finding.DAMAGED, b"b.bin")]


@pytest.mark.parametrize("place", ["info", "work tree", "nested", "index", "user", "gitmodel"])
def test_other_rules_are_a_new_audit(
    history: History, place: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    history.stage("docs/notes.md", b"words\n")
    history.stage("vocab.json", b"{}")
    history.commit()
    assert _audited(history).clean
    rules = "*.md filter=git-model\n"
    repo = history.repo
    if place == "info":
        (repo.path / ".git" / "info" / "attributes").write_text(RULES + rules)
    elif place == "work tree":
        repo.write(".gitattributes", rules)
    elif place == "nested":
        repo.write("docs/.gitattributes", rules)
    elif place == "index":
        history.stage(".gitattributes", rules.encode())
    elif place == "user":
        file = tmp_path_factory.mktemp("user") / "attributes"
        file.write_text(rules)
        repo.git("config", "core.attributesFile", str(file))
        assert not _audited(history).clean
        file.write_text("")
        assert _audited(history).clean
        file.write_text(rules)
    else:
        history.stage(".gitmodel", gitmodel.render(Policy("weights")))
    assert not _audited(history).clean


def test_what_a_new_ref_holds_is_judged(history: History) -> None:
    assert _audited(history).clean
    bad = history.stage("b.bin", b"plain")
    history.repo.git("tag", "loot", bad)
    assert _audited(history).clean  # no model by content, and no path
    history.repo.git("tag", "--force", "loot", history.blob(MODEL))
    assert [one.rule for one in _audited(history).findings] == [finding.MODEL]
    history.repo.git("tag", "--delete", "loot")
    assert _audited(history).clean


def test_a_rewritten_history_is_walked_again(history: History, watch: Watch) -> None:
    history.stage("b.bin", sealed(KEY, b"one"))
    history.commit()
    _audited(history)
    history.reset(history.repo.git("rev-parse", "main~1"))
    bad = history.stage("b.bin", b"plain")
    commit = history.commit()
    watch.clear()
    (found,) = _audited(history).findings
    assert (found.oid, found.commit) == (bad, commit)
    assert watch.reads == [bad]


def test_the_same_blob_at_another_place_is_judged_there(history: History) -> None:
    history.stage("words", b"words two\n")
    history.commit()
    assert _audited(history).clean
    history.stage("words.bin", b"words two\n")
    history.commit()
    assert [one.path for one in _audited(history).findings] == [b"words.bin"]


def test_a_blob_where_an_envelope_came_is_judged_anew(history: History) -> None:
    history.stage("secret.dat", b"the words themselves\n")
    history.commit()
    assert _audited(history).clean
    history.stage("secret.dat", sealed(KEY, b"the words themselves\n"))
    history.commit()
    assert [one.path for one in _audited(history).findings] == [b"secret.dat"]
    assert [one.path for one in _audited(history).findings] == [b"secret.dat"]


def test_an_object_that_arrives_is_judged(history: History, watch: Watch) -> None:
    pointer = Pointer(hashlib.sha256(MODEL).hexdigest(), len(MODEL))
    history.stage("b.bin", pointer.render())
    history.stage("c.txt", pointer.render())
    history.commit()
    report = _again(history, watch)
    assert (report.absent, report.unproven) == (1, 2)
    objects = history.repo.path / ".git" / "lfs" / "objects" / pointer.oid[:2]
    (objects / pointer.oid[2:4]).mkdir(parents=True)
    (objects / pointer.oid[2:4] / pointer.oid).write_bytes(MODEL)
    found = {(one.rule, one.path) for one in _audited(history).findings}
    assert found == {(finding.PLAINTEXT, b"b.bin"), (finding.MODEL, b"c.txt")}


def test_a_lost_blob_is_never_remembered_as_good(history: History, watch: Watch) -> None:
    oid = history.stage("b.bin", sealed(KEY, b"two"))
    history.commit()
    file = history.repo.path / ".git" / "objects" / oid[:2] / oid[2:]
    content = file.read_bytes()
    file.unlink()
    assert [one.rule for one in _again(history, watch).findings] == [finding.UNREADABLE]
    file.write_bytes(content)
    assert _audited(history).clean


def test_a_shallow_history_is_cut_each_time_though_it_was_whole_before(
    history: History,
) -> None:
    history.stage("b.bin", sealed(KEY, b"one"))
    tip = history.commit()
    assert _audited(history).clean
    (history.repo.path / ".git" / "shallow").write_text(f"{tip}\n")
    assert _audited(history).cut
    assert _audited(history).cut


def test_other_revisions_are_another_audit(history: History) -> None:
    history.stage("b.bin", b"plain")
    history.commit()
    assert _audited(history, "main~1").clean
    assert not _audited(history, "main").clean
    assert not _audited(history, "main~1..main").clean
    assert _audited(history, "main~1").clean


def test_the_command_remembers(history: History) -> None:
    said = [history.repo.model("audit").stdout for _ in range(2)]
    assert said[0] == said[1]
    (count,) = Memory(history.facts).execute("SELECT count(*) FROM audited_blobs").fetchone()
    assert count == 2


def test_an_object_that_is_lost_since_is_told(history: History) -> None:
    blob = history.stage("c.bin", sealed(KEY, b"lost"))
    history.commit()
    assert _audited(history).clean
    history.lose(blob)
    for revisions in ((), ("--all", "--reflog")):
        (one,) = _audited(history, *revisions).findings
        assert (one.rule, one.oid, one.path) == (finding.UNREADABLE, blob, b"c.bin")


def test_a_tree_that_is_lost_since_is_told(history: History) -> None:
    assert _audited(history).clean
    history.lose(history.repo.git("rev-parse", "HEAD^{tree}"))
    assert {one.rule for one in _audited(history).findings} == {finding.UNREADABLE}


def test_packing_changes_nothing_of_what_is_told(history: History, watch: Watch) -> None:
    first = _audited(history)
    history.repo.git("gc", "--quiet")
    watch.clear()
    assert _audited(history) == first
    assert watch.reads == []
