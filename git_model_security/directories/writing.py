"""Files of a directory written anew, in place or to another one, each whole or as it was.

What comes in a file's place is on the disk before. So whoever was interrupted runs the same
again.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import repeat
from typing import TYPE_CHECKING, BinaryIO, Final, NamedTuple, cast

from git_model_security.directories import outputs
from git_model_security.directories.reading import Seen
from git_model_security.errors import Error, GitError
from git_model_security.files import write_at
from git_model_security.git import worktree
from git_model_security.git.paths import shown
from git_model_security.git.replacement import Replacement, naming

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from git_model_security.directories.outputs import Run
    from git_model_security.directories.selection import File, Selection

    Write = Callable[[Path, File, Path, int], int]
    """Writes a file of one directory to another, on so many threads; returns the length of
    its plaintext."""

_LARGE_BYTES: Final = 8 << 20
"""From this length on the segments of one file are spread over the cores; below, files are."""
_LARGE_AT_ONCE: Final = 2
"""While the disk takes one of them, the cores have another."""
_CHUNK_BYTES = 1 << 20
PERMISSIONS: Final = 0o777
"""Of a mode: neither setuid, setgid nor the sticky bit."""


class Done(NamedTuple):
    """What was done.

    Attributes:
        files: how many were written.
        plaintext_bytes: the length of their plaintext.
        others: how many were what they should be already, or are empty.
        links: symbolic links, which nobody followed.
        doubtful: what by name and length may be of IBM's model-encryption, under another key:
            encrypted a second time now, or left as it is.
        odd: pipes, sockets and devices, which nobody read.
        sealed: how many of the others are encrypted, after files were encrypted.
        clear: hidden files that are left in clear, after files were encrypted.
        linked: files whose plaintext stays under another name, a hard link, after they were
            encrypted in place.
    """

    files: int
    plaintext_bytes: int
    others: int
    links: Sequence[bytes]
    doubtful: Sequence[bytes] = ()
    odd: Sequence[bytes] = ()
    sealed: int = 0
    clear: Sequence[bytes] = ()
    linked: Sequence[bytes] = ()


def write_all(
    run: Run,
    found: Selection,
    chosen: Sequence[File],
    write: Write,
    copied: Mapping[bytes, Seen | None],
) -> Done:
    """Writes the chosen ones of the files that were found.

    Args:
        run: whose output gets them, and a copy of others.
        found: what is there.
        chosen: what of it is written.
        write: writes one of them.
        copied: the others that an output gets, by path, with what stands for each of them;
            None where they are copied whatever they hold.

    Raises:
        Error: a file cannot be read or written; those before it are done.
    """
    cores = run.threads or os.cpu_count() or 1
    target = run.output or found.top
    if run.output is not None:
        outputs.require_apart(found, target)
        outputs.begin(target)
    total = sum(file.facts.st_size for file in chosen)
    done = length = 0
    for file, plaintext_bytes in _written(found.top, chosen, write, target, cores):
        length += plaintext_bytes
        done += file.facts.st_size
        if run.progress is not None:
            run.progress(done, total)
    paths = {file.path for file in chosen}
    rest = [file for file in found.files if file.path not in paths]
    for file in rest if run.output is not None else ():
        if file.path in copied:
            copy(found.top, file, target, copied[file.path])
    others = sum(not file.is_left_alone for file in rest)
    return Done(len(chosen), length, others, found.links, odd=found.odd)


def _written(
    top: Path, chosen: Sequence[File], write: Write, target: Path, cores: int
) -> Iterator[tuple[File, int]]:
    """Writes files, and yields each with the length of its plaintext when it is written."""
    small = [file for file in chosen if file.facts.st_size < _LARGE_BYTES]
    large = [file for file in chosen if file.facts.st_size >= _LARGE_BYTES]
    for files, at_once, threads in (small, cores, 1), (large, _LARGE_AT_ONCE, cores):
        with ThreadPoolExecutor(min(at_once, cores)) as pool:
            running = pool.map(partial(write, top), files, repeat(target), repeat(threads))
            try:
                yield from zip(files, running, strict=True)
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise


def copy(top: Path, file: File, target: Path, expected: Seen | None = None) -> None:
    """Copies a file to the same place in another directory, if it is the one expected."""

    def fill(source: BinaryIO, new: Replacement) -> None:
        running, offset = hashlib.sha256(), 0
        while chunk := source.read(_CHUNK_BYTES):
            running.update(chunk)
            write_at(new.descriptor, chunk, offset)
            offset += len(chunk)
        require_same(expected, file.path, Seen(is_root=False, value=running.digest()))

    write_one(top, file, target, file.facts.st_size, fill)


def require_same(expected: Seen | None, path: bytes, found: Seen) -> None:
    """Raises where a file is not the one that was verified, if one was.

    Raises:
        GitError: it was exchanged since.
    """
    if expected is not None and expected != found:
        raise exchanged(path)


def exchanged(path: bytes) -> GitError:
    """Returns the error of a file that is not the one that was verified."""
    return GitError(
        f"{shown(path)}: was exchanged after it was verified, and is not written",
        hint="find out who changes it, and run the same again",
    )


def write_one(
    top: Path,
    file: File,
    target: Path,
    size: int,
    fill: Callable[[BinaryIO, Replacement], None],
) -> None:
    """Writes one file in place of what stands there, or beside it, or not at all.

    Whoever made the file chose its mode: what lets it run as somebody else is dropped, and
    elsewhere it is made less the umask, as `cp` makes it.
    """
    mode, is_in_place = file.facts.st_mode & PERMISSIONS, target == top
    with about(file.path), naming(file.path):
        descriptor = worktree.open_file(top, file.path)
        with (
            cast("BinaryIO", os.fdopen(descriptor, "rb", buffering=0)) as source,
            Replacement(target, file.path, mode, size) as new,
        ):
            if is_in_place:
                os.fchmod(new.descriptor, mode)
            fill(source, new)
            if is_in_place and not new.replaces(file.facts):
                raise changed()
            new.commit()


def changed() -> GitError:
    """Returns the error of a file that somebody else writes to."""
    return GitError(
        "was changed while it was read, and is left as it is",
        hint="run the same again once nobody writes to it",
    )


@contextlib.contextmanager
def about(path: bytes) -> Iterator[None]:
    """Has an error name the file that it is about."""
    try:
        yield
    except Error as error:
        said = str(error)
        if shown(path) in said:
            raise
        raise type(error)(f"{shown(path)}: {said}", hint=error.hint) from error
