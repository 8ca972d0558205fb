"""The audit: every blob of every commit, at each path it ever had."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from git_model_security.envelope import Key
from git_model_security.errors import GitError, UsageError
from git_model_security.git.repository import Repository as Facts
from git_model_security.guard import finding
from git_model_security.guard.audit import audit
from tests.fixtures.histories import MODEL, History, sealed

if TYPE_CHECKING:
    from tests.fixtures.repositories import CloneFactory, Repository

KEY = Key(b"k" * 32)
HELD = {KEY.id: KEY}
RULES = "* filter=git-model\n.* !filter\nclear/** !filter\n"


@pytest.fixture
def history(repo: Repository) -> History:
    """A history made without any filter, where all but dotfiles is protected."""
    return History(repo, RULES)


def _paths(history: History, *revisions: str) -> list[bytes]:
    return [one.path for one in audit(history.facts, revisions or ("--all",)).findings]


def test_an_unborn_repository_is_clean(history: History) -> None:
    report = audit(history.facts)
    assert report.clean
    assert (report.commits, report.blobs, report.cut) == (0, 0, False)


def test_a_history_of_envelopes_is_clean_and_says_what_was_proven(history: History) -> None:
    history.stage("a.bin", sealed(KEY, b"1"))
    history.stage(".gitmodel", b"[git-model]\n\tversion = 1\n")
    history.commit()
    history.stage("a.bin", sealed(KEY, bytes(2 << 20)))
    history.stage("empty", b"")
    history.commit()
    without_key = audit(history.facts)
    assert without_key.clean
    assert (without_key.proven, without_key.unproven) == (1, 2)
    with_key = audit(history.facts, keys=HELD)
    assert with_key.clean
    assert (with_key.commits, with_key.blobs) == (2, 4)
    assert (with_key.proven, with_key.unproven) == (3, 0)
    assert with_key.summary() == (
        "2 commits, 4 blobs: 3 proven ciphertext, 0 well-formed but not opened, 0 findings"
    )


def test_plaintext_is_found_after_it_was_encrypted_and_after_it_was_removed(
    history: History,
) -> None:
    history.stage("a.bin", b"plain")
    first = history.commit()
    history.stage("a.bin", sealed(KEY, b"plain"))
    history.stage("gone.bin", MODEL)
    second = history.commit()
    history.unstage("gone.bin")
    history.commit()
    found = audit(history.facts).findings
    assert [(one.rule, one.path, one.commit) for one in found] == [
        (finding.PLAINTEXT, b"a.bin", first),
        (finding.PLAINTEXT, b"gone.bin", second),
    ]
    assert [one.date for one in found] == [
        "2023-11-15T22:13:20+00:00",
        "2023-11-16T22:13:20+00:00",
    ]


def test_each_blob_is_told_once_per_path_with_the_first_commit_that_has_it(
    history: History,
) -> None:
    history.stage("a", b"plain")
    first = history.commit()
    history.unstage("a")
    history.stage("b", b"plain")
    second = history.commit()
    history.unstage("b")
    history.stage("a", b"plain", mode="100755")
    history.commit()
    found = audit(history.facts).findings
    assert [(one.path, one.commit) for one in found] == [(b"a", first), (b"b", second)]


def test_what_only_a_merge_commit_holds_is_found(history: History) -> None:
    history.stage("both.bin", sealed(KEY, b"0"))
    base = history.commit()
    history.stage("both.bin", sealed(KEY, b"1"))
    ours = history.commit()
    history.reset(base)
    history.stage("both.bin", sealed(KEY, b"2"))
    theirs = history.commit()
    history.stage("both.bin", b"plain resolution")
    history.stage("evil.bin", MODEL)
    history.stage("clear/ckpt", MODEL)
    merge = history.commit(ours, theirs, base)
    found = audit(history.facts).findings
    assert {(one.path, one.commit) for one in found} == {
        (b"both.bin", merge),
        (b"evil.bin", merge),
        (b"clear/ckpt", merge),
    }


def test_what_a_merge_takes_from_one_parent_is_told_of_that_parent(history: History) -> None:
    base = history.commit()
    history.stage("side.bin", b"plain")
    side = history.commit()
    history.reset(base)
    history.stage("main.bin", sealed(KEY, b"1"))
    main = history.commit()
    history.stage("side.bin", b"plain")
    history.commit(main, side)
    assert [one.commit for one in audit(history.facts).findings] == [side]


def test_every_root_is_seen_whatever_the_configuration_says(history: History) -> None:
    for name, value in {
        "log.showRoot": "false",
        "diff.relative": "true",
        "diff.renames": "copies",
        "diff.ignoreSubmodules": "all",
        "log.showSignature": "true",
        "color.ui": "always",
        "diff.orderFile": "no-such-file",
    }.items():
        history.repo.git("config", name, value)
    history.stage("a.bin", b"plain")
    root = history.commit()
    history.repo.git("symbolic-ref", "HEAD", "refs/heads/other")
    history.stage("b.bin", b"plain two")
    other = history.commit(branch="orphan")
    assert {one.commit for one in audit(history.facts).findings} == {root, other}


def test_all_refs_count_also_remote_ones_notes_stash_and_detached_heads(
    history: History,
) -> None:
    history.commit()
    for number, ref in enumerate(
        ("refs/remotes/origin/x", "refs/notes/n", "refs/stash", "refs/tags/t", "refs/odd/x")
    ):
        history.stage(f"{number}.bin", b"plain %d" % number)
        commit = history.commit(branch=f"b{number}")
        history.repo.git("update-ref", ref, commit)
        history.repo.git("update-ref", "-d", f"refs/heads/b{number}")
        history.unstage(f"{number}.bin")
    history.stage("head.bin", b"plain head")
    detached = history.commit(branch="away")
    history.repo.git("update-ref", "--no-deref", "HEAD", detached)
    history.repo.git("update-ref", "-d", "refs/heads/away")
    history.repo.git("checkout", "--quiet", "--detach", detached)
    assert {*_paths(history)} == {b"head.bin", *(b"%d.bin" % number for number in range(5))}


def test_a_tag_of_a_blob_or_of_a_tree_is_judged(history: History) -> None:
    history.repo.git("tag", "blob", history.blob(MODEL))
    history.repo.git("tag", "--annotate", "--message", "x", "tagged", "blob")
    history.stage("a.bin", b"plain")
    tree = history.repo.git("write-tree")
    history.repo.git("tag", "--annotate", "--message", "x", "tree", tree)
    found = audit(history.facts).findings
    assert {(one.rule, one.path) for one in found} == {
        (finding.MODEL, b""),
        (finding.PLAINTEXT, b"a.bin"),
    }
    assert _paths(history, "blob") == [b""]
    assert "(no path): model file (safetensors)" in " ".join(one.describe() for one in found)


def test_revisions_choose_what_is_walked(history: History) -> None:
    history.stage("a.bin", b"plain a")
    history.commit()
    history.repo.git("tag", "v1", "main")
    history.stage("b.bin", b"plain b")
    history.commit()
    assert _paths(history, "v1") == [b"a.bin"]
    assert _paths(history, "v1..main") == [b"b.bin"]
    assert _paths(history, "main", "^v1") == [b"b.bin"]
    assert _paths(history, "--tags") == [b"a.bin"]


@pytest.mark.parametrize("word", ["--output=x", "--max-count=0", "-n1", "--not"])
def test_no_other_option_reaches_git(history: History, word: str) -> None:
    history.stage("a.bin", b"plain")
    history.commit()
    with pytest.raises(UsageError, match="not a revision"):
        audit(history.facts, ("main", word))


def test_an_unknown_revision_is_an_error_and_not_a_clean_report(history: History) -> None:
    history.commit()
    with pytest.raises(GitError, match="no-such-branch"):
        audit(history.facts, ("no-such-branch",))


def test_replace_refs_and_grafts_hide_nothing(history: History) -> None:
    history.stage("a.bin", b"plain")
    bad = history.commit()
    history.stage("a.bin", sealed(KEY, b"plain"))
    good = history.commit()
    history.repo.git("replace", bad, history.commit(branch="decoy"))
    (history.repo.path / ".git" / "info" / "grafts").write_text(f"{good}\n")
    history.repo.git("update-ref", "-d", "refs/heads/decoy")
    assert [one.commit for one in audit(history.facts, ("main",)).findings] == [bad]


def test_a_shallow_clone_is_never_clean(
    history: History, remote: Repository, clone: CloneFactory
) -> None:
    history.stage("a.bin", b"plain")
    history.commit()
    history.stage("a.bin", sealed(KEY, b"plain"))
    history.commit()
    history.repo.git("push", "--quiet", str(remote.path), "main")
    shallow = clone(remote.path.as_uri(), "shallow", "--depth=1")  # type: ignore[arg-type]
    report = audit(Facts.discover(shallow.path, local=False), rules=RULES)
    assert not report.findings
    assert report.cut
    assert not report.clean
    assert "history is cut" in report.summary()


def test_a_bare_repository_is_audited_by_the_attributes_of_its_head(
    history: History, remote: Repository
) -> None:
    history.stage(".gitattributes", b"*.bin filter=git-model\n")
    history.stage("a.bin", b"plain")
    history.stage("b.txt", b"words")
    history.commit()
    history.repo.git("push", "--quiet", str(remote.path), "main")
    found = audit(Facts.discover(remote.path, local=False)).findings
    assert [one.path for one in found] == [b"a.bin"]


def test_a_pattern_that_is_no_text_protects_in_a_bare_repository_too(
    history: History, remote: Repository
) -> None:
    history.stage(".gitattributes", b"# \xe9\nmod\xe8le filter=git-model\n")
    history.stage(b"mod\xe8le", b"plain")
    history.commit()
    history.repo.git("push", "--quiet", str(remote.path), "main")
    found = audit(Facts.discover(remote.path, local=False)).findings
    assert [one.path for one in found] == [b"mod\xe8le"]


def test_a_policy_about_to_be_set_is_audited_before_it_is_set(history: History) -> None:
    history.stage("a.bin", b"plain")
    history.stage("clear/a.txt", b"words")
    history.commit()
    report = audit(history.facts, rules="clear/*.txt filter=git-model\n")
    assert [one.path for one in report.findings] == [b"clear/a.txt"]


def test_names_that_no_attribute_can_speak_of_must_be_ciphertext(history: History) -> None:
    oid = history.blob(b"plain")
    tree = b"100644 ..\0" + bytes.fromhex(oid)
    made = history.repo.git(
        "hash-object", "-t", "tree", "-w", "--literally", "--stdin", stdin=tree
    )
    commit = history.repo.git("commit-tree", made, "-m", "hostile")
    history.repo.git("update-ref", "refs/heads/main", commit)
    assert _paths(history) == [b".."]


def test_a_missing_blob_is_a_finding_and_not_a_clean_report(history: History) -> None:
    oid = history.stage("a.bin", b"plain")
    history.commit()
    (history.repo.path / ".git" / "objects" / oid[:2] / oid[2:]).unlink()
    (found,) = audit(history.facts).findings
    assert (found.rule, found.path, found.oid) == (finding.UNREADABLE, b"a.bin", oid)
    assert f"object {oid} is missing or corrupt" in found.describe()


def test_a_big_clear_blob_is_left_after_its_head(history: History) -> None:
    history.stage("big.bin", MODEL + bytes(20 << 20))
    history.stage("z.bin", b"plain")
    history.stage("clear/big", MODEL + bytes(20 << 20))
    history.commit()
    assert sorted(_paths(history)) == [b"big.bin", b"clear/big", b"z.bin"]


def test_known_blobs_count_as_proven_and_progress_is_told(history: History) -> None:
    known = history.stage("a.bin", sealed(KEY, b"1"))
    history.stage("b.bin", sealed(KEY, b"2"))
    history.commit()
    seen: list[tuple[int, int]] = []
    report = audit(
        history.facts,
        known={known}.__contains__,
        progress=lambda done, total: seen.append((done, total)),
    )
    assert (report.proven, report.unproven) == (1, 1)
    assert seen == [(1, 2), (2, 2)]


def test_more_commits_than_one_batch_are_all_walked(history: History) -> None:
    count = 2100
    stream = "".join(
        f"commit refs/heads/main\ncommitter A <a@b> {number} +0000\ndata 0\n"
        f"M 100644 inline {number}.bin\ndata 5\n{number:05d}\n"
        for number in range(count)
    )
    history.repo.git("fast-import", "--quiet", stdin=stream)
    report = audit(history.facts)
    assert (report.commits, report.blobs, len(report.findings)) == (count, count, count)


def test_a_repository_of_sha256_objects_is_audited(repo: Repository) -> None:
    from tests.fixtures.repositories import Repository as Made

    path = repo.path.with_name("sha256")
    repo.git("init", "--quiet", "--object-format=sha256", str(path))
    history = History(Made(path), RULES)
    history.stage("a.bin", b"plain")
    history.commit()
    (found,) = audit(history.facts).findings
    assert len(found.oid) == len(found.commit) == 64


def test_the_report_is_one_json_document_with_stable_keys(history: History) -> None:
    oid = history.stage(b"a\xff.bin", MODEL)
    commit = history.commit()
    document = json.loads(json.dumps(audit(history.facts).to_json()))
    assert document == {
        "version": 1,
        "clean": False,
        "exit_status": 1,
        "cut": False,
        "commits": 1,
        "blobs": 1,
        "proven": 0,
        "unproven": 0,
        "absent": 0,
        "missing": 0,
        "unseen": 0,
        "complaints": [],
        "findings": [
            {
                "rule": "plaintext",
                "path": "a\\xff.bin",
                "blob": oid,
                "size": len(MODEL),
                "commit": commit,
                "date": "2023-11-15T22:13:20+00:00",
                "detail": "plaintext at a protected path (safetensors)",
                "refs": ["main"],
                "refs_total": 1,
                "pushed": None,
            }
        ],
    }
