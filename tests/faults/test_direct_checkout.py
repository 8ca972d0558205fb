"""`git model checkout` when something goes wrong: nothing torn, nothing lost, a second try."""

from __future__ import annotations

import contextlib
import functools
import os
import random
import shutil
import signal
import subprocess
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.faults import claims
from tests.fixtures.copies import copied
from tests.fixtures.people import founded
from tests.fixtures.processes import MODEL, WATCHDOG_SECONDS, execute, need, skip_or_fail

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.fixtures.repositories import Repository

SKIP = {"GIT_MODEL_SKIP_SMUDGE": "1"}
PATHS = ("shards/a.bin", "shards/b.bin", "c.bin")
SIZE = (12 << 20) + 345


@functools.cache
def content(path: str) -> bytes:
    return claims.MARKER + random.Random(path).randbytes(SIZE)


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with a repository whose large files stand as pointers, and its home."""
    need("git-lfs")
    directory = tmp_path_factory.mktemp("original")
    repo = founded(directory)
    repo.model("init", "--profile", "all", "--storage", "lfs")
    for path in PATHS:
        repo.write(path, content(path))
    repo.commit()
    as_pointers(repo)
    repo.git("remote", "remove", "origin")
    return directory


@pytest.fixture
def pointers(original: Path, home: Path, tmp_path: Path) -> Repository:
    """A repository whose large files are committed, here, and stand as pointers."""
    shutil.copytree(original / "home" / ".config", home / ".config")
    return copied(original / "repo", tmp_path / "repo")


def as_pointers(repo: Repository) -> None:
    for path in PATHS:
        (repo.path / path).unlink(missing_ok=True)
    repo.git("checkout", "--", ".", env=SKIP)


def stored(repo: Repository, path: str) -> Path:
    oid = repo.blob(f"HEAD:{path}").split(b"sha256:")[1][:64].decode()
    return repo.path / ".git/lfs/objects" / oid[:2] / oid[2:4] / oid


def assert_complete(repo: Repository) -> None:
    for path in PATHS:
        assert repo.read(path) == content(path)
    left_nothing(repo)
    claims.clean(repo)


def assert_pointer(repo: Repository, path: str) -> None:
    assert repo.read(path) == repo.blob(f"HEAD:{path}")


def has_begun(process: subprocess.Popen[str], repo: Repository) -> bool:
    """Tells whether a checkout reads an object; before, it may be starting up."""
    objects = str(repo.path / ".git" / "lfs" / "objects")
    with contextlib.suppress(OSError):  # a file may be closed, the process end meanwhile
        files = Path("/proc", str(process.pid), "fd").iterdir()
        return any(str(file.readlink()).startswith(objects) for file in files)
    return False


def left_nothing(repo: Repository) -> None:
    """Fails where a file of ours stands beside those of the user."""
    assert not [file for file in repo.path.rglob(".git-model-*") if ".git" not in file.parts]


@pytest.mark.parametrize("damage", ["tampered", "truncated", "clear"])
def test_a_damaged_object_is_named_and_the_rest_is_written(
    pointers: Repository, damage: str
) -> None:
    path = PATHS[1]
    object_ = stored(pointers, path)
    good = object_.read_bytes()
    damaged = {
        "tampered": good[:5_000_000] + bytes(1) + good[5_000_001:],
        "truncated": good[:-1_000_000],
        "clear": bytes(len(good)),
    }[damage]
    object_.chmod(0o644)
    object_.write_bytes(damaged)
    pointers.git("remote", "add", "origin", "/nowhere")
    failed = pointers.model("checkout", check=False)
    said = claims.told(failed, f"git-model: error: {path}: ", "git-model: hint: ")
    if damage == "tampered":
        assert str(object_) in said
    assert_pointer(pointers, path)
    for other in (PATHS[0], PATHS[2]):
        assert pointers.read(other) == content(other)
    left_nothing(pointers)
    claims.clean(pointers)
    object_.write_bytes(good)
    pointers.model("checkout")
    assert_complete(pointers)


def test_an_envelope_in_an_envelope_is_refused(pointers: Repository, tmp_path: Path) -> None:
    import hashlib

    from git_model_security.envelope import Key, encrypt

    pointers.model("key", "export", str(tmp_path / "key"))
    key = Key((tmp_path / "key").read_bytes())
    inner = stored(pointers, "c.bin")
    with inner.open("rb") as source, (tmp_path / "outer").open("wb") as sink:
        encrypt(key, source, sink)
    outer = (tmp_path / "outer").read_bytes()
    oid = hashlib.sha256(outer).hexdigest()
    place = pointers.path / ".git/lfs/objects" / oid[:2] / oid[2:4] / oid
    place.parent.mkdir(parents=True)
    place.write_bytes(outer)
    text = f"version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize {len(outer)}\n"
    claims.plumb(pointers, "c.bin", text.encode())
    pointers.write("c.bin", text)
    failed = pointers.model("checkout", "c.bin", check=False)
    claims.told(failed, "c.bin: an envelope inside of an envelope")
    assert_pointer(pointers, "c.bin")
    left_nothing(pointers)


@pytest.fixture
def small_disk(pointers: Repository) -> Iterator[Repository]:
    """The repository with `shards` on a disk that takes one of its two files."""
    shards = pointers.path / "shards"
    for file in shards.iterdir():
        file.unlink()
    mounted = execute(*("mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", shards), check=False)
    if mounted.returncode:
        skip_or_fail(f"a small file system cannot be mounted here: {mounted.stderr.strip()}")
    try:
        as_pointers(pointers)
        yield pointers
    finally:
        execute("umount", "--lazy", shards, check=False)


def test_a_full_disk_is_told_and_leaves_nothing_behind(small_disk: Repository) -> None:
    failed = small_disk.model("checkout", check=False)
    claims.told(failed, "shards/", "no space left", "free some disk space")
    held = [path for path in PATHS if small_disk.read(path) == content(path)]
    assert len(held) == 2
    assert_pointer(small_disk, next(path for path in PATHS if path not in held))
    left_nothing(small_disk)
    claims.clean(small_disk)
    execute("mount", "-o", "remount,size=64m", small_disk.path / "shards")
    small_disk.model("checkout")
    assert_complete(small_disk)


def test_a_limit_on_the_size_of_files_is_told(pointers: Repository) -> None:
    limited = ("prlimit", f"--fsize={8 << 20}", *MODEL, "checkout")
    failed = execute(*limited, cwd=pointers.path, check=False)
    claims.told(failed, *PATHS, "file too large")
    for path in PATHS:
        assert_pointer(pointers, path)
    left_nothing(pointers)
    pointers.model("checkout")
    assert_complete(pointers)


def test_killed_at_any_moment_it_leaves_whole_files_and_the_next_try_completes(
    pointers: Repository,
) -> None:
    randomly = random.Random(3)
    for _ in range(6):
        as_pointers(pointers)
        process = subprocess.Popen(
            (*MODEL, "checkout"),
            cwd=pointers.path,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            process.wait(randomly.uniform(0.15, 0.9))
        except subprocess.TimeoutExpired:
            # With the git that it may have started, which would go on writing.
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        for path in PATHS:
            assert pointers.read(path) in {content(path), pointers.blob(f"HEAD:{path}")}
        assert pointers.git("ls-files", "--others", "--exclude-standard") == ""
        (pointers.path / ".git" / "index.lock").unlink(missing_ok=True)
        pointers.model("checkout")
        assert_complete(pointers)


def test_killed_before_the_index_was_told_the_next_try_tells_it(pointers: Repository) -> None:
    """Without stat data that fit, Git takes a file of another length for changed."""
    for path in PATHS:
        pointers.write(path, content(path))
    assert pointers.status() != ""
    pointers.model("checkout")
    assert_complete(pointers)


def test_interrupted_it_keeps_what_it_has_written(pointers: Repository) -> None:
    process = subprocess.Popen(
        (*MODEL, "checkout"),
        cwd=pointers.path,
        stderr=subprocess.PIPE,
        text=True,
        # A shell that runs the tests in its background has it ignored, for children too.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509
    )
    while process.poll() is None and not has_begun(process, pointers):
        pass
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=WATCHDOG_SECONDS)
    assert process.returncode in {0, 130}
    assert "Traceback" not in said
    left_nothing(pointers)
    claims.clean(pointers)
    pointers.model("checkout")
    assert_complete(pointers)


def test_two_at_once_write_the_same(pointers: Repository) -> None:
    done: list[subprocess.CompletedProcess[str]] = []
    threads = [
        threading.Thread(target=lambda: done.append(pointers.model("checkout", check=False)))
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all("Traceback" not in one.stderr for one in done)
    pointers.model("checkout")
    assert_complete(pointers)


def test_a_commit_at_the_same_time_loses_nothing(pointers: Repository) -> None:
    process = subprocess.Popen((*MODEL, "checkout"), cwd=pointers.path)
    while process.poll() is None:
        pointers.write("notes.md", os.urandom(8).hex())
        pointers.git.run("commit", "-qam", "Notes", check=False)
        time.sleep(0.05)
    pointers.model("checkout")
    pointers.git("add", "--all")
    pointers.git.run("commit", "-qm", "Last", check=False)
    assert_complete(pointers)


def test_what_a_person_puts_there_meanwhile_stays(pointers: Repository) -> None:
    """The file is looked at again before it is replaced."""
    from git_model_security.checkout import materialise
    from git_model_security.checkout.open_file import Job
    from git_model_security.clone.clone import Clone
    from git_model_security.git import index
    from git_model_security.git.repository import Repository as Found
    from git_model_security.storage import pointer

    clone = Clone(Found.discover(pointers.path))
    entry = next(one for one in index.staged(clone.repo) if one.path == b"c.bin")
    parsed = pointer.parse(pointers.read("c.bin"))
    assert parsed is not None
    job = Job(entry, parsed, (pointers.path / "c.bin").stat())
    pointers.write("c.bin", b"mine")
    with clone.objects:
        materialise.write(clone, [job])
    assert pointers.read("c.bin") == b"mine"
    assert "something else was put in its place" in str(job.error)


def test_ten_thousand_files_are_written_and_clean(pointers: Repository) -> None:
    repo = pointers
    repo.write("one.bin", claims.MARKER + os.urandom(1 << 20))
    repo.git("add", "one.bin")
    oid = repo.git("rev-parse", ":one.bin")
    names = [f"many/{number % 100:02}/{number:05}.bin" for number in range(10_000)]
    entries = "".join(f"100644 {oid} 0\t{name}\0" for name in names)
    repo.git("config", "core.fsync", "none")
    repo.git("update-index", "-z", "--index-info", stdin=entries.encode())
    # One of them is enough to know that each is whole: they are hard to keep otherwise.
    said = repo.model("checkout", "many/0*")
    assert said.stdout.startswith("1000 files written")
    expected = repo.read("one.bin")
    assert all(repo.read(name) == expected for name in names if name < "many/1")
    assert repo.git("diff-files", "--name-only", "many/0*") == ""
