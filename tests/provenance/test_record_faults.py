"""The record is lost, damaged or in the way: nothing is signed for that, and all work goes on.

A commit of which the record cannot be kept is made, unsigned, and says why.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

import pytest

from git_model_security.clone.database import NAME
from tests.fixtures.processes import execute
from tests.fixtures.repositories import Repository
from tests.provenance.scenes import (
    CODE,
    MODEL,
    SIGNED,
    TOOL,
    append,
    asked,
    bring_tool,
    change_code,
    commit,
    forge,
    lose_memory,
    readme,
    sign,
    verdict,
    weights,
)

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from typing import Any

FULL_BYTES = 1 << 20


def memory(repo: Repository) -> Path:
    return repo.path / ".git" / "git-model" / NAME


def assert_unsigned(repo: Repository, said: subprocess.CompletedProcess[Any], why: str) -> None:
    """Fails unless HEAD was made, carries no signature that holds, and the reason is said."""
    assert said.returncode == 0, said.stderr
    assert "this commit is not signed" in said.stderr
    assert NAME in said.stderr
    assert why in said.stderr
    assert "Traceback" not in said.stderr
    assert repo.model("verify", "HEAD", check=False).returncode != 0


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Holds the lock by which another process writes."""
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


@contextmanager
def read_only(path: Path) -> Iterator[None]:
    """Takes everybody's leave to write, root's too."""
    words = (("chmod", "a-w"), ("chmod", "u+w"))
    if not os.geteuid():
        words = (("chattr", "+i"), ("chattr", "-i"))
    if execute(*words[0], path, check=False).returncode:
        pytest.skip("root, and the file system knows no immutable files")
    try:
        yield
    finally:
        execute(*words[1], path)


@contextmanager
def full(repo: Repository) -> Iterator[str]:
    """Lets the record grow no more for commands that begin with what this yields.

    The log of SQLite, which nobody can begin anew while somebody reads, is as long as a file
    may be.
    """
    with closing(sqlite3.connect(memory(repo), isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM looked").fetchall()
        with closing(sqlite3.connect(memory(repo), isolation_level=None)) as writer:
            writer.execute("PRAGMA wal_autocheckpoint = 0")
            writer.execute("CREATE TABLE filling (content BLOB)")
            writer.execute("INSERT INTO filling VALUES (zeroblob(?))", (2 * FULL_BYTES,))
        yield f"trap '' XFSZ; ulimit -f {FULL_BYTES // 512}; exec"


def run_full(
    repo: Repository, *words: str, check: bool = False
) -> subprocess.CompletedProcess[Any]:
    """Runs git where the disk is full for the record."""
    with full(repo) as limit:
        command = f"{limit} git {' '.join(words)}"
        return execute("sh", "-c", command, cwd=repo.path, check=check)


STATES: dict[str, Callable[[Repository], None]] = {
    "its file is gone": lose_memory,
    "its file is empty": lambda repo: memory(repo).write_bytes(b""),
    "its file is no database": lambda repo: memory(repo).write_bytes(b"\x01 no database " * 99),
    "its file is cut off": lambda repo: memory(repo).write_bytes(
        memory(repo).read_bytes()[:1024]
    ),
}


def damage_pages(repo: Repository) -> None:
    """Overwrites all of the file but its head."""
    path = memory(repo)
    with closing(sqlite3.connect(path)) as opened:
        opened.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    data = path.read_bytes()
    lose_memory(repo)
    path.write_bytes(data[:1024] + b"\xa5" * (len(data) - 1024))


STATES["its pages are damaged"] = damage_pages


def stage_on_top(ada: Repository, mallory: Repository) -> None:
    """Has Ada stage something innocent on top of a stranger's commit."""
    bring_tool(mallory, "main")
    ada.git("pull")
    readme(ada)
    ada.git("add", "--all")


@pytest.mark.parametrize("spoil", STATES.values(), ids=STATES)
class TestSpoilt:
    def test_signed_commits_stand_and_own_work_on_them_is_signed(
        self, ada: Repository, spoil: Callable[[Repository], None]
    ) -> None:
        spoil(ada)
        ada.write(MODEL, weights(9))
        assert verdict(ada, commit(ada)) == SIGNED

    def test_a_clear_file_that_was_staged_meanwhile_is_asked_about_once(
        self, ada: Repository, spoil: Callable[[Repository], None]
    ) -> None:
        readme(ada)
        ada.git("add", "--all")
        spoil(ada)
        assert verdict(ada, commit(ada)) == asked("README.md")
        ada.model("sign", "--adopt", "README.md", "--amend")
        readme(ada, "y")
        assert verdict(ada, commit(ada)) == SIGNED

    def test_a_strangers_commit_is_asked_about(
        self, ada: Repository, mallory: Repository, spoil: Callable[[Repository], None]
    ) -> None:
        change_code(mallory, "main")
        ada.git("pull")
        spoil(ada)
        ada.write(MODEL, weights(9))
        assert verdict(ada, commit(ada)) == asked(CODE)

    def test_what_was_staged_unsigned_is_asked_about(
        self, ada: Repository, mallory: Repository, spoil: Callable[[Repository], None]
    ) -> None:
        forge(mallory)
        ada.git("fetch")
        ada.git("checkout", "origin/evil", "--", MODEL)
        spoil(ada)
        assert verdict(ada, commit(ada)) == asked(MODEL)

    def test_what_was_adopted_before_and_committed_stands(
        self, ada: Repository, mallory: Repository, spoil: Callable[[Repository], None]
    ) -> None:
        change_code(mallory, "main")
        ada.git("pull")
        ada.model("sign", "--adopt", CODE, "--amend")
        spoil(ada)
        ada.write(MODEL, weights(9))
        assert verdict(ada, commit(ada)) == SIGNED

    def test_a_commit_in_doubt_stays_in_doubt(
        self, ada: Repository, mallory: Repository, spoil: Callable[[Repository], None]
    ) -> None:
        change_code(mallory, "main")
        ada.git("pull")
        readme(ada)
        commit(ada)
        spoil(ada)
        ada.write(MODEL, weights(9))
        # Who made the commit below is not known any more: it is as one that arrived.
        assert verdict(ada, commit(ada)) == asked(CODE, "README.md")


def test_a_record_that_another_process_has_locked(ada: Repository, mallory: Repository) -> None:
    stage_on_top(ada, mallory)
    with locked(memory(ada)):
        said = ada.git.run("commit", "--message", "Change")
    assert_unsigned(ada, said, "locked")
    assert verdict(ada, sign(ada)).paths >= {TOOL}


def test_a_record_that_cannot_be_written_to(ada: Repository, mallory: Repository) -> None:
    stage_on_top(ada, mallory)
    with read_only(memory(ada)):
        said = ada.git.run("commit", "--message", "Change")
    assert_unsigned(ada, said, "Permission denied" if os.geteuid() else "")
    readme(ada, "y")
    assert verdict(ada, commit(ada)).paths >= {TOOL}


def test_ones_own_commit_of_which_no_record_was_kept_is_signed_afterwards(
    ada: Repository,
) -> None:
    readme(ada)
    ada.git("add", "--all")
    with read_only(memory(ada)):
        ada.git("commit", "--message", "Change")
    said = ada.model("sign", "--amend", check=False)
    # Nothing shows that it was made here: that is asked once, and of what it changed alone.
    assert verdict(ada, said) in {SIGNED, asked("README.md")}
    ada.model("sign", "--amend", "--adopt", ".")
    assert ada.model("verify", "HEAD").returncode == 0


@pytest.mark.usefixtures("cold")
def test_a_record_on_a_full_disk(ada: Repository, mallory: Repository) -> None:
    stage_on_top(ada, mallory)
    said = run_full(ada, "commit", "--message", "Change")
    assert_unsigned(ada, said, "disk")
    readme(ada, "y")
    assert verdict(ada, commit(ada)).paths >= {TOOL}


@pytest.mark.usefixtures("cold")
def test_a_record_on_a_full_disk_where_doubts_are_refused(
    ada: Repository, mallory: Repository
) -> None:
    bring_tool(mallory, "main")
    ada.git("pull")
    ada.git("config", "git-model.unvouched", "refuse")
    head = ada.git("rev-parse", "HEAD")
    readme(ada)
    ada.git("add", "--all")
    said = run_full(ada, "commit", "--message", "Change")
    assert said.returncode == 1
    assert NAME in said.stderr
    assert "Traceback" not in said.stderr
    assert ada.git("rev-parse", "HEAD") == head


@pytest.mark.usefixtures("cold")
def test_a_fetch_on_a_full_disk_is_taken_in_later(ada: Repository, mallory: Repository) -> None:
    change_code(mallory)
    said = run_full(ada, "fetch")
    assert "Traceback" not in said.stderr
    ada.git("fetch")
    ada.git("checkout", "origin/evil", "--", CODE)
    append(ada, CODE, "edited\n")
    assert verdict(ada, commit(ada)) == asked(CODE)


def test_a_pull_while_the_record_is_locked_is_taken_in_later(
    ada: Repository, mallory: Repository
) -> None:
    change_code(mallory, "main")
    with locked(memory(ada)):
        said = ada.git.run("pull", check=False)
    assert "Traceback" not in said.stderr
    ada.git("pull")
    readme(ada)
    assert verdict(ada, commit(ada)) == asked(CODE)


def test_the_record_of_an_earlier_release_is_not_believed(
    ada: Repository, mallory: Repository
) -> None:
    change_code(mallory, "main")
    ada.git("pull")
    earlier = memory(ada).with_name("memory-2.sqlite")
    with closing(sqlite3.connect(earlier)) as other:
        other.execute("CREATE TABLE adopted (path BLOB, mode INTEGER, oid TEXT)")
        mode, _, oid, _ = ada.git("ls-files", "--stage", CODE).replace("\t", " ").split()
        other.execute("INSERT INTO adopted VALUES (?, ?, ?)", (CODE, int(mode, 8), oid))
        other.commit()
    before = earlier.read_bytes()
    lose_memory(ada)
    earlier.write_bytes(before)
    ada.write(MODEL, weights(9))
    assert verdict(ada, commit(ada)) == asked(CODE)
    assert earlier.read_bytes() == before


class TestMoved:
    def test_a_repository_that_was_moved(self, ada: Repository, mallory: Repository) -> None:
        ada.write(CODE, "mine, past the hooks\n")
        ada.git("add", "--all")
        ada.git("commit", "--no-verify", "--message", "Mine")
        change_code(mallory)
        ada.git("fetch")
        ada.git("checkout", "origin/evil", "--", CODE)
        target = ada.path.with_name("elsewhere")
        ada.path.rename(target)
        moved = Repository(target)
        append(moved, CODE, "edited\n")
        assert verdict(moved, commit(moved)) == asked(CODE)
        moved.git("checkout", "HEAD~1", "--", CODE)
        readme(moved)
        assert verdict(moved, commit(moved)) == SIGNED

    def test_a_repository_that_was_copied(self, ada: Repository, mallory: Repository) -> None:
        change_code(mallory, "main")
        ada.git("pull")
        readme(ada)
        commit(ada)
        target = ada.path.with_name("copy")
        shutil.copytree(ada.path, target, symlinks=True)
        for repo in (Repository(target), ada):
            readme(repo, "y")
            assert verdict(repo, commit(repo)) == asked(CODE)

    def test_own_work_in_a_copy(self, ada: Repository) -> None:
        readme(ada)
        ada.git("add", "--all")
        target = ada.path.with_name("copy")
        shutil.copytree(ada.path, target, symlinks=True)
        for repo in (Repository(target), ada):
            repo.write(MODEL, weights(9))
            assert verdict(repo, commit(repo)) == SIGNED


class TestTwoAtOnce:
    def test_two_work_trees_commit_at_once(self, ada: Repository, mallory: Repository) -> None:
        change_code(mallory)
        ada.git("fetch")
        second = Repository(ada.path.with_name("second"))
        ada.git("worktree", "add", "-b", "second", str(second.path), "origin/evil")
        for repo in (ada, second):
            readme(repo)
            repo.git("add", "--all")
        script = (
            f"git -C {ada.path} commit -m One 2>one & git -C {second.path} commit -m Two 2>two;"
            " second=$?; wait $! && exit $second"
        )
        execute("sh", "-c", script, cwd=ada.path.parent)
        said = {name: (ada.path.parent / name).read_text() for name in ("one", "two")}
        assert "Traceback" not in said["one"] + said["two"]
        assert ada.model("verify", "HEAD").returncode == 0
        assert "without a trusted signature" in said["two"]
        assert f"  {CODE} (" in said["two"]
        readme(second, "y")
        assert verdict(second, commit(second)) == asked(CODE)

    def test_what_is_in_play_in_one_work_tree_accuses_nobody_in_the_other(
        self, ada: Repository, mallory: Repository
    ) -> None:
        bring_tool(mallory)
        ada.git("fetch")
        second = Repository(ada.path.with_name("second"))
        ada.git("worktree", "add", "-b", "second", str(second.path))
        second.git("checkout", "origin/evil", "--", TOOL)
        ada.write("own.py", "own work, which nobody else has seen before\n" * 3)
        assert verdict(ada, commit(ada)) == SIGNED
        assert verdict(second, commit(second)) == asked(TOOL)

    def test_many_writers_of_one_record(self, ada: Repository) -> None:
        trees = [ada.path.with_name(f"tree-{number}") for number in range(4)]
        for path in trees:
            ada.git("worktree", "add", "-b", path.name, str(path))
            readme(Repository(path), path.name)
        lines = [f"(cd {path} && git commit -qam Change 2>&1) &" for path in trees]
        said = execute("sh", "-c", "\n".join([*lines, "wait"]), cwd=ada.path).stdout
        assert "Traceback" not in said
        for path in trees:
            assert Repository(path).model("verify", "HEAD").returncode == 0
