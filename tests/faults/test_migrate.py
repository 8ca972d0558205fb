"""A migration that is killed, runs out of disk, or is not alone: no ref is half moved."""

from __future__ import annotations

import os
import signal
import sys
from typing import TYPE_CHECKING

import pytest

from git_model_security.cli import initial
from git_model_security.errors import GitError
from git_model_security.git.repository import Repository as Facts
from git_model_security.migrate import plan as planning
from git_model_security.migrate import run
from tests.faults import claims
from tests.fixtures import odd_histories
from tests.fixtures.processes import execute

if TYPE_CHECKING:
    from pathlib import Path

    from git_model_security.setup.init import Request
    from tests.fixtures.repositories import CloneFactory, Repository

KILL = """
import importlib, os, signal, sys

def die(*words, **named):
    os.kill(os.getpid(), signal.SIGKILL)

module, _, name = sys.argv[1].rpartition(":")
owner = importlib.import_module(f"git_model_security.{module}")
*parents, last = name.split(".")
for parent in parents:
    owner = getattr(owner, parent)
setattr(owner, last, die)
from git_model_security.cli import run
sys.exit(run(["migrate", "--yes", "--profile", "all", "--storage", "inline"]))
"""

STEPS = (
    "migrate.backup:kept",
    "migrate.backup:os.link",
    "migrate.sealing:seal_all",
    "migrate.journal:Journal.add_sealed",
    "migrate.sealing:require_there",
    "migrate.new_history:sign_tips",
    "git.fast_import:Import.finish",
    "migrate.rewriting:rewrite_commits",
    "migrate.commits_and_tags:rewrite_tags",
    "guard.audit:audit",
    "migrate.moving:RefChange",
    "setup.setup:configure",
    "git.refs:RefChange.commit",
    "migrate.moving:settle",
    "git.worktree:rewrite",
    "migrate.journal:Journal.finish",
)


@pytest.fixture
def odd(repo: Repository) -> Repository:
    """A repository with a history in clear, where nothing is set up."""
    odd_histories.make(repo)
    return repo


def refs(repo: Repository) -> str:
    """Returns the refs that a person sees."""
    listed = repo.git("for-each-ref").splitlines()
    return "\n".join(line for line in listed if "refs/git-model/" not in line)


ALWAYS = {
    "migrate.moving:RefChange",
    "git.refs:RefChange.commit",
    "migrate.moving:settle",
    "migrate.journal:Journal.finish",
}
"""Around the moment in which all changes; the others are a long harness."""


@pytest.mark.parametrize(
    "step",
    [pytest.param(step, marks=() if step in ALWAYS else pytest.mark.long) for step in STEPS],
)
def test_a_killed_migration_is_ended_by_the_next_one(odd: Repository, step: str) -> None:
    before = refs(odd)
    words = (sys.executable, "-I", "-c", KILL, step)
    killed = execute(*words, cwd=odd.path, check=False)
    assert killed.returncode == -signal.SIGKILL, killed.stdout + killed.stderr
    claims.sound(odd)
    assert not list((odd.path / ".git").rglob("*.lock"))
    has_moved = refs(odd) != before
    assert has_moved == (step in STEPS[-3:])
    assert odd.read("model.bin").startswith(odd_histories.SECRET)
    odd.model("migrate", "--yes")
    assert odd.git("for-each-ref", "refs/git-model") == ""
    claims.clean(odd)
    for name in ("main", "left", "v1", "nested"):
        odd.model("verify", name)
    assert "0 findings" in odd.model("audit").stdout
    odd.model("migrate", "--yes", "--purge")
    assert odd_histories.leaks(odd) == []
    (backup,) = odd.path.parent.glob("*.bundle*")
    assert backup.stat().st_mode & 0o777 == 0o600


def test_refs_that_stayed_behind_follow(odd: Repository) -> None:
    """As after a loss of power while git renamed one ref after the other."""
    old = {name: odd.git("rev-parse", name) for name in ("refs/heads/left", "refs/tags/v1")}
    step = "migrate.moving:settle"
    execute(sys.executable, "-I", "-c", KILL, step, cwd=odd.path, check=False)
    for name, oid in old.items():
        odd.git("-c", f"core.hooksPath={os.devnull}", "update-ref", name, oid)
    odd.model("migrate", "--yes")
    claims.clean(odd)
    for name in ("main", *old):
        odd.model("verify", name)
    assert "0 findings" in odd.model("audit").stdout


def test_work_on_top_of_a_migration_that_was_killed_does_not_stand_in_its_way(
    odd: Repository,
) -> None:
    step = "migrate.moving:settle"
    execute(sys.executable, "-I", "-c", KILL, step, cwd=odd.path, check=False)
    claims.told(odd.model("doctor", check=False), "a migration was interrupted")
    assert "git model migrate" in odd.model("status", check=False).stderr
    odd.git("reset", "--quiet", "--hard")
    odd.write("README.md", "later\n")
    odd.git("add", "README.md")
    odd.git("commit", "--quiet", "--message", "Later")
    odd.git("branch", "--quiet", "-D", "left")
    ended = odd.model("migrate", "--yes")
    assert "an interrupted migration had moved all refs already" in ended.stderr
    assert odd.git("log", "-1", "--format=%s") == "Later"
    claims.clean(odd)
    odd.model("migrate", "--yes", "--purge")
    assert odd_histories.leaks(odd) == []


def test_the_record_of_a_killed_migration_of_one_branch_is_not_lost(repo: Repository) -> None:
    repo.write("model.bin", odd_histories.SECRET)
    repo.commit()
    step = "migrate.moving:settle"
    execute(sys.executable, "-I", "-c", KILL, step, cwd=repo.path, check=False)
    repo.git("reset", "--quiet", "--hard")
    repo.write("model.bin", odd_histories.SECRET + b"more")
    repo.commit("Later")
    repo.model("migrate", "--yes", "--purge")
    assert odd_histories.leaks(repo) == []
    assert len(list(repo.path.parent.glob("*.bundle"))) == 1


def test_what_was_sealed_is_not_sealed_again(odd: Repository, home: Path) -> None:
    step = "migrate.new_history:sign_tips"
    execute(sys.executable, "-I", "-c", KILL, step, cwd=odd.path, check=False)
    sealed = odd.path / ".git" / "git-model" / "migrate" / "sealed"
    first = sealed.read_text()
    keys = home / ".config" / "git-model" / "keys"
    (key,) = keys.iterdir()
    execute(sys.executable, "-I", "-c", KILL, step, cwd=odd.path, check=False)
    again = sealed.read_text()
    assert [line for line in again.split("\n") if line] == [
        line for line in first.split("\n") if line
    ]
    assert list(keys.iterdir()) == [key]
    assert len(list(odd.path.parent.glob("*.bundle"))) == 1


def test_a_damaged_memory_of_what_was_sealed_is_not_believed(odd: Repository) -> None:
    step = "migrate.new_history:sign_tips"
    execute(sys.executable, "-I", "-c", KILL, step, cwd=odd.path, check=False)
    sealed = odd.path / ".git" / "git-model" / "migrate" / "sealed"
    pairs = [line.split() for line in sealed.read_text().split("\n") if line]
    lies = [f"{old} {old}\n" for old, _ in pairs[:3]] + [pairs[4][0] + " abc"]
    sealed.write_text("".join(lies))
    odd.model("migrate", "--yes", "--purge")
    assert odd_histories.leaks(odd) == []


def test_a_migration_that_was_begun_does_not_change_its_mind(odd: Repository) -> None:
    step = "migrate.new_history:sign_tips"
    execute(sys.executable, "-I", "-c", KILL, step, cwd=odd.path, check=False)
    done = odd.model("migrate", "--yes", "--profile", "weights", check=False)
    claims.told(done, "begun here with other options", "without options", status=2)


@pytest.mark.parametrize("limit", [pytest.param(1 << 14, marks=pytest.mark.long), 16 << 20])
def test_a_full_disk_leaves_the_refs_where_they_were(repo: Repository, limit: int) -> None:
    content = odd_histories.SECRET + bytes(24 << 20)
    repo.write("big.bin", content)
    repo.write("noise.bin", odd_histories.SECRET + os.urandom(1 << 15))
    repo.commit()
    before = repo.git("for-each-ref")
    words = ("migrate", "--yes", "--profile", "all", "--storage", "inline")
    program = (sys.executable, "-I", "-m", "git_model_security", *words)
    # A limit on the size of files stands for the disk.
    done = execute("prlimit", f"--fsize={limit}", *program, cwd=repo.path, check=False)
    claims.told(done)
    assert repo.git("for-each-ref") == before
    claims.clean(repo)
    assert repo.git("config", "--get", "git-model.keyId", check=False) == ""
    repo.model(*words, "--purge")
    assert odd_histories.leaks(repo) == []
    assert repo.read("big.bin") == content
    claims.clean(repo)


def asked() -> Request:
    """Returns what `--profile all` asks for."""
    return initial.request(storage="inline", model_root=(), profile="all")


def test_a_commit_made_meanwhile_is_not_lost(
    odd: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(odd.path)
    facts = Facts.discover()
    plan = planning.make(facts, asked())
    made: list[str] = []

    def commit(what: str, count: int, total: int) -> None:
        if what == "commits" and not made:
            odd.git("commit", "--quiet", "--allow-empty", "--message", "meanwhile")
            made.append(odd.git("rev-parse", "HEAD"))

    before = refs(odd)
    with pytest.raises(GitError, match="none was"):
        run.carry_out(facts, asked(), plan, progress=commit)
    assert odd.git("rev-parse", "main") == made[0]
    assert odd.git("for-each-ref", "refs/git-model") == ""
    assert refs(odd).replace(made[0], "") == before.replace(plan_tip(plan), "")
    assert odd.git("config", "--get", "git-model.keyId", check=False) == ""
    odd.model("migrate", "--yes", "--purge")
    assert odd.git("log", "-1", "--format=%s") == "meanwhile"
    assert odd_histories.leaks(odd) == []


def plan_tip(plan: planning.Plan) -> str:
    """Returns what main was when the plan was made."""
    return next(ref.oid for ref in plan.refs if ref.name == "refs/heads/main")


def refused(repo: Repository, *texts: str) -> None:
    """Asserts that a migration is refused with words for a person, and does nothing."""
    before = repo.git("for-each-ref")
    done = repo.model("migrate", "--yes", "--profile", "all", check=False)
    claims.told(done, *texts)
    assert repo.git("for-each-ref") == before
    assert not list(repo.path.parent.glob("*.bundle"))


def test_changes_that_are_in_no_commit_are_not_risked(odd: Repository) -> None:
    odd.write("model.bin", "changed")
    refused(odd, "in no commit", "model.bin")
    odd.git("add", "model.bin")
    refused(odd, "in no commit", "model.bin")
    odd.git("reset", "--quiet", "--hard")
    odd.write(".gitmodel", "mine")
    refused(odd, ".gitmodel")


def test_history_that_is_not_all_here_or_not_as_it_seems_is_refused(
    odd: Repository, clone: CloneFactory
) -> None:
    partial = clone(odd.path, "partial")
    cut = type(odd)(odd.path.parent / "cut")
    execute("git", "clone", "--quiet", "--depth=2", odd.path.as_uri(), cut.path)
    refused(cut, "shallow", "--unshallow")
    partial.git("config", "remote.origin.promisor", "true")
    refused(partial, "partial clone")
    odd.git("replace", "main", "main~1")
    refused(odd, "replace refs", "git replace -d")
    odd.git("replace", "-d", odd.git("rev-parse", "main"))
    grafts = odd.path / ".git" / "info" / "grafts"
    grafts.write_text(odd.git("rev-parse", "main") + "\n")
    refused(odd, "grafts")


def test_work_under_way_is_finished_first(odd: Repository) -> None:
    odd.git("worktree", "add", "--quiet", "../second", "left")
    refused(odd, "other work trees", "second")
    odd.git("worktree", "remove", "../second")
    side = odd.git("commit-tree", "main^{tree}", "-p", "main~1", "-m", "side")
    odd.git("merge", "--quiet", "--no-commit", "--no-ff", "-s", "ours", side)
    refused(odd, "a merge is under way")
    odd.git("merge", "--abort")
    odd.git("bisect", "start")
    refused(odd, "a bisection is under way")
    odd.git("bisect", "reset")
    odd.git("sparse-checkout", "set", "--no-cone", "/*", "!/sub")
    refused(odd, "sparse")


def test_a_bare_repository_is_refused(remote: Repository) -> None:
    claims.told(remote.model("migrate", "--yes", check=False), "work tree")


def test_a_missing_blob_is_told_and_nothing_moves(odd: Repository) -> None:
    oid = odd.git("rev-parse", "main~8:model.bin")
    (odd.path / ".git" / "objects" / oid[:2] / oid[2:]).unlink()
    before = odd.git("for-each-ref")
    claims.told(odd.model("migrate", "--yes", "--profile", "all", check=False), oid[:12])
    assert odd.git("for-each-ref") == before
