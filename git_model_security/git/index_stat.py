"""Makes the index agree with files that were written outside Git.

Git trusts an entry whose stat data match the file (racy-git). After we wrote a
file whose blob we know, its ten stat fields in the index are rewritten in place:
`git status` is clean without one call of the clean filter. Formats 2 and 3 have
them at fixed places (gitformat-index); format 4 compresses paths, and a split
index keeps entries elsewhere: there Git is left to refresh by itself.
"""

from __future__ import annotations

import hashlib
import os
import struct
from typing import TYPE_CHECKING

from git_model_security.errors import GitError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from git_model_security.git.repository import Repository

_HEADER = struct.Struct(">4sII")
_STAT_BYTES = 40
_EXTENDED = 0x4000
_SKIP_HASH_VERSIONS = (2, 3)


def path_of(repo: Repository) -> Path:
    """Returns the index file in use, which a hook's environment may name."""
    name = os.environ.get("GIT_INDEX_FILE")
    return (repo.work_tree or repo.git_dir) / name if name else repo.git_dir / "index"


def refresh(repo: Repository, written: Mapping[bytes, os.stat_result]) -> bool:
    """Gives index entries the stat data of the files just written for them.

    Args:
        repo: the repository.
        written: stat data by path; the entry at each path must be the blob that
            the file was made from.

    Returns:
        Whether it was done; if not, Git finds out by itself, with the filter.

    Raises:
        GitError: another process holds the index lock.
    """
    index = path_of(repo)
    lock = index.with_name(index.name + ".lock")
    try:
        descriptor = os.open(lock, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
    except FileExistsError as error:
        raise GitError(
            f"{lock}: another git process holds the index",
            hint="wait for it; remove the file if none is running",
        ) from error
    try:
        with os.fdopen(descriptor, "wb") as file:
            content = bytearray(index.read_bytes())
            done = _rewrite(content, written, hashlib.new(repo.object_format).digest_size)
            if done:
                _seal(content, repo.object_format)
                file.write(content)
        if done:
            lock.replace(index)
    finally:
        lock.unlink(missing_ok=True)
    return done


def _rewrite(
    content: bytearray, written: Mapping[bytes, os.stat_result], oid_bytes: int
) -> bool:
    signature, version, count = _HEADER.unpack_from(content)
    if signature != b"DIRC" or version not in _SKIP_HASH_VERSIONS:
        return False
    start = _HEADER.size
    for _ in range(count):
        flags_at = start + _STAT_BYTES + oid_bytes
        (flags,) = struct.unpack_from(">H", content, flags_at)
        name_at = flags_at + (4 if flags & _EXTENDED else 2)
        end = content.index(0, name_at)
        stat = written.get(bytes(content[name_at:end]))
        if stat is not None:
            (mode,) = struct.unpack_from(">I", content, start + 24)
            content[start : start + _STAT_BYTES] = _fields(stat, mode)
        # one to eight NULs pad an entry to a multiple of eight bytes
        start += (end - start + 8) // 8 * 8
    return True


def _fields(stat: os.stat_result, mode: int) -> bytes:
    ctime_s, ctime_ns = divmod(stat.st_ctime_ns, 10**9)
    mtime_s, mtime_ns = divmod(stat.st_mtime_ns, 10**9)
    numbers = (ctime_s, ctime_ns, mtime_s, mtime_ns, stat.st_dev, stat.st_ino, mode)
    owner = (stat.st_uid, stat.st_gid, stat.st_size)
    return struct.pack(">10I", *(number & 0xFFFFFFFF for number in (*numbers, *owner)))


def _seal(content: bytearray, object_format: str) -> None:
    """Writes the trailing checksum anew; with `index.skipHash` it is zero and stays so."""
    size = hashlib.new(object_format).digest_size
    if any(content[-size:]):
        running = hashlib.new(object_format, content[:-size], usedforsecurity=False)
        content[-size:] = running.digest()
