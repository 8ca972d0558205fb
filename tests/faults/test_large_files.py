"""Large files when something goes wrong in the middle: nothing torn, nothing wrong."""

from __future__ import annotations

import array
import fcntl
import os
import resource
import shutil
import signal
import subprocess
import termios
import time
from typing import TYPE_CHECKING

import pytest

from git_model_security.git.pktline import Pipe
from tests.fixtures.processes import MODEL, WATCHDOG_SECONDS, execute, need, skip_or_fail

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fixtures.repositories import Repository

CONTENT = os.urandom(4 << 20) * 3


@pytest.fixture
def lfs(repo: Repository) -> Repository:
    """A model whose files of 64 KiB and more are objects of git-lfs."""
    need("git-lfs")
    repo.model("init", "--profile", "all", "--storage", "lfs", "--threshold", "64k")
    return repo


class Filter:
    """A filter process that a test talks to as Git does, one step at a time."""

    def __init__(self, repo: Repository) -> None:
        self.process = subprocess.Popen(
            (*MODEL, "filter-process"),
            cwd=repo.path,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.pipe = Pipe(self.process.stdout.fileno(), self.process.stdin.fileno())
        self.pipe.write_list([b"git-filter-client", b"version=2"])
        self.pipe.send()
        self.pipe.read_list()
        self.pipe.write_list([b"capability=clean", b"capability=smudge"])
        self.pipe.send()
        self.pipe.read_list()

    def begin(self, path: str) -> None:
        self.pipe.write_list([b"command=clean", b"pathname=" + path.encode()])

    def send(self, content: bytes) -> None:
        """Sends content, and returns when the filter has taken all of it."""
        assert self.process.stdin is not None
        self.pipe.write_content(content)
        self.pipe.send()
        waiting = array.array("i", [1])
        while waiting[0] and self.process.poll() is None:
            time.sleep(0.01)
            fcntl.ioctl(self.process.stdin.fileno(), termios.FIONREAD, waiting)

    def end(self) -> tuple[bytes, str]:
        """Returns the answer, empty on an error, and what was said."""
        self.pipe.write_flush()
        self.pipe.send()
        answer = b""
        if self.pipe.read_list() == [b"status=success"]:
            answer = b"".join(self.pipe.content())
            if self.pipe.read_list():
                answer = b""
        _, said = self.process.communicate(timeout=WATCHDOG_SECONDS)
        return answer, said.decode()


def leftovers(repo: Repository) -> list[Path]:
    return [path for path in (repo.path / ".git" / "lfs").rglob("*") if path.is_file()]


@pytest.mark.parametrize("change", ["grows", "shrinks", "is replaced", "is removed"])
def test_a_file_that_changes_while_it_is_read_is_an_error_that_names_it(
    lfs: Repository, change: str
) -> None:
    file = lfs.write("w.bin", CONTENT)
    talk = Filter(lfs)
    talk.begin("w.bin")
    talk.pipe.write_content(CONTENT[: 5 << 20])
    talk.pipe.send()
    time.sleep(0.2)  # until it has looked at the file
    if change == "grows":
        file.write_bytes(CONTENT + b"more")
    elif change == "shrinks":
        os.truncate(file, 100)
    elif change == "is replaced":
        lfs.write("new", CONTENT).replace(file)
    else:
        file.unlink()
    talk.pipe.write_content(CONTENT[5 << 20 :])
    answer, said = talk.end()
    assert not answer
    assert "w.bin: it changed while it was read" in said
    assert leftovers(lfs) == []
    file.write_bytes(CONTENT)
    lfs.commit()
    assert lfs.status() == ""


def test_content_that_is_not_the_files_is_taken_as_it_comes(lfs: Repository) -> None:
    """`git hash-object --path` and merges clean what stands in no file."""
    lfs.write("w.bin", b"short")
    oid = lfs.git("hash-object", "-w", "--path", "w.bin", "--stdin", stdin=CONTENT)
    assert lfs.git("cat-file", "blob", oid).startswith("version https://git-lfs")


@pytest.mark.parametrize("killed_after_bytes", [1, 3 << 20, 9 << 20, 11 << 20])
def test_a_filter_killed_in_the_middle_leaves_what_the_next_one_sweeps(
    lfs: Repository, killed_after_bytes: int
) -> None:
    lfs.write("w.bin", CONTENT)
    talk = Filter(lfs)
    talk.begin("w.bin")
    talk.send(CONTENT[:killed_after_bytes])
    talk.process.send_signal(signal.SIGKILL)
    talk.process.communicate(timeout=WATCHDOG_SECONDS)
    for path in leftovers(lfs):
        assert path.parent.name == "tmp"
        os.utime(path, (1, 1))
    lfs.commit()
    (stored,) = leftovers(lfs)
    assert stored.parent.name != "tmp"
    assert lfs.status() == ""


def test_a_partial_object_of_a_living_process_is_not_swept(lfs: Repository) -> None:
    lfs.write("w.bin", CONTENT)
    talk = Filter(lfs)
    talk.begin("w.bin")
    talk.send(CONTENT[: 11 << 20])
    while not (partial := leftovers(lfs)):
        assert talk.process.poll() is None
    for path in partial:
        os.utime(path, (1, 1))
    lfs.write("other.bin", CONTENT[:-1])
    lfs.git("add", "other.bin")
    talk.pipe.write_content(CONTENT[11 << 20 :])
    answer, said = talk.end()
    assert answer, said
    assert len(leftovers(lfs)) == 2


@pytest.mark.usefixtures("cold")
def test_a_full_disk_is_said_and_leaves_nothing(
    lfs: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    lfs.write("w.bin", CONTENT)
    limit = 10 << 20

    def limited() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    done = subprocess.run(
        ("git", "add", "w.bin"),
        cwd=lfs.path,
        preexec_fn=limited,
        capture_output=True,
        text=True,
        check=False,
        timeout=WATCHDOG_SECONDS,
    )
    assert done.returncode
    assert "w.bin: cannot keep its ciphertext: file too large" in done.stderr
    assert "free some disk space" in done.stderr
    assert leftovers(lfs) == []
    lfs.commit()
    assert lfs.status() == ""


def test_a_sparse_file_of_zeros_goes_the_whole_way(lfs: Repository) -> None:
    file = lfs.path / "zeros.bin"
    with file.open("wb") as made:
        made.truncate(256 << 20)
    lfs.commit()
    assert lfs.status() == ""
    file.unlink()
    lfs.model("checkout")
    assert file.stat().st_size == 256 << 20
    assert not any(file.read_bytes()[:: 1 << 12])
    assert "Verified" in lfs.model("verify").stdout


def test_a_disk_that_fills_up_during_a_download_is_told_and_the_next_try_completes(
    lfs: Repository, remote: Repository
) -> None:
    names = [f"part-{number}.bin" for number in range(4)]
    for number, name in enumerate(names):
        lfs.write(name, CONTENT[number : number + (2 << 20)])
    lfs.commit()
    lfs.git("remote", "add", "origin", str(remote.path))
    lfs.git("push", "--quiet", "origin", "main")
    store = lfs.path / ".git" / "lfs"
    shutil.rmtree(store)
    store.mkdir()
    for name in names:
        (lfs.path / name).unlink()
    mounted = execute(
        *("mount", "-t", "tmpfs", "-o", "size=5m", "tmpfs", str(store)), check=False
    )
    if mounted.returncode:
        skip_or_fail(f"a small file system cannot be mounted here: {mounted.stderr.strip()}")
    try:
        failed = lfs.model("checkout", check=False)
        assert failed.returncode == 1
        assert "part-" in failed.stderr
        assert "no space left" in failed.stderr.lower()
        assert "hint:" in failed.stderr
        execute("mount", "-o", "remount,size=64m", str(store))
        lfs.model("checkout")
        for number, name in enumerate(names):
            assert lfs.read(name) == CONTENT[number : number + (2 << 20)]
        assert lfs.status() == ""
    finally:
        execute("umount", "--lazy", str(store), check=False)


def test_two_adds_at_once_make_the_same_object(lfs: Repository) -> None:
    lfs.write("w.bin", CONTENT)
    adds = [
        subprocess.Popen(
            ("git", "hash-object", "-w", "w.bin"), cwd=lfs.path, stdout=subprocess.PIPE
        )
        for _ in range(3)
    ]
    oids = {add.communicate(timeout=WATCHDOG_SECONDS)[0] for add in adds}
    assert len(oids) == 1
    assert len(leftovers(lfs)) == 1
    lfs.commit()
    assert lfs.status() == ""
