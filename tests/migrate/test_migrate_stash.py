"""`git model migrate` carries the stash: each entry, its index and its untracked files."""

from __future__ import annotations

import signal
import sys

import pytest

from git_model_security.cli import initial
from git_model_security.errors import GitError
from git_model_security.git.repository import Repository as Facts
from git_model_security.migrate import plan as planning
from git_model_security.migrate import run
from tests.fixtures import odd_histories
from tests.fixtures.histories import MODEL
from tests.fixtures.odd_histories import SECRET
from tests.fixtures.people import assert_clean, is_sealed
from tests.fixtures.processes import execute
from tests.fixtures.repositories import NO_HOOKS, Repository

MIGRATE = ("migrate", "--yes", "--profile", "all", "--storage", "inline")
OTHERS = ("Bob Ärger", "bob@example.com", "@1234567890 -0330")


def weights(name: str) -> bytes:
    """Returns content that must be nowhere in clear afterwards."""
    return SECRET + name.encode() + bytes(range(256))


@pytest.fixture
def stashed(repo: Repository) -> Repository:
    """A repository in clear with three stashes, of which one is of an older commit."""
    repo.write("model.bin", weights("first"))
    repo.write("config.json", '{"rank": 1}\n')
    repo.commit()
    repo.write("model.bin", weights("oldest"))
    names = ("GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL", "GIT_COMMITTER_DATE")
    said = ("--message", "caf\N{LATIN SMALL LETTER E WITH ACUTE}")
    repo.git("stash", "--quiet", *said, env=dict(zip(names, OTHERS, strict=True)))
    repo.write("model.bin", weights("second"))
    repo.commit()
    repo.write("config.json", '{"rank": "SECRET-RANK"}\n')
    repo.git("add", "config.json")
    repo.write("model.bin", weights("middle"))
    repo.git("stash", "--quiet")
    repo.write("sub/new.bin", weights("untracked"))
    repo.write(".cache/note.txt", "in the open\n")
    repo.git("stash", "--quiet", "--include-untracked", "--message", "newest")
    return repo


def listed(repo: Repository) -> list[str]:
    """Returns the list as people see it, with who and when."""
    words = ("stash", "list", "--date=raw", "--format=%gd %gn <%ge> %gs / %an %ai %B")
    return repo.git(*words).splitlines()


def assert_carried(repo: Repository, before: list[str]) -> None:
    """Asserts that the list is what it was, in ciphertext, and gives the files back."""
    assert listed(repo) == before
    assert repo.git("for-each-ref", "refs/git-model") == ""
    for name in ("stash@{0}^3:sub/new.bin", "stash@{1}^2:config.json", "stash@{2}:model.bin"):
        assert is_sealed(repo.blob(name))
    tree = repo.git("ls-tree", "-r", "--name-only", "stash@{0}^3").splitlines()
    assert tree == [".cache/note.txt", "sub/new.bin"]
    repo.git("stash", "pop", "--quiet")
    assert repo.read("sub/new.bin") == weights("untracked")
    assert repo.status().splitlines() == ["?? .cache/", "?? sub/"]
    repo.git("clean", "-dfq")
    repo.git("stash", "pop", "--quiet", "--index")
    assert repo.status().splitlines() == ["M  config.json", " M model.bin"]
    assert repo.read("model.bin") == weights("middle")
    assert repo.read("config.json") == b'{"rank": "SECRET-RANK"}\n'
    repo.git("reset", "--quiet", "--hard")
    repo.git("checkout", "--quiet", "HEAD~1")
    repo.git("stash", "pop", "--quiet")
    assert repo.status() == " M model.bin"
    assert repo.read("model.bin") == weights("oldest")


def test_every_stash_is_carried_and_comes_back_in_clear(stashed: Repository) -> None:
    before = listed(stashed)
    assert any("Bob Ärger <bob@example.com> On main: café" in line for line in before)
    assert any("@{1234567890 -0330}" in line for line in before)
    olds = stashed.git("rev-list", "--walk-reflogs", "refs/stash").splitlines()
    done = stashed.model(*MIGRATE, "--purge")
    assert "3 stashes carried" in done.stdout
    assert "Nothing of the old history is left" in done.stdout
    assert odd_histories.leaks(stashed) == []
    there = stashed.git("cat-file", "--batch-check", stdin="\n".join(olds)).splitlines()
    assert all(line.endswith("missing") for line in there)
    assert_clean(stashed)
    stashed.git("fsck", "--full", "--strict")
    assert_carried(stashed, before)


def test_the_backup_gives_the_stashes_back_and_they_are_migrated_again(
    stashed: Repository,
) -> None:
    before = listed(stashed)
    old = stashed.git("rev-parse", "stash@{2}")
    stashed.model(*MIGRATE, "--backup", "../old.bundle")
    execute("git", "clone", "--quiet", "../old.bundle", "../old", cwd=stashed.path)
    restored = Repository(stashed.path.parent / "old")
    # As docs/MIGRATION.md says.
    script = """
        git fetch --quiet origin 'refs/git-model/stash/*:refs/old-stash/*'
        git for-each-ref --sort=-version:refname --format='%(objectname) %(subject)' \\
            refs/old-stash |
        while read -r oid message; do git stash store -m "$message" "$oid"; done
    """
    execute("sh", "-ec", script, cwd=restored.path)
    messages = [line.partition("> ")[2] for line in before]
    assert [line.partition("> ")[2] for line in listed(restored)] == messages
    assert restored.git("rev-parse", "stash@{2}") == old
    # A person wants one back, in clear: nothing else has to be migrated then.
    stashed.git(*NO_HOOKS, "fetch", "--quiet", "../old.bundle", "refs/git-model/stash/2")
    stashed.git(*NO_HOOKS, "stash", "store", "-m", "again", "FETCH_HEAD")
    main = stashed.git("rev-parse", "main")
    done = stashed.model("migrate", "--yes")
    assert "4 stashes carried" in done.stdout
    stashed.model("migrate", "--yes", "--purge")
    assert odd_histories.leaks(stashed) == []
    assert stashed.git("rev-parse", "main") == main
    # As the same commit, which is one that the list has already.
    new = stashed.git("rev-list", "--walk-reflogs", "refs/stash").splitlines()
    assert len(new) == 4
    assert new[0] == new[3]


def test_a_purge_takes_old_entries_out_of_the_list(stashed: Repository) -> None:
    old = stashed.git("rev-parse", "stash@{0}")
    stashed.model(*MIGRATE)
    kept = stashed.git("stash", "list")
    stashed.git(*NO_HOOKS, "stash", "store", "-m", "old", old)
    done = stashed.model("migrate", "--yes", "--purge")
    assert "stashes of the old history go: stash@{0}\n" in done.stderr
    assert "Nothing of the old history is left" in done.stdout
    assert stashed.git("stash", "list") == kept
    assert odd_histories.leaks(stashed) == []


def test_a_model_that_only_an_older_stash_has_in_clear_is_told(stashed: Repository) -> None:
    stashed.write(".hidden/model.safetensors", MODEL)
    stashed.git("stash", "--quiet", "--include-untracked")
    stashed.write("model.bin", weights("on top"))
    stashed.git("stash", "--quiet")
    before = listed(stashed)
    done = stashed.model("migrate", "--dry-run", "--profile", "all", check=False)
    assert done.returncode == 1
    assert "Stashes to carry       5" in done.stdout
    assert ".hidden/model.safetensors" in done.stdout
    assert "would still be in the history in clear" in done.stderr
    assert listed(stashed) == before


def test_a_stash_that_goes_meanwhile_does_not_come_back(
    stashed: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(stashed.path)
    facts = Facts.discover()
    request = initial.request(storage="inline", model_root=(), profile="all")
    plan = planning.make(facts, request)
    before = stashed.git("for-each-ref")

    def drop(what: str, count: int, total: int) -> None:
        if (what, count) == ("commits", total):
            stashed.git("stash", "drop", "--quiet", "1")

    with pytest.raises(GitError, match="the stash has changed meanwhile"):
        run.carry_out(facts, request, plan, progress=drop)
    assert stashed.git("for-each-ref") == before
    assert [line.split()[-1] for line in listed(stashed)] == ["newest", "café"]
    assert stashed.git("config", "--get", "git-model.keyId", check=False) == ""


def test_what_cannot_be_carried_is_refused(stashed: Repository) -> None:
    before = listed(stashed)
    tip = stashed.git("rev-parse", "refs/stash")
    log = stashed.path / ".git" / "logs" / "refs" / "stash"
    if stashed.has_ref_tables:
        pytest.skip("Git keeps the list in a table, and itself shows only what can be read")
    text = log.read_text()

    def refused(problem: str) -> None:
        done = stashed.model(*MIGRATE, check=False)
        assert done.returncode == 1
        assert problem in done.stderr
        assert "`git stash branch NAME" in done.stderr
        assert stashed.git("rev-parse", "refs/stash") == tip
        assert not list(stashed.path.parent.glob("*.bundle"))

    log.write_text(text.replace(tip, "1" * len(tip)))
    refused("entries of the stash name commits that are not here")
    log.unlink()
    refused("is not what its list begins with")
    log.write_text(text)
    assert listed(stashed) == before


KILL = """
import importlib, os, signal, sys

module, _, name = sys.argv[1].rpartition(":")
owner = importlib.import_module(f"git_model_security.{module}")
left = int(sys.argv[2])
true = getattr(owner, name)

def die(*words, **named):
    global left
    if not left:
        os.kill(os.getpid(), signal.SIGKILL)
    left -= 1
    return true(*words, **named)

setattr(owner, name, die)
from git_model_security.cli import run
sys.exit(run(sys.argv[3:]))
"""

STEPS = {
    "the backup has refs of its own": ("migrate.backup:_write", 0),
    "the refs have moved": ("migrate.stashes:settled", 0),
    "the list is half written": ("git.stash:add", 1),
    "the list is written": ("migrate.stashes:released", 2),
    "the index is behind": ("migrate.moving:settle", 0),
}


@pytest.mark.parametrize(
    "step",
    [
        pytest.param(step, marks=() if "half" in step else pytest.mark.long, id=step)
        for step in STEPS
    ],
)
def test_a_killed_migration_loses_no_stash(stashed: Repository, step: str) -> None:
    before = listed(stashed)
    where, times = STEPS[step]
    words = (sys.executable, "-I", "-c", KILL, where, str(times), *MIGRATE)
    killed = execute(*words, cwd=stashed.path, check=False)
    assert killed.returncode == -signal.SIGKILL, killed.stdout + killed.stderr
    stashed.git("gc", "--quiet", "--prune=now")
    stashed.model("migrate", "--yes", "--purge")
    assert odd_histories.leaks(stashed) == []
    assert_clean(stashed)
    assert len(list(stashed.path.parent.glob("*.bundle"))) == 1
    assert_carried(stashed, before)


@pytest.mark.long
def test_what_is_stashed_after_a_kill_is_on_top(stashed: Repository) -> None:
    before = listed(stashed)
    where, times = STEPS["the list is half written"]
    words = (sys.executable, "-I", "-c", KILL, where, str(times), *MIGRATE)
    execute(*words, cwd=stashed.path, check=False)
    stashed.write(".cache/mine.txt", "mine\n")
    stashed.git("add", ".cache/mine.txt")
    stashed.git(*NO_HOOKS, "stash", "push", "--quiet", "--message", "mine", ".cache/mine.txt")
    stashed.model("migrate", "--yes")
    assert "On main: mine" in listed(stashed)[0]
    stashed.git("stash", "drop", "--quiet")
    assert listed(stashed) == before
