"""What an audit looks at: refs, reflogs, the stash, loose objects, partial clones, and odd
repositories; and what it downloads, which is nothing unless it is told to."""

from __future__ import annotations

import os
import random
import unicodedata
from typing import TYPE_CHECKING

import pytest

from git_model_security.envelope import Key
from git_model_security.errors import UNCHECKED
from git_model_security.git.repository import Repository as Facts
from git_model_security.guard import finding
from git_model_security.guard.audit import audit
from git_model_security.policy import gitmodel
from git_model_security.policy.gitmodel import Policy
from tests.fixtures.histories import MODEL, History, sealed
from tests.fixtures.repositories import Repository

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fixtures.lfs_projects import LfsProjectFactory
    from tests.fixtures.people import PersonFactory
    from tests.fixtures.repositories import CloneFactory

KEY = Key(b"k" * 32)
RULES = "*.bin filter=git-model\n"


@pytest.fixture
def history(repo: Repository) -> History:
    """A history where `*.bin` is protected."""
    return History(repo, RULES)


def _paths(repo: Repository, *arguments: str) -> set[str]:
    """Returns the paths of the findings of `git model audit`."""
    done = repo.model("audit", *arguments, check=False)
    assert done.returncode in {0, 1}, done.stderr
    said = done.stdout.splitlines()[:-1]
    lines = [line for line in said if not line.startswith("Whether it was pushed")]
    assert bool(lines) == (done.returncode == 1)
    return {line.partition(": ")[0] for line in lines}


def test_a_reflog_holds_what_was_reset_and_is_read_on_request(history: History) -> None:
    repo = history.repo
    history.commit()
    repo.git("config", "core.logAllRefUpdates", "always")
    history.stage("a.bin", b"plain")
    history.commit()
    repo.git("reset", "--quiet", "--hard", "main~1")
    assert _paths(repo) == set()
    assert _paths(repo, "--reflog") == {"a.bin"}
    assert _paths(repo, "--all", "--reflog") == {"a.bin"}
    assert _paths(repo, "main", "--reflog") == {"a.bin"}


@pytest.mark.parametrize("name", ["refs/worktree/x", "refs/bisect/bad", "refs/rewritten/on"])
def test_what_only_another_work_tree_has_is_read(history: History, name: str) -> None:
    repo = history.repo
    clean = history.commit()
    history.stage("a.bin", b"plain")
    leak = history.commit()
    repo.git("reset", "--quiet", "--hard", clean)
    repo.git("worktree", "add", "--quiet", "--detach", "../other", clean)
    other = Repository(repo.path.parent / "other")
    unguarded = ("-c", f"core.hooksPath={os.devnull}", "update-ref")
    for here, there in ((repo, other), (other, repo)):
        there.git(*unguarded, name, leak)
        assert _paths(here) == {"a.bin"}
        assert f"/{name}" in here.model("audit", check=False).stdout
        there.git(*unguarded, "-d", name)
        assert _paths(here) == set()


def test_every_stash_is_read_with_its_index_and_its_untracked_files(repo: Repository) -> None:
    repo.write("words", "words\n")
    repo.commit()
    (repo.path / ".git" / "info" / "attributes").write_text("")
    for number in range(2):
        repo.write("words", f"words {number}\n")
        repo.write(f"staged{number}.bin", f"plain {number}")
        repo.git("add", f"staged{number}.bin")
        (repo.path / f"staged{number}.bin").write_text("other\n")
        repo.write(f"untracked{number}.bin", f"plain u{number}")
        repo.git("stash", "push", "--quiet", "--include-untracked")
    (repo.path / ".git" / "info" / "attributes").write_text(RULES)
    newest, oldest = {"staged1.bin", "untracked1.bin"}, {"staged0.bin", "untracked0.bin"}
    assert _paths(repo) == newest
    assert _paths(repo, "--reflog") == newest | oldest


def test_what_no_ref_reaches_is_judged_on_request(history: History) -> None:
    repo = history.repo
    history.commit()
    history.stage("a.bin", b"plain")
    gone = history.commit(branch="gone")
    repo.git("update-ref", "-d", "refs/heads/gone")
    history.unstage("a.bin")
    history.blob(MODEL)
    assert _paths(repo) == set()
    report = audit(history.facts, unreachable=True)
    assert [(one.rule, one.path, one.commit) for one in report.findings] == [
        (finding.PLAINTEXT, b"a.bin", gone),
        (finding.MODEL, b"", report.findings[1].oid),
    ]
    assert _paths(repo, "--unreachable") == {"a.bin", "(no path)"}


def test_what_was_staged_and_never_committed_is_a_loose_object(history: History) -> None:
    history.commit()
    history.stage("weights", MODEL)
    assert _paths(history.repo, "--unreachable") == {"(no path)"}


def test_a_commit_that_is_reached_is_told_as_the_first_one(history: History) -> None:
    history.stage("a.bin", b"plain")
    first = history.commit()
    history.repo.git("update-ref", "-d", "refs/heads/main")
    second = history.commit()
    assert first != second
    (found,) = audit(history.facts, unreachable=True).findings
    assert (found.commit, found.refs) == (second, ("main",))


def _partial(
    history: History, remote: Repository, clone: CloneFactory, kind: str
) -> Repository:
    history.repo.git("push", "--quiet", str(remote.path), "main")
    remote.git("config", "uploadpack.allowFilter", "true")
    remote.git("config", "uploadpack.allowAnySHA1InWant", "true")
    made = clone(remote.path.as_uri(), "partial", f"--filter={kind}")  # type: ignore[arg-type]
    (made.path / ".git" / "info" / "attributes").write_text(RULES)
    return made


def _held(repo: Repository) -> int:
    listed = repo.git("cat-file", "--batch-all-objects", "--batch-check", "--unordered")
    return len(listed.splitlines())


def test_a_partial_clone_fetches_no_blob_and_counts_what_is_not_here(
    history: History, remote: Repository, clone: CloneFactory
) -> None:
    history.stage("a.bin", b"plain")
    history.stage("old.txt", MODEL)
    history.commit()
    history.stage("a.bin", sealed(KEY, b"plain"))
    history.unstage("old.txt")
    history.stage("kept.txt", b"words\n")
    history.commit()
    made = _partial(history, remote, clone, "blob:none")
    before = _held(made)
    for _ in range(2):
        done = made.model("audit", check=False)
        assert done.returncode == UNCHECKED
        assert "2 not here (partial clone: `git model audit --fetch`)" in done.stdout
        assert done.stderr == ""
    assert _held(made) == before
    assert _paths(made, "--fetch") == {"a.bin", "old.txt"}
    assert _held(made) == before + 2
    assert _paths(made) == {"a.bin", "old.txt"}


def test_a_clone_without_trees_says_which_commits_it_did_not_see(
    history: History, remote: Repository, clone: CloneFactory
) -> None:
    for number in range(4):
        history.stage("dir/a.bin", b"plain %d" % number)
        history.commit()
    made = _partial(history, remote, clone, "tree:0")
    before = _held(made)
    report = audit(Facts.discover(made.path, local=False))
    assert (report.commits, report.unseen, report.clean) == (4, 3, False)
    assert [one.path for one in report.findings] == [b"dir/a.bin"]
    assert "3 commits or policies were not seen" in report.summary()
    assert _held(made) == before
    done = made.model("audit", "--fetch", check=False)
    assert done.stdout.count("dir/a.bin: plaintext") == 4


def test_a_policy_that_a_partial_clone_left_out_is_told(
    history: History, remote: Repository, clone: CloneFactory
) -> None:
    history.stage(".gitmodel", gitmodel.render(Policy("weights")))
    history.stage("vocab.json", b"{}")
    history.commit(branch="side")
    history.repo.git("push", "--quiet", str(remote.path), "side")
    history.unstage(".gitmodel")
    history.stage("a.txt", b"words")
    history.commit()
    made = _partial(history, remote, clone, "blob:none")
    before = _held(made)
    done = made.model("audit", "origin/main", "origin/side", check=False)
    assert done.returncode == UNCHECKED
    assert "1 commits or policies were not seen" in done.stdout
    assert _held(made) == before
    assert _paths(made, "--fetch", "origin/main", "origin/side") == {"vocab.json"}


def test_a_remote_that_is_gone_is_told_and_leaves_blobs_unproven(
    history: History, remote: Repository, clone: CloneFactory
) -> None:
    history.stage("a.bin", b"plain")
    history.commit()
    history.unstage("a.bin")
    history.commit()
    made = _partial(history, remote, clone, "blob:none")
    remote.path.rename(remote.path.with_name("away"))
    done = made.model("audit", "--fetch", check=False)
    assert done.returncode == UNCHECKED
    assert "could be fetched" in done.stderr
    assert "1 not here" in done.stdout


def test_objects_of_git_lfs_are_fetched_and_proven_on_request(
    lfs_project: LfsProjectFactory, person: PersonFactory
) -> None:
    project = lfs_project()
    project.push()
    made = person("bob").clone(project.remote)
    done = made.model("audit")
    assert "3 in git-lfs and not here" in done.stdout
    done = made.model("audit", "--fetch")
    assert "in git-lfs and not here" not in done.stdout
    assert "5 well-formed but not opened, 0 findings" in done.stdout


def test_a_pointer_of_plain_git_lfs_hides_no_model(history: History) -> None:
    import hashlib

    from git_model_security.storage.pointer import Pointer

    pointer = Pointer(hashlib.sha256(MODEL).hexdigest(), len(MODEL))
    history.stage("big.dat", pointer.render())
    history.commit()
    report = audit(history.facts)
    assert (report.findings, report.absent, report.unproven) == ([], 1, 1)
    place = history.repo.path / ".git" / "lfs" / "objects" / pointer.oid[:2] / pointer.oid[2:4]
    place.mkdir(parents=True)
    (place / pointer.oid).write_bytes(MODEL)
    (found,) = audit(history.facts).findings
    assert (found.rule, found.path) == (finding.MODEL, b"big.dat")


def test_objects_of_an_alternate_are_audited(history: History, tmp_path: Path) -> None:
    history.stage("a.bin", b"plain")
    history.commit()
    history.blob(MODEL)
    path = tmp_path / "borrower"
    history.repo.git(
        "clone", "--quiet", "--shared", "--bare", str(history.repo.path), str(path)
    )
    (path / "info" / "attributes").write_text(RULES)
    borrower = Repository(path)
    assert _paths(borrower) == {"a.bin"}
    assert _paths(borrower, "--unreachable") == {"a.bin", "(no path)"}


def test_variables_that_point_elsewhere_are_followed_as_git_does(
    history: History, tmp_path: Path
) -> None:
    repo = history.repo
    history.stage("a.bin", b"plain")
    history.commit()
    git_dir = repo.path / ".git"
    outside = Repository(tmp_path)
    for env in (
        {"GIT_DIR": str(git_dir)},
        {"GIT_DIR": "repo/.git"},
        {"GIT_DIR": str(git_dir), "GIT_OBJECT_DIRECTORY": str(git_dir / "objects")},
        {"GIT_DIR": str(git_dir), "GIT_INDEX_FILE": str(tmp_path / "no-index")},
    ):
        done = outside.model("audit", check=False, env=env)
        assert (done.returncode, done.stdout[:6]) == (1, "a.bin:"), (env, done.stderr)


def test_objects_in_another_directory_are_read_and_so_are_their_attributes(
    history: History, tmp_path: Path
) -> None:
    repo = history.repo
    other = tmp_path / "objects"
    env = {
        "GIT_OBJECT_DIRECTORY": str(other),
        "GIT_ALTERNATE_OBJECT_DIRECTORIES": str(repo.path / ".git" / "objects"),
    }
    other.mkdir()
    quarantined = History(Repository(repo.path, env), "")
    quarantined.stage(".gitattributes", b"*.dat filter=git-model\n")
    quarantined.stage("a.dat", b"plain")
    quarantined.commit()
    quarantined.unstage(".gitattributes")
    quarantined.commit()
    done = repo.model("audit", check=False, env=env)
    assert done.stdout.startswith("a.dat: plaintext")


def test_attributes_of_the_user_take_no_protection_away(
    history: History, tmp_path: Path
) -> None:
    repo = history.repo
    (repo.path / ".git" / "info" / "attributes").write_text("")
    history.stage(".gitattributes", RULES.encode())
    history.stage("a.bin", b"plain")
    history.commit()
    repo.git("reset", "--quiet", "--hard")
    (tmp_path / "mine").write_text("*.bin !filter\n")
    repo.git("config", "core.attributesFile", str(tmp_path / "mine"))
    assert _paths(repo) == {"a.bin"}
    (repo.path / ".git" / "info" / "attributes").write_text("*.bin -filter\n")
    assert _paths(repo) == {"a.bin"}


def test_submodules_and_nested_repositories_are_passed_over(history: History) -> None:
    history.stage("a.txt", b"words")
    history.commit()
    history.stage_gitlink("sub.bin")
    history.commit()
    inner = history.repo.path / "inner"
    inner.mkdir()
    nested = Repository(inner)
    nested.git("init", "--quiet")
    nested.write("a.bin", "plain")
    nested.commit()
    assert _paths(history.repo) == set()
    assert _paths(nested) == set()
    (inner / ".git" / "info" / "attributes").write_text(RULES)
    assert _paths(nested) == {"a.bin"}


def test_notes_are_no_files_of_the_model_but_hold_no_model_either(history: History) -> None:
    (history.repo.path / ".git" / "info" / "attributes").write_text("* filter=git-model\n")
    history.stage("a.bin", sealed(KEY, b"weights"))
    commit = history.commit()
    history.repo.git("notes", "add", "-m", "a remark", commit)
    assert _paths(history.repo) == set()
    history.repo.git("notes", "--ref", "loot", "add", "-C", history.blob(MODEL), commit)
    assert _paths(history.repo) == {"(no path)"}
    history.stage("c.bin", b"plain")
    other = history.commit(branch="other")
    history.repo.git("update-ref", "refs/notes/odd", other)
    history.repo.git("update-ref", "-d", "refs/heads/other")
    assert _paths(history.repo) == {"(no path)", "c.bin"}


def test_refs_that_hold_blobs_and_trees_are_judged(history: History) -> None:
    history.commit()
    history.repo.git("update-ref", "refs/loot/blob", history.blob(MODEL))
    history.stage("a.bin", b"plain")
    history.repo.git("update-ref", "refs/loot/tree", history.repo.git("write-tree"))
    assert _paths(history.repo) == {"(no path)", "a.bin"}


def test_a_name_in_another_unicode_form_is_protected(history: History) -> None:
    name = unicodedata.normalize("NFC", "modèle.dat")
    history.stage(".gitmodel", gitmodel.render(Policy("weights", include=(name,))))
    decomposed = unicodedata.normalize("NFD", name)
    history.stage(decomposed, b"plain")
    history.commit()
    (found,) = audit(history.facts).findings
    assert found.path == decomposed.encode()


def test_a_huge_tree_is_audited(history: History) -> None:
    count = 100_000
    oid, bad = history.blob(b"words\n"), history.blob(b"plain")
    entries = [b"100644 f%06d.txt\0" % number + bytes.fromhex(oid) for number in range(count)]
    entries.append(b"100644 z.bin\0" + bytes.fromhex(bad))
    write = ("hash-object", "-t", "tree", "-w", "--stdin")
    tree = history.repo.git(*write, stdin=b"".join(entries))
    commit = history.repo.git("commit-tree", tree, "-m", "huge")
    history.repo.git("update-ref", "refs/heads/main", commit)
    report = audit(history.facts)
    assert [one.path for one in report.findings] == [b"z.bin"]


def test_magic_that_does_not_authenticate_is_found_with_the_key_and_else_unproven(
    history: History,
) -> None:
    envelope = bytearray(sealed(KEY, bytes(5000)))
    envelope[1000] ^= 1
    history.stage("a.bin", bytes(envelope))
    history.commit()
    without = audit(history.facts)
    assert (without.findings, without.unproven) == ([], 1)
    (found,) = audit(history.facts, keys={KEY.id: KEY}).findings
    assert (found.rule, found.path) == (finding.DAMAGED, b"a.bin")


def test_key_files_that_were_ever_committed_are_found(history: History) -> None:
    history.stage("keys/old.pem", b"-----BEGIN EC PRIVATE KEY-----\nMHcC\n")
    history.stage("aes256-2023", random.Random(1).randbytes(32))
    history.stage("digest", random.Random(2).randbytes(32))
    history.stage("words.key", b"thirty-two letters make a word..")
    history.commit()
    for path in ("keys/old.pem", "aes256-2023"):
        history.unstage(path)
    history.commit()
    found = audit(history.facts).findings
    assert {(one.rule, one.path) for one in found} == {
        (finding.KEY, b"keys/old.pem"),
        (finding.KEY, b"aes256-2023"),
    }
