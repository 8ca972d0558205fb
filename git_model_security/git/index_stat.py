"""Makes the index agree with files that were written outside Git.

Git trusts an entry whose stat data match the file (racy-git). After we wrote a
file whose blob we know, its ten stat fields in the index are rewritten in place:
`git status` is clean without one call of the clean filter. They stand at the same
place in all formats (gitformat-index; format 4 compresses only paths). A split index
keeps entries elsewhere: there Git is left to refresh by itself.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
import struct
from typing import TYPE_CHECKING

from git_model_security.errors import GitError
from git_model_security.git.run import run

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from git_model_security.git.repository import Repository

_HEADER = struct.Struct(">4sII")
_STAT_BYTES = 40
_MODE_AT = 24
_EXTENDED, _STAGE = 0x4000, 0x3000
_VERSIONS = (2, 3, 4)
_WRAPPED_BYTES = 1 << 32
_MUNGED_BYTES = 1 << 31
_MUNGING_GIT = (2, 44)


class IndexLockedError(GitError):
    """Another process holds the index lock."""


def path_of(repo: Repository) -> Path:
    """Returns the index file in use, which a hook's environment may name."""
    name = os.environ.get("GIT_INDEX_FILE")
    return (repo.work_tree or repo.git_dir) / name if name else repo.git_dir / "index"


def refresh(
    repo: Repository,
    written: Mapping[bytes, os.stat_result],
    oids: Mapping[bytes, str] | None = None,
) -> bool:
    """Gives index entries the stat data of the files just written for them.

    Args:
        written: stat data by path; the entry at each path must be the blob that
            the file was made from.
        oids: those blobs, by path: an entry that another command changed meanwhile is
            passed over.

    Returns:
        Whether it was done for all; if not, Git finds out by itself, with the filter.

    Raises:
        IndexLockedError: another process holds the index lock.
    """
    index = path_of(repo).resolve()
    lock = _lock_of(index)
    descriptor = _take(lock)
    try:
        with os.fdopen(descriptor, "wb") as file:
            content = bytearray(index.read_bytes())
            try:
                done = _rewrite(content, repo, written, oids)
            except (struct.error, ValueError, IndexError):
                done = set()  # cut short: Git says so when it reads it
            if done:
                _seal(content, repo.object_format)
                file.write(content)
                file.flush()
                _keep_facts(index, descriptor)
    except BaseException:
        lock.unlink()
        raise
    if not done:
        lock.unlink()
        return not written
    try:
        lock.replace(index)  # from here on the lock may be another process's: leave it
    except OSError:
        lock.unlink()
        raise
    return len(done) == len(written)


def require_free(repo: Repository) -> None:
    """Takes the index lock and gives it back: so `refresh` can be expected to succeed.

    Raises:
        IndexLockedError: another process holds it.
        OSError: the index cannot be written.
    """
    lock = _lock_of(path_of(repo).resolve())
    os.close(_take(lock))
    lock.unlink()


def _lock_of(index: Path) -> Path:
    return index.with_name(index.name + ".lock")


def _take(lock: Path) -> int:
    try:
        return os.open(lock, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
    except FileExistsError as error:
        raise IndexLockedError(
            f"{lock}: another git process holds the index",
            hint="wait for it; remove the file if none is running",
        ) from error


def date(repo: Repository) -> int:
    """Returns when the index was written, in seconds: to Git, older files are settled."""
    try:
        return path_of(repo).stat().st_mtime_ns // 10**9
    except OSError:
        return 0


def _keep_facts(index: Path, descriptor: int) -> None:
    """Gives the new index the permissions and the date of the old one.

    Git wrote that one with what `core.sharedRepository` asks for.

    An entry that is no older than the index is "racily clean" (racy-git): Git compares
    its content. Under a younger index it would be taken for settled, and a change of
    the same second never be seen.
    """
    facts = index.stat()
    os.fchmod(descriptor, stat.S_IMODE(facts.st_mode))
    os.utime(descriptor, ns=(facts.st_atime_ns, facts.st_mtime_ns))


def _rewrite(
    content: bytearray,
    repo: Repository,
    written: Mapping[bytes, os.stat_result],
    oids: Mapping[bytes, str] | None,
) -> set[bytes]:
    """Rewrites the entries; returns the paths of those that were."""
    done = set()
    munged = None
    oid_bytes = hashlib.new(repo.object_format).digest_size
    for start, path, flags in _entries(content, oid_bytes):
        facts = written.get(path)
        if facts is None or flags & _STAGE:
            continue
        oid_at = start + _STAT_BYTES
        oid = content[oid_at : oid_at + oid_bytes].hex()
        if oids is not None and oid != oids.get(path):
            continue
        if munged is None and facts.st_size and not facts.st_size % _WRAPPED_BYTES:
            munged = _munged()
        (mode,) = struct.unpack_from(">I", content, start + _MODE_AT)
        fields = _fields(facts, mode, munged or 0)
        content[start : start + _STAT_BYTES] = fields
        done.add(path)
        if len(done) == len(written):
            break
    return done


def _entries(content: bytearray, oid_bytes: int) -> Iterator[tuple[int, bytes, int]]:
    """Yields where each entry starts, its path and its flags."""
    signature, version, count = _HEADER.unpack_from(content)
    if signature != b"DIRC" or version not in _VERSIONS:
        return
    start = _HEADER.size
    path = b""
    for _ in range(count):
        flags_at = start + _STAT_BYTES + oid_bytes
        (flags,) = struct.unpack_from(">H", content, flags_at)
        name_at = flags_at + (4 if flags & _EXTENDED else 2)
        kept = b""
        if version == 4:
            dropped, name_at = _offset(content, name_at)
            kept = path[: len(path) - dropped]
        end = content.index(0, name_at)
        path = kept + bytes(content[name_at:end])
        yield start, path, flags
        # one to eight NULs pad an entry to a multiple of eight bytes, up to format 3
        start = end + 1 if version == 4 else start + (end - start + 8) // 8 * 8


def _offset(content: bytearray, at: int) -> tuple[int, int]:
    """Reads a number as packs have them for OFS_DELTA; returns it and what follows."""
    value = content[at] & 0x7F
    while content[at] & 0x80:
        at += 1
        value = (value + 1 << 7) | (content[at] & 0x7F)
    return value, at + 1


def _munged() -> int:
    """Returns what this Git keeps for the size of a file of a multiple of 4 GiB.

    Only 32 bits of a size are kept. 0, to every Git, means to compare the content; newer
    ones never write it (read-cache.c, `munge_st_size`, git 2.43).
    """
    found = re.search(rb"(\d+)\.(\d+)", run("version"))
    is_new = found is not None and (int(found[1]), int(found[2])) >= _MUNGING_GIT
    return _MUNGED_BYTES if is_new else 0


def _fields(facts: os.stat_result, mode: int, munged: int) -> bytes:
    ctime_s, ctime_ns = divmod(facts.st_ctime_ns, 10**9)
    mtime_s, mtime_ns = divmod(facts.st_mtime_ns, 10**9)
    size = facts.st_size & 0xFFFFFFFF or (munged if facts.st_size else 0)
    numbers = (ctime_s, ctime_ns, mtime_s, mtime_ns, facts.st_dev, facts.st_ino, mode)
    owner = (facts.st_uid, facts.st_gid, size)
    return struct.pack(">10I", *(number & 0xFFFFFFFF for number in (*numbers, *owner)))


def _seal(content: bytearray, object_format: str) -> None:
    """Writes the trailing checksum anew; with `index.skipHash` it is zero and stays so."""
    size = hashlib.new(object_format).digest_size
    if any(content[-size:]):
        running = hashlib.new(object_format, content[:-size], usedforsecurity=False)
        content[-size:] = running.digest()
