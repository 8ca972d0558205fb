"""Killed, out of disk, or two at once: nothing is torn and the next try succeeds."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.faults import claims
from tests.faults.conftest import CONTENT
from tests.fixtures.processes import WATCHDOG_SECONDS, execute
from tests.fixtures.repositories import Repository

if TYPE_CHECKING:
    from tests.faults.conftest import Established

BIG_BYTES = 40 << 20


def spooling(repo: Repository) -> int | None:
    """Returns the id of the filter process that keeps a file in a repository's spool."""
    spool = str(repo.path / ".git" / "git-model" / "tmp")
    for process in Path("/proc").glob("[0-9]*"):
        # Any process may end while it is looked at.
        with contextlib.suppress(OSError):
            for file in (process / "fd").iterdir():
                if str(file.readlink()).startswith(spool):
                    return int(process.name)
    return None


def run_and_kill_the_filter(
    repo: Repository, *arguments: str
) -> subprocess.CompletedProcess[str]:
    """Runs git and kills the filter process that it started, in the middle of its work."""
    process = subprocess.Popen(
        ("git", *arguments),
        cwd=repo.path,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    victim = None
    while process.poll() is None and victim is None:
        victim = spooling(repo)
        if victim is not None:
            os.kill(victim, signal.SIGKILL)
    _, said = process.communicate(timeout=WATCHDOG_SECONDS)
    assert victim is not None, said
    return subprocess.CompletedProcess(arguments, process.returncode, "", said)


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="needs /proc")
def test_a_filter_killed_while_it_cleans_adds_nothing(made: Established) -> None:
    repo = made.repo
    big = claims.MARKER + os.urandom(1 << 20) * (BIG_BYTES >> 20)
    repo.write("big.bin", big)
    done = run_and_kill_the_filter(repo, "add", "big.bin")
    claims.told(done, status=None)
    assert repo.git("ls-files", "big.bin") == ""
    claims.sound(repo)
    claims.sealed(repo)
    assert repo.read("big.bin") == big
    repo.git("add", "big.bin")
    repo.git("commit", "--quiet", "-m", "again")
    claims.clean(repo)
    # ... and while it smudges.
    (repo.path / "big.bin").unlink()
    done = run_and_kill_the_filter(repo, "checkout", "--", "big.bin")
    claims.told(done, status=None)
    claims.no_plaintext(repo.path / "big.bin")
    claims.sound(repo)
    repo.git("checkout", "--quiet", "--", "big.bin")
    assert repo.read("big.bin") == big
    claims.clean(repo)
    assert not list((repo.path / ".git" / "git-model" / "tmp").iterdir())


@pytest.mark.usefixtures("cold")
def test_a_full_disk_for_the_spool_is_told_and_adds_nothing(made: Established) -> None:
    repo = made.repo
    content = claims.MARKER + os.urandom(1 << 20) * 24
    repo.write("big.bin", content)
    # A limit on the size of files stands for the disk: the spool needs more.
    limited = ("prlimit", "--fsize=16777216", "git", "add", "big.bin")
    done = execute(*limited, cwd=repo.path, check=False)
    claims.told(done, "big.bin: ", "file too large", "free some disk space", status=None)
    assert repo.git("ls-files", "big.bin") == ""
    claims.sound(repo)
    claims.sealed(repo)
    assert repo.read("big.bin") == content
    repo.git("add", "big.bin")
    repo.git("commit", "--quiet", "-m", "with room")
    (repo.path / "big.bin").unlink()
    done = execute(*limited[:2], "git", "checkout", "--", "big.bin", cwd=repo.path, check=False)
    claims.told(done, "big.bin: ", "file too large", status=None)
    claims.no_plaintext(repo.path / "big.bin")
    repo.git("checkout", "--quiet", "--", "big.bin")
    assert repo.read("big.bin") == content
    claims.clean(repo)


@pytest.mark.usefixtures("cold")
def test_a_full_disk_below_git_is_told_and_loses_nothing(
    made: Established, tmp_path: Path
) -> None:
    # A tiny file system of its own, in a mount namespace that ends with the command.
    mount = "mount -t tmpfs -o size=3m,mode=700 tmpfs .git/git-model"
    probe = execute("unshare", "--mount", "sh", "-c", mount, cwd=made.repo.path, check=False)
    if probe.returncode:
        pytest.skip("a test may not mount here")
    repo = made.repo
    content = claims.MARKER + os.urandom(1 << 20) * 24
    repo.write("big.bin", content)
    keep = "cp -a .git/git-model/. ../state && " + mount + " && cp -a ../state/. .git/git-model"
    (tmp_path / "state").mkdir()
    words = f"{keep} && exec git add big.bin"
    done = execute("unshare", "--mount", "sh", "-c", words, cwd=repo.path, check=False)
    claims.told(done, "big.bin: ", "no space left", "free some disk space", status=None)
    assert repo.git("ls-files", "big.bin") == ""
    repo.git("add", "big.bin")
    claims.sound(repo)
    claims.sealed(repo)
    assert repo.read("big.bin") == content


def at_once(
    *commands: tuple[Repository, tuple[str, ...]],
) -> list[subprocess.CompletedProcess[str]]:
    """Runs git commands at the same time."""
    done: list[subprocess.CompletedProcess[str] | None] = [None] * len(commands)

    def one(place: int, repo: Repository, arguments: tuple[str, ...]) -> None:
        done[place] = repo.git.run(*arguments, check=False)

    threads = [
        threading.Thread(target=one, args=(place, repo, arguments))
        for place, (repo, arguments) in enumerate(commands)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [one for one in done if one is not None]


def test_two_adds_at_once_lose_nothing(made: Established) -> None:
    repo = made.repo
    for name in "ab":
        for number in range(30):
            repo.write(f"{name}/{number}.bin", claims.MARKER + bytes([number]) * 5000)
    for done in at_once((repo, ("add", "a")), (repo, ("add", "b"))):
        # Git's own lock decides; who loses is told and tries again.
        assert done.returncode == 0 or "index.lock" in done.stderr, done.stderr
        assert "Traceback" not in done.stderr
    repo.git("add", "a", "b")
    repo.git("commit", "--quiet", "-m", "both")
    claims.clean(repo)
    claims.sealed(repo)
    repo.model("verify")


def test_two_work_trees_add_and_commit_at_once(made: Established) -> None:
    repo = made.repo
    repo.git("worktree", "add", "--quiet", "../second", "-b", "second")
    second = Repository(repo.path.parent / "second")
    assert second.read("config.json") == CONTENT["config.json"]
    for tree in (repo, second):
        for number in range(30):
            tree.write(f"{tree.path.name}/{number}.bin", claims.MARKER + bytes([number]) * 5000)
    for words in (("add", "--all"), ("commit", "--quiet", "-m", "at once")):
        for done in at_once((repo, words), (second, words)):
            assert done.returncode == 0, done.stderr
    for tree in (repo, second):
        assert tree.status() == ""
        tree.model("verify")
    claims.sound(repo)
    claims.sealed(repo)


def test_an_index_that_another_git_holds_is_told_and_nothing_changes(
    made: Established,
) -> None:
    lock = made.repo.path / ".git" / "index.lock"
    lock.write_bytes(b"")
    for words in ("lock", "sign --adopt config.json"):
        done = made.repo.model(*words.split(), check=False)
        if done.returncode:
            claims.told(done, "index.lock")
    lock.unlink()
    assert made.repo.git("config", "git-model.keyId", check=False) != ""
    assert made.repo.read("config.json") == CONTENT["config.json"]
    claims.clean(made.repo)
    made.repo.model("lock")
    assert claims.MARKER not in made.repo.read("config.json")
    claims.clean(made.repo)
    lock.write_bytes(b"")
    claims.told(made.repo.model("unlock", check=False), "index.lock")
    lock.unlink()
    made.repo.model("unlock")
    assert made.repo.read("config.json") == CONTENT["config.json"]
    claims.clean(made.repo)
