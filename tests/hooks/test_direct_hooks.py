"""Files over `directThreshold`: the filter leaves a pointer, and a hook writes the file."""

from __future__ import annotations

import os
import random
from typing import TYPE_CHECKING

import pytest

from tests.fixtures.lfs_projects import FILES
from tests.fixtures.people import assert_clean, is_sealed
from tests.fixtures.repositories import Repository

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fixtures.lfs_projects import LfsProject, LfsPublication
    from tests.fixtures.people import PersonFactory

LARGE = FILES[0]
OTHER = FILES[1]
THRESHOLD = ("config", "git-model.directThreshold", "100k")
NO_FILTER = ("-c", "filter.git-model.process=false")
"""With it, whatever Git would clean or smudge is an error."""


def weights(seed: int) -> bytes:
    return random.Random(seed).randbytes(250_000)


@pytest.fixture(scope="module")
def branches(
    lfs_publication: LfsPublication, tmp_path_factory: pytest.TempPathFactory
) -> LfsPublication:
    """Ada's branch `main`, and `next` with other weights; all pushed; she is on `main`."""
    made = lfs_publication.again(tmp_path_factory.mktemp("branches"))
    ada = made.project.ada
    ada.git(*THRESHOLD)
    ada.git("push", "--quiet", "--set-upstream", "origin", "main")
    ada.git("switch", "--quiet", "--create", "next")
    ada.write(LARGE, weights(1))
    ada.commit("Next")
    ada.git("push", "--quiet", "origin", "next")
    ada.git("switch", "--quiet", "main")
    return made


@pytest.fixture
def project(branches: LfsPublication, home: Path, tmp_path: Path) -> LfsProject:
    """The two branches, with Ada's keys in the test's own home."""
    return branches.copy(tmp_path, home)


def assert_in_place(repo: Repository, path: str, content: bytes) -> None:
    """Fails unless a file is in clear, and Git knows so without asking the filter."""
    assert repo.read(path) == content
    assert repo.git(*NO_FILTER, "diff-files", "--", path) == ""
    assert not (repo.path / ".git" / "git-model-pending").exists()


def touch_text(repo: Repository, text: str) -> None:
    """Commits something beside the weights."""
    repo.write("notes.md", text)
    repo.commit(text)


@pytest.mark.parametrize(
    "commands",
    [
        ["checkout next"],
        ["switch next"],
        ["switch --detach next"],
        ["merge next"],
        ["reset --hard next"],
        ["reset --hard next", "reset --hard main", "reset --hard next"],
        ["restore --source=next --staged --worktree ."],
        ["checkout next -- ."],
        ["cherry-pick next"],
        ["pull origin next"],
        ["pull --rebase origin next"],
        ["update-index --refresh", "read-tree -u -m main next", "update-ref HEAD next"],
    ],
    ids=lambda commands: commands[-1].split(" ")[0] + str(len(commands)) + commands[0],
)
def test_after_it_the_file_is_in_place(project: LfsProject, commands: list[str]) -> None:
    for command in commands:
        project.ada.git(*command.split(" "))
    assert_in_place(project.ada, LARGE, weights(1))
    if commands[0].split(" ")[0] not in {"restore", "checkout"} or commands[0][-1] != ".":
        assert_clean(project.ada)


@pytest.mark.parametrize("command", ["merge --no-edit next", "rebase next", "cherry-pick next"])
def test_diverged_branches_come_together(project: LfsProject, command: str) -> None:
    touch_text(project.ada, "one")
    touch_text(project.ada, "two")
    project.ada.git(*command.split(" "))
    assert_in_place(project.ada, LARGE, weights(1))
    assert_clean(project.ada)


def test_a_rebase_replays_changes_of_the_same_large_file(project: LfsProject) -> None:
    ada = project.ada
    ada.git("switch", "--quiet", "--create", "mine")
    for seed in (2, 3, 4):
        ada.write(OTHER, weights(seed))
        ada.commit(f"Try {seed}")
    ada.git("rebase", "--quiet", "next")
    assert_in_place(ada, LARGE, weights(1))
    assert_in_place(ada, OTHER, weights(4))
    assert_clean(ada)


@pytest.mark.parametrize("command", ["cherry-pick", "revert"])
def test_several_commits_are_picked_at_once(project: LfsProject, command: str) -> None:
    ada = project.ada
    ada.git("switch", "--quiet", "--create", "mine")
    for seed in (2, 3, 4):
        ada.write(OTHER, weights(seed))
        ada.commit(f"Try {seed}")
    if command == "cherry-pick":
        ada.git("switch", "--quiet", "next")
        ada.git("cherry-pick", "main..mine")
        assert_in_place(ada, OTHER, weights(4))
    else:
        ada.git("revert", "--no-edit", "main..mine")
        assert_in_place(ada, OTHER, project.content[OTHER])
    assert_clean(ada)


def test_a_rebase_without_commits_of_its_own_leaves_it_to_the_next_hook(
    project: LfsProject,
) -> None:
    ada = project.ada
    ada.git("rebase", "--quiet", "next")
    assert ada.status() == ""
    assert "not materialised" in ada.model("status", check=False).stdout
    ada.git("switch", "--quiet", "--create", "another")
    assert_in_place(ada, LARGE, weights(1))


@pytest.mark.parametrize("options", ["", "--rebase", "--no-rebase --no-edit"])
def test_a_pull_fetches_the_object_and_writes_the_file(
    project: LfsProject, person: PersonFactory, options: str
) -> None:
    ben = project.unlocked(person("ben"))
    ben.git(*THRESHOLD)
    if options:
        touch_text(ben, "mine")
    project.ada.git("merge", "--quiet", "next")
    project.ada.git("push", "--quiet")
    ben.git("pull", "--quiet", *options.split())
    assert_in_place(ben, LARGE, weights(1))
    assert_clean(ben)


def test_a_stash_comes_back_in_clear(project: LfsProject) -> None:
    ada = project.ada
    ada.write(LARGE, weights(5))
    ada.git("stash", "--quiet")
    assert_in_place(ada, LARGE, project.content[LARGE])
    ada.git("stash", "pop", "--quiet")
    assert ada.read(LARGE) == weights(5)
    assert ada.status() == f" M {LARGE}"
    ada.git("stash", "--quiet", "--include-untracked")
    ada.git("stash", "apply", "--quiet", "--index")
    assert ada.read(LARGE) == weights(5)


@pytest.mark.parametrize("command", [["restore", "."], ["checkout", "--", "."]])
def test_a_removed_or_changed_file_is_restored(project: LfsProject, command: list[str]) -> None:
    (project.ada.path / LARGE).unlink()
    project.ada.write(OTHER, b"spoilt")
    project.ada.git(*command)
    assert_in_place(project.ada, LARGE, project.content[LARGE])
    assert_in_place(project.ada, OTHER, project.content[OTHER])
    assert_clean(project.ada)


def test_a_new_work_tree_is_complete(project: LfsProject, tmp_path: Path) -> None:
    project.ada.git("worktree", "add", "--quiet", str(tmp_path / "second"), "next")
    second = Repository(tmp_path / "second")
    assert second.read(LARGE) == weights(1)
    assert second.git(*NO_FILTER, "diff-files", LARGE) == ""
    assert_clean(second)
    second.git("reset", "--quiet", "--hard", "main")
    assert second.read(LARGE) == project.content[LARGE]
    assert_clean(second)
    assert_clean(project.ada)


def test_commands_work_from_a_subdirectory(project: LfsProject) -> None:
    project.ada.git("reset", "--quiet", "--hard", "next", cwd=project.ada.path / "shards")
    assert_in_place(project.ada, LARGE, weights(1))


def test_a_diff_and_an_archive_leave_the_work_tree_alone(project: LfsProject) -> None:
    ada = project.ada
    mine = weights(6)
    ada.write(LARGE, mine)
    ada.git("archive", "--output=../next.tar", "next")
    ada.git("diff", "--stat", "next")
    ada.git("checkout", "--", OTHER)
    assert ada.read(LARGE) == mine


def test_what_a_hook_cannot_write_is_told_and_written_later(project: LfsProject) -> None:
    ada = project.ada
    pointer = ada.blob(f"next:{LARGE}")
    oid = pointer.split(b"sha256:")[1][:64].decode()
    stored = ada.path / ".git/lfs/objects" / oid[:2] / oid[2:4] / oid
    aside = stored.rename(ada.path.parent / "aside")
    ada.git("remote", "set-url", "origin", "/nowhere")
    said = ada.git.run("switch", "next")
    assert f"git-model: error: {LARGE}: " in said.stderr
    assert "`git model checkout`" in said.stderr
    assert ada.read(LARGE) == pointer
    assert ada.status() == ""
    assert "not materialised" in ada.model("status", check=False).stdout
    stored.parent.mkdir(parents=True, exist_ok=True)
    aside.rename(stored)
    ada.model("checkout")
    assert_in_place(ada, LARGE, weights(1))


def test_enforcing_clones_fail_the_checkout_that_is_not_complete(project: LfsProject) -> None:
    ada = project.ada
    for place in (ada.path / ".git", project.remote.path):
        for stored in place.glob("lfs/objects/??/??/*"):
            stored.unlink()
    ada.git("remote", "set-url", "origin", "/nowhere")
    enforcing = {"GIT_MODEL_VERIFY": "enforce"}
    assert ada.git.run("switch", "next", env=enforcing, check=False).returncode == 1


def test_where_hooks_are_off_status_says_so_and_the_next_hook_writes(
    project: LfsProject,
) -> None:
    ada = project.ada
    ada.git("-c", "core.hooksPath=/dev/null", "switch", "--quiet", "next")
    assert not is_sealed(ada.read(LARGE))
    assert ada.read(LARGE).startswith(b"version https://git-lfs")
    assert ada.status() == ""
    said = ada.model("status", check=False)
    assert "not materialised" in said.stdout
    assert "`git model checkout`" in said.stderr
    ada.git("switch", "--quiet", "--create", "another")
    assert_in_place(ada, LARGE, weights(1))


def test_a_change_of_another_file_in_the_same_second_is_not_lost(project: LfsProject) -> None:
    """The index is written anew by us: entries that were racily clean must stay so."""
    ada = project.ada
    ada.git("config", "core.trustctime", "false")
    second = (1_500_000_000, 1_500_000_000)  # all of it within this one
    os.utime(ada.write("config.json", b'{"layers": 3}\n'), second)
    ada.git("add", "config.json")
    os.utime(ada.path / ".git" / "index", second)
    (ada.path / LARGE).unlink()
    with (ada.path / "config.json").open("r+b") as file:
        file.write(b'{"layers": 4}\n')
    os.utime(ada.path / "config.json", second)
    ada.model("checkout")
    assert "MM config.json" in ada.status()


@pytest.mark.parametrize("version", ["2", "3", "4"])
def test_every_format_of_the_index_is_told(project: LfsProject, version: str) -> None:
    ada = project.ada
    if version == "3":
        ada.git("update-index", "--skip-worktree", "config.json")
    else:
        ada.git("update-index", "--index-version", version)
    ada.git("reset", "--quiet", "--hard", "next")
    assert_in_place(ada, LARGE, weights(1))
    ada.git("fsck", "--strict")
    assert ada.git("ls-files") == ada.git("ls-tree", "-r", "--name-only", "HEAD")


def test_a_split_index_is_left_to_git(project: LfsProject) -> None:
    ada = project.ada
    ada.git("update-index", "--split-index")
    ada.git("switch", "--quiet", "next")
    assert ada.read(LARGE) == weights(1)
    assert_clean(ada)


def test_the_hook_costs_no_process_where_nothing_waits(project: LfsProject) -> None:
    shim = (project.ada.path / ".git/hooks/post-index-change").read_text()
    broken = shim.replace("python=", "python=/gone #")
    (project.ada.path / ".git/hooks/post-index-change").write_text(broken)
    said = project.ada.git.run("reset", "--hard", "HEAD")
    assert "missing" not in said.stderr


def test_a_threshold_is_a_size(repo: Repository) -> None:
    refused = repo.model("config", "directThreshold", "many", check=False)
    assert refused.returncode == 1
    assert "'many' is not a size" in refused.stderr
    repo.model("config", "directThreshold", "100k")
