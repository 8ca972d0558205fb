"""`git model migrate`: all history anew, the same but for what must be ciphertext."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from git_model_security.policy import attributes
from tests.fixtures import odd_histories
from tests.fixtures.copies import copied
from tests.fixtures.odd_histories import ODD_BRANCH, OURS, SECRET
from tests.fixtures.people import assert_clean, founded, is_sealed
from tests.fixtures.processes import execute
from tests.fixtures.repositories import Repository

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fixtures.repositories import CloneFactory


@pytest.fixture
def odd(repo: Repository) -> Repository:
    """A repository with a history in clear, where nothing is set up."""
    odd_histories.make(repo)
    return repo


def migrated(repo: Repository, *options: str) -> Path:
    """Migrates, and returns the backup."""
    backup = repo.path.parent / "old.bundle"
    repo.model("migrate", "--yes", "--backup", str(backup), *options)
    return backup


def restored(backup: Path, directory: Path | None = None) -> Repository:
    """Returns the old history, out of the backup, in a directory or beside it."""
    old = Repository(directory or backup.parent / "old")
    execute("git", "clone", "--quiet", "--mirror", backup, old.path)
    return old


@dataclass(frozen=True)
class Migrated:
    """The odd history once it was migrated: a directory to copy, and what was before.

    Attributes:
        directory: holds `repo`, `home` and `old.bundle`, the backup.
        refs: oid of each ref before, by name.
        head: what HEAD was.
        stdout, stderr: what was said.
    """

    directory: Path
    refs: dict[str, str]
    head: str
    stdout: str
    stderr: str


@pytest.fixture(scope="module")
def migration(tmp_path_factory: pytest.TempPathFactory) -> Migrated:
    directory = tmp_path_factory.mktemp("migration")
    repo = founded(directory)
    repo.git("remote", "remove", "origin")
    odd_histories.make(repo)
    listed = repo.git("for-each-ref", "--format=%(refname) %(objectname)").splitlines()
    refs = dict(line.rsplit(" ", 1) for line in listed)
    head = repo.git("symbolic-ref", "HEAD")
    backup = ("--backup", str(directory / "old.bundle"))
    done = repo.model("migrate", "--yes", *backup, "--profile", "all")
    assert_clean(repo)  # in a copy Git could not say otherwise
    return Migrated(directory, refs, head, done.stdout, done.stderr)


@pytest.fixture
def moved(migration: Migrated, home: Path, tmp_path: Path) -> Repository:
    """The repository with the odd history, migrated."""
    shutil.copytree(migration.directory / "home" / ".config", home / ".config")
    return copied(migration.directory / "repo", tmp_path / "repo")


@pytest.mark.parametrize("storage", ["inline", "lfs"])
def test_every_commit_gives_the_same_files_as_before(
    odd: Repository, storage: str, remote: Repository, clone: CloneFactory
) -> None:
    options = ("--threshold", "2k") if storage == "lfs" else ("--storage", "inline")
    backup = migrated(odd, "--profile", "all", *options)
    before = odd_histories.record(odd)
    old = restored(backup)
    odd.model("key", "export", "../aes256.bin")
    # A tag of a tree can have no signature, which the guard of pushes wants of tags.
    odd.git("tag", "--delete", "tree")
    # Nor can a tag of a file, and a branch with links.
    odd.git("config", "git-model.signedRefs", "refs/heads/main")
    odd.git("push", "--quiet", "--mirror", str(remote.path))
    fresh = clone()
    fresh.git("fetch", "--quiet", "origin", "+refs/*:refs/all/*")
    fresh.model("unlock", "--key", "../aes256.bin")
    if storage == "lfs":
        fresh.git("lfs", "fetch", "--all")
    commits = odd_histories.commits(old)
    assert len(commits) > 28
    for commit in commits:
        new = before[commit]
        parents, headers, message = odd_histories.said(old, commit)
        mapped = [before[parent.decode()].encode() for parent in parents]
        assert odd_histories.said(odd, new) == (mapped, headers, message)
        was, now = (
            odd_histories.checked_out(*where) for where in ((old, commit), (fresh, new))
        )
        rules = now[b".gitattributes"][1].decode()
        assert rules.startswith(was.get(b".gitattributes", (0, b""))[1].decode())
        assert rules.endswith(attributes.END + "\n")
        assert b".gitmodel" in now
        for path in OURS:
            was.pop(path, None)
            now.pop(path, None)
        assert now == was


def test_every_ref_is_moved_and_each_tip_is_signed(
    migration: Migrated, moved: Repository, tmp_path: Path
) -> None:
    odd = moved
    new = odd_histories.record(odd)
    same = {"refs/tags/blob", "refs/tags/tree", "refs/notes/commits", "refs/notes/review"}
    for name, oid in migration.refs.items():
        assert (odd.git("rev-parse", name) == oid) == (name in same), name
    assert odd.git("symbolic-ref", "HEAD") == migration.head
    assert_clean(odd)
    odd.git("fsck", "--full", "--strict", "--no-dangling")
    odd.model("verify")
    names = ["main", "left", "light", "v1", "nested", "signed", "old", "refs/changes/01/1"]
    for name in [*names, ODD_BRANCH]:
        odd.model("verify", name)
        odd.model("verify", "--encrypted", name)
    linked = odd.model("verify", "linked", check=False)
    assert linked.returncode == 1
    assert "unsigned" in linked.stdout
    audit = odd.model("audit")
    assert "0 findings" in audit.stdout
    # What a tag says stays, but for its signature.
    old = restored(migration.directory / "old.bundle", tmp_path / "old")
    was = old.git("cat-file", "tag", "refs/tags/v1").splitlines()
    now = odd.git("cat-file", "tag", "refs/tags/v1").splitlines()
    assert now[0] == f"object {new[was[0].split()[1]]}"
    assert now[1:] == was[1:]
    assert odd.git("cat-file", "tag", "signed").endswith("+0200\n\nsigned")
    assert "\ntagger" not in odd.git("cat-file", "tag", "old")
    assert odd.git("rev-parse", "nested^{}") == odd.git("rev-parse", "light")


def test_notes_stay_as_they_are_and_are_listed(migration: Migrated, moved: Repository) -> None:
    names = {name for name in migration.refs if name.startswith("refs/notes/")}
    assert names == {"refs/notes/commits", "refs/notes/review"}
    listed = moved.git("for-each-ref", "--format=%(refname) %(objectname)", "refs/notes")
    assert dict(line.split() for line in listed.splitlines()) == {
        name: migration.refs[name] for name in names
    }
    said = migration.stdout + migration.stderr
    assert "2 refs of notes stay as they are" in said


def test_what_breaks_is_told_beforehand(odd: Repository) -> None:
    before = odd.git("for-each-ref")
    done = odd.model("migrate", "--dry-run", "--profile", "all")
    said = done.stdout + done.stderr
    for text in (
        "1 commits lose their signature (gpg, ssh)",
        "1 tags lose their signature: refs/tags/signed",
        "refs name a tree or a blob, and stay as they are: refs/tags/blob, refs/tags/tree",
        "not signed by anybody this clone trusts",
        "Are links, and stay as they are (2):",
        "Will stay clear in all history (",
        ".clear/file.txt",
        "evil.bin",
    ):
        assert text in said, said
    assert odd.git("for-each-ref") == before
    assert not (odd.path / ".git" / "git-model" / "migrate").exists()
    assert odd.git("config", "--get", "git-model.keyId", check=False) == ""


def test_the_new_keys_are_told_with_what_to_do_with_them(
    migration: Migrated, moved: Repository
) -> None:
    said = migration.stdout
    key = moved.git("config", "git-model.keyId")
    assert f"AES-256 key   {key}\n  kept in     " in said
    assert "back it up: git model key export FILE" in said
    assert f"Signing key   {moved.git('config', 'git-model.signingKey')[:32]}" in said
    assert "give out:   git model key export --public FILE" in said


@pytest.mark.parametrize("option", ["--key", "--signing-key"])
@pytest.mark.parametrize("mode", ["--dry-run", "--yes"])
def test_a_key_file_that_is_not_there_is_told_at_once(
    odd: Repository, option: str, mode: str
) -> None:
    before = odd.git("for-each-ref")
    done = odd.model("migrate", mode, option, "../nosuch", check=False)
    assert done.returncode != 0
    assert "../nosuch" in done.stderr
    assert "no such file" in done.stderr.lower()
    assert "Commits to make anew" not in done.stdout
    assert odd.git("for-each-ref") == before
    assert not list(odd.path.parent.glob("*.bundle"))


def test_nothing_is_done_unasked(odd: Repository) -> None:
    before = odd.git("for-each-ref")
    done = odd.model("migrate", check=False)
    assert done.returncode == 1
    assert "--yes" in done.stderr
    assert odd.git("for-each-ref") == before
    assert not list(odd.path.parent.glob("*.bundle"))


def test_the_backup_is_private_complete_and_never_overwritten(odd: Repository) -> None:
    refs = odd.git("for-each-ref")
    taken = odd.path.parent / "taken.bundle"
    taken.write_text("precious")
    refused = odd.model("migrate", "--yes", "--backup", str(taken), check=False)
    assert refused.returncode == 1
    assert "is not overwritten" in refused.stderr
    assert taken.read_text() == "precious"
    inside = odd.model("migrate", "--yes", "--backup", "old.bundle", check=False)
    assert "must not be inside" in inside.stderr
    assert odd.git("for-each-ref") == refs
    done = odd.model("migrate", "--yes")
    (backup,) = odd.path.parent.glob("repo-plaintext-*.bundle")
    assert f"IN PLAINTEXT, is in {backup}" in done.stderr
    assert backup.stat().st_mode & 0o777 == 0o600
    assert restored(backup).git("for-each-ref") == refs


def test_purge_leaves_nothing_of_the_old_history(odd: Repository, remote: Repository) -> None:
    odd.git("remote", "add", "origin", str(remote.path))
    odd.git("push", "--quiet", "--mirror", "origin")
    odd.git("fetch", "--quiet", "origin")
    olds = odd_histories.commits(odd)
    odd.git("reset", "--quiet", "--hard", "HEAD~1")
    odd.git("reset", "--quiet", "--hard", "ORIG_HEAD")
    done = odd.model("migrate", "--yes", "--profile", "all")
    assert "remote-tracking refs hold what remotes have" in done.stderr
    assert "Until then remote-tracking refs hold the old one here" in done.stdout
    assert odd_histories.leaks(odd) != []
    purged = odd.model("migrate", "--yes", "--purge")
    assert "refs/remotes/origin/main" in purged.stdout
    assert "Nothing of the old history is left" in purged.stdout
    assert "the backup still holds the plaintext" in purged.stderr
    assert odd_histories.leaks(odd) == []
    here = odd.git("cat-file", "--batch-check", stdin="\n".join(olds)).splitlines()
    assert all(line.endswith("missing") for line in here)
    assert odd.git("for-each-ref", "refs/remotes") == ""
    assert "0 findings" in odd.model("audit", "--all").stdout
    assert_clean(odd)
    assert "only gone from here: origin/" in purged.stderr
    assert "the remotes still hold what they had there" in purged.stderr
    again = odd.model("migrate", "--yes", "--purge", check=False)
    assert again.returncode == 1
    assert "there is nothing to migrate" in again.stdout
    assert "nothing was migrated here" in again.stderr
    assert len(list(odd.path.parent.glob("*.bundle"))) == 1


def test_a_branch_that_brings_old_history_back_is_named_by_the_proof(odd: Repository) -> None:
    old = odd.git("rev-parse", "main")
    odd.model("migrate", "--yes", "--profile", "all")
    odd.git("-c", "git-model.guard=warn", "branch", "dev", old)
    done = odd.model("migrate", "--yes", "--purge", check=False)
    assert done.returncode == 1
    assert "Refs that hold the old history (1):\n  refs/heads/dev\n" in done.stdout
    assert "move these refs to the new history" in done.stderr


def test_purge_forgets_what_a_clone_knows_of_its_origin(
    odd: Repository, clone: CloneFactory
) -> None:
    work = clone(odd.path)
    # A reflog of what is no longer there.
    if work.has_ref_tables:
        work.git("symbolic-ref", "--delete", "refs/remotes/origin/HEAD")
        assert "refs/remotes/origin/HEAD" in work.git("reflog", "list").splitlines()
    else:
        log = work.path / ".git" / "logs" / "refs" / "remotes" / "gone"
        log.write_text((work.path / ".git" / "logs" / "HEAD").read_text())
        assert (log.parent / "origin" / "HEAD").exists()
    work.model("migrate", "--yes", "--profile", "all")
    done = work.model("migrate", "--yes", "--purge")
    assert "Nothing of the old history is left" in done.stdout
    assert "git push --force --all" in done.stderr
    assert odd_histories.leaks(work) == []
    assert work.git("for-each-ref", "refs/remotes") == ""


def test_a_kept_pack_is_found_by_the_proof(odd: Repository) -> None:
    odd.git("repack", "-a", "-d", "--quiet")
    (pack,) = (odd.path / ".git" / "objects" / "pack").glob("*.pack")
    pack.with_suffix(".keep").touch()
    done = odd.model("migrate", "--yes", "--purge", check=False)
    assert done.returncode == 1
    assert "NOT gone" in done.stdout
    assert "look for .keep files" in done.stderr
    pack.with_suffix(".keep").unlink()
    odd.model("migrate", "--yes", "--purge")
    assert odd_histories.leaks(odd) == []


def test_the_clone_is_set_up_and_goes_on_as_after_init(moved: Repository) -> None:
    assert moved.read("model.bin").startswith(SECRET)
    moved.write("model.bin", SECRET + b"new")
    moved.commit("Go on")
    assert is_sealed(moved.blob("HEAD:model.bin"))
    moved.model("verify")
    assert_clean(moved)


def test_a_detached_head_moves_too(odd: Repository) -> None:
    odd.git("checkout", "--quiet", "--detach", "main~4")
    odd.git("branch", "--quiet", "--delete", "--force", "main")
    old = odd.git("rev-parse", "HEAD")
    migrated(odd, "--profile", "all")
    assert odd.git("rev-parse", "HEAD") == odd_histories.record(odd)[old]
    assert odd.git("symbolic-ref", "--quiet", "HEAD", check=False) == ""
    odd.model("verify", "HEAD")
    assert_clean(odd)


def test_a_sha256_repository_is_migrated_too(tmp_path: Path) -> None:
    repo = Repository(tmp_path / "repo256")
    execute("git", "init", "--quiet", "--object-format=sha256", repo.path)
    odd_histories.make(repo)
    migrated(repo, "--profile", "all", "--purge")
    repo.git("fsck", "--full", "--no-dangling")
    for name in ("main", "v1", ODD_BRANCH):
        repo.model("verify", name)
    assert odd_histories.leaks(repo) == []
    assert_clean(repo)


def test_a_blob_at_a_clear_path_too_stays_clear_there(repo: Repository) -> None:
    for name in ("model.bin", ".cache/copy.txt"):
        repo.write(name, SECRET * 9)
    repo.commit()
    done = repo.model("migrate", "--yes", "--profile", "all")
    assert ".cache/copy.txt" in done.stderr
    assert is_sealed(repo.blob("HEAD:model.bin"))
    assert repo.blob("HEAD:.cache/copy.txt") == SECRET * 9


def test_converted_line_ends_leave_the_work_tree_as_git_has_it(repo: Repository) -> None:
    repo.write(".gitattributes", "*.txt text eol=crlf\n")
    repo.write("vocab.txt", "one\r\ntwo\r\n")
    repo.commit()
    repo.model("migrate", "--yes", "--profile", "all")
    assert repo.status() == ""
    assert repo.read("vocab.txt") == b"one\ntwo\n"
    os.utime(repo.path / "vocab.txt")
    assert repo.status() == ""


def test_a_ref_that_names_a_protected_blob_has_to_go_first(odd: Repository) -> None:
    odd.git("tag", "weights", "main:model.bin")
    odd.git("tag", "all", "main^{tree}")
    refused = odd.model("migrate", "--yes", "--profile", "all", check=False)
    assert refused.returncode == 1
    assert "refs/tags/weights" in refused.stdout
    assert "refs/tags/all" in refused.stdout
    assert "git update-ref -d REF" in refused.stderr
    odd.git("tag", "-d", "weights", "all")
    migrated(odd, "--profile", "all", "--purge")
    assert odd_histories.leaks(odd) == []
