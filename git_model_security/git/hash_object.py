"""New blobs: their names, and `git hash-object`, which writes them through no filter."""

from __future__ import annotations

import contextlib
import hashlib
import os
from typing import TYPE_CHECKING

from git_model_security.errors import GitError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from typing_extensions import Buffer

    from git_model_security.git.repository import Repository


def write_blob(repo: Repository, content: bytes) -> str:
    """Writes a blob as it is, through no filter, and returns its oid."""
    return repo.git("hash-object", "-w", "--stdin", stdin=content).decode().strip()


def write_blobs(repo: Repository, contents: Sequence[bytes]) -> None:
    """Writes blobs as they are, through no filter, in one process.

    Raises:
        GitError: git could not, or a temporary file could not be written.
    """
    directory = repo.state_directory("new")
    paths = [directory / f"{os.getpid()}-{number}" for number in range(len(contents))]
    try:
        for path, content in zip(paths, contents, strict=True):
            path.write_bytes(content)
        named = b"".join(_quoted(os.fsencode(path)) + b"\n" for path in paths)
        repo.git("hash-object", "-w", "--no-filters", "--stdin-paths", stdin=named)
    except OSError as error:
        raise GitError(f"{directory}: {error.strerror}", hint="is the disk full?") from error
    finally:
        for path in paths:
            path.unlink(missing_ok=True)


def list_cleaned_oids(repo: Repository, paths: Sequence[bytes]) -> list[str]:
    """Returns the blobs that `git add` would make of work tree files; writes none.

    The content is cleaned and converted by the attributes of now. What the index says of
    it is not asked.

    Raises:
        GitError: a filter refuses what stands there.
    """
    quoted = b"".join(_quoted(path) + b"\n" for path in paths)
    out = repo.git("hash-object", "--stdin-paths", stdin=quoted, filters=True)
    return out.decode().split()


def _quoted(path: bytes) -> bytes:
    """Returns a path as `core.quotePath` writes it: one line, whatever is in it."""
    return b'"' + b"".join(b"\\%03o" % byte for byte in path) + b'"'


def write_blob_from(repo: Repository, content: Iterable[Buffer]) -> str:
    """Writes a blob from pieces, through no filter, and returns its oid.

    Raises:
        GitError: git could not.
    """
    with repo.spawn("hash-object", "-w", "--stdin") as process:
        with contextlib.suppress(BrokenPipeError):
            for piece in content:
                process.stdin.write(piece)
            process.stdin.close()
        oid = process.stdout.read().decode().strip()
    if process.returncode:
        raise GitError("git hash-object could not write a blob", hint="is the disk full?")
    return oid


def blob_oid(object_format: str, content: bytes) -> str:
    """Returns the name of a blob with this content."""
    running = blob_hash(object_format, len(content))
    running.update(content)
    return running.hexdigest()


def blob_hash(object_format: str, size_bytes: int) -> hashlib._Hash:
    """Returns the running hash of a blob of this size (gitformat-pack, "Object")."""
    running = hashlib.new(object_format, usedforsecurity=False)
    running.update(b"blob %d\0" % size_bytes)
    return running


def hash_files(repo: Repository, paths: Iterable[bytes]) -> list[str]:
    """Returns the blobs that files of the work tree would become, through their filters."""
    top = os.fsencode(repo.top)
    there = [path for path in paths if b"\n" not in path and os.path.lexists(top + b"/" + path)]
    if not there:
        return []
    asked = b"".join(path + b"\n" for path in there)
    return repo.git("hash-object", "--stdin-paths", stdin=asked, filters=True).decode().split()
