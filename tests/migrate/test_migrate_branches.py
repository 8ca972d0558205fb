"""`git model migrate` where branches differ: in their policy, or in where they are."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

import pytest

from tests.fixtures import odd_histories
from tests.fixtures.odd_histories import SECRET
from tests.fixtures.people import assert_clean, is_sealed

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fixtures.people import PersonFactory
    from tests.fixtures.repositories import CloneFactory, Repository


@pytest.fixture
def published(repo: Repository, remote: Repository) -> Repository:
    """A remote with two branches in clear, `main` and `dev`."""
    repo.write("model.bin", SECRET + b"1")
    repo.write("train.py", "pass\n")
    repo.commit()
    repo.git("checkout", "--quiet", "-b", "dev")
    repo.write("model.bin", SECRET + b"dev")
    repo.commit()
    repo.git("checkout", "--quiet", "main")
    repo.write("README.md", "# A model\n")
    repo.commit()
    repo.git("push", "--quiet", str(remote.path), "main", "dev")
    remote.git("symbolic-ref", "HEAD", "refs/heads/main")
    return remote


@pytest.fixture
def half(published: Repository, clone: CloneFactory) -> Repository:
    """A clone that migrated and pushed `main`, and then fetched and checked out `dev`."""
    work = clone(published.path, "half", "--single-branch")
    work.model("migrate", "--yes")
    work.git("push", "--quiet", "--force-with-lease", "--all")
    work.git("remote", "set-branches", "--add", "origin", "dev")
    work.git("fetch", "--quiet")
    work.git("checkout", "--quiet", "dev")
    return work


def keyring(home: Path) -> list[str]:
    return sorted(path.name for path in (home / ".config" / "git-model").rglob("*"))


def test_another_branch_is_migrated_with_the_policy_and_the_keys_of_the_clone(
    half: Repository, home: Path
) -> None:
    settings = half.git("config", "--local", "--list")
    keys = keyring(home)
    main = half.git("rev-parse", "main")
    assert half.git("ls-tree", "--name-only", "HEAD", ".gitmodel") == ""
    done = half.model("migrate", "--yes")
    assert "Set up as by" not in done.stdout
    assert "AES-256 key" not in done.stdout
    assert "1 refs are not signed by anybody this clone trusts" in done.stderr
    assert "what they hold: refs/heads/dev" in done.stderr
    assert keyring(home) == keys
    assert half.git("config", "--local", "--list") == settings
    assert half.git("rev-parse", "main") == main
    assert half.blob("dev:.gitmodel") == half.blob("main:.gitmodel")
    for commit in ("dev", "dev~1"):
        assert is_sealed(half.blob(f"{commit}:model.bin"))
    assert half.read("model.bin") == SECRET + b"dev"
    for branch in ("main", "dev"):
        half.model("verify", branch)
    assert_clean(half)
    half.git("push", "--quiet", "--force-with-lease", "--all")
    assert "0 findings" in half.model("audit").stdout
    half.model("migrate", "--purge", "--yes")
    assert odd_histories.leaks(half) == []


def test_options_of_init_are_refused_on_another_branch_too(
    half: Repository, home: Path
) -> None:
    keys = keyring(home)
    for options in (("--profile", "all"), ("--key", "nosuch")):
        done = half.model("migrate", "--yes", *options, check=False)
        assert done.returncode == 2
        assert "set up already" in done.stderr
    refused = half.model("init", "--accept-plaintext-history", check=False)
    assert refused.returncode == 1
    assert "set up already, by the policy of another branch" in refused.stderr
    assert keyring(home) == keys


def test_a_locked_clone_gets_no_second_key(half: Repository, home: Path) -> None:
    half.git("checkout", "--quiet", "--force", "main")
    half.model("lock")
    half.git("checkout", "--quiet", "dev")
    keys = keyring(home)
    done = half.model("migrate", "--yes", check=False)
    assert done.returncode == 1
    assert "locked" in done.stderr
    assert keyring(home) == keys


def test_a_key_without_a_policy_is_not_replaced(
    published: Repository, half: Repository
) -> None:
    key = half.git("config", "git-model.keyId")
    (half.path / ".git" / "git-model" / "policies").unlink()
    done = half.model("migrate", "--yes", check=False)
    assert done.returncode == 1
    assert "git model unlock" in done.stderr
    assert half.git("config", "--get-all", "git-model.keyId") == key


def test_a_newcomer_makes_no_second_key_for_a_branch_without_a_policy(
    published: Repository, half: Repository, person: PersonFactory
) -> None:
    bob = person("bob")
    work = bob.clone(published, "--branch", "dev")
    done = work.model("migrate", "--yes", check=False)
    assert done.returncode == 1
    assert "refs/remotes/origin/main is of a git-model repository already" in done.stderr
    assert "git model unlock" in done.stderr
    assert not bob.keyring.exists()


def test_a_branch_that_only_the_remote_has_stops_it_and_the_cure_is_told(
    published: Repository, clone: CloneFactory
) -> None:
    work = clone(published.path)
    before = work.git("for-each-ref")
    for mode in ("--dry-run", "--yes"):
        done = work.model("migrate", mode, check=False)
        assert done.returncode == 1
        assert "would not replace them: origin/dev" in done.stderr
        assert "`git branch dev origin/dev`" in done.stderr
        assert "Commits to make anew" in done.stdout
    assert work.git("for-each-ref") == before
    assert not list(work.path.parent.glob("*.bundle"))
    work.git("branch", "--quiet", "dev", "origin/dev")
    work.model("migrate", "--yes")
    assert is_sealed(work.blob("dev:model.bin"))
    # What is on the remote yet was migrated, and is no reason to refuse.
    assert "there is nothing to migrate" in work.model("migrate", "--yes").stdout
    work.git("push", "--quiet", "--force-with-lease", "--all")
    assert "0 findings" in work.model("audit").stdout
    purged = work.model("migrate", "--purge", "--yes")
    assert "hosts and other clones still hold what they had" in purged.stderr


def test_a_branch_of_the_remote_that_adds_nothing_in_clear_stops_it_too(
    published: Repository, clone: CloneFactory, repo: Repository
) -> None:
    repo.git("checkout", "--quiet", "-b", "docs", "main~1")
    repo.write("docs.md", "# Docs\n")
    repo.commit()
    odd = "it's;$(false)"
    repo.git("push", "--quiet", str(published.path), "docs", f"docs:{odd}", ":dev")
    work = clone(published.path)
    done = work.model("migrate", "--yes", check=False)
    cure = f"`git branch docs origin/docs && git branch {shlex.quote(odd)} "
    assert cure in done.stderr


def test_work_of_others_on_a_branch_that_is_here_as_well_gets_another_name(
    published: Repository, clone: CloneFactory, repo: Repository
) -> None:
    work = clone(published.path)
    work.git("branch", "--quiet", "dev", "origin/dev")
    repo.write("model.bin", SECRET + b"later")
    repo.commit()
    repo.git("push", "--quiet", str(published.path), "main")
    work.git("fetch", "--quiet")
    done = work.model("migrate", "--yes", check=False)
    assert "would not replace them: origin/main" in done.stderr
    assert "`git branch origin-main origin/main`" in done.stderr
    work.git("pull", "--quiet", "--ff-only")
    work.model("migrate", "--yes")
    assert is_sealed(work.blob("main:model.bin"))


def test_a_branch_of_the_remote_that_a_push_does_not_replace_is_named(
    published: Repository, clone: CloneFactory, repo: Repository
) -> None:
    repo.git("push", "--quiet", str(published.path), "main~1:refs/heads/old", ":dev")
    work = clone(published.path)
    done = work.model("migrate", "--yes")
    assert "have no branch here of their name" in done.stderr
    assert "refs/remotes/origin/old" in done.stderr
    purged = work.model("migrate", "--yes", "--purge")
    assert "only gone from here: origin/main, origin/old" in purged.stderr
