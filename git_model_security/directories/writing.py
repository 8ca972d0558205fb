"""Files of a directory written anew, in place or to another one, each whole or as it was.

What comes in a file's place is on the disk before. So whoever was interrupted runs the same
again.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import repeat
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final, NamedTuple, cast

from git_model_security import messages
from git_model_security.directories.reading import Seen
from git_model_security.errors import Error, GitError, PolicyError
from git_model_security.files import write_at
from git_model_security.git import worktree
from git_model_security.git.paths import shown
from git_model_security.git.replacement import Replacement, naming

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterator, Mapping, Sequence

    from _typeshed import StrPath

    from git_model_security.directories.selection import File, Selection

    Progress = Callable[[int, int], object]
    Write = Callable[[Path, File, Path, int], int]
    """Writes a file of one directory to another, on so many threads; returns the length of
    its plaintext."""

_LARGE_BYTES: Final = 8 << 20
"""From this length on the segments of one file are spread over the cores; below, files are."""
_LARGE_AT_ONCE: Final = 2
"""While the disk takes one of them, the cores have another."""
_CHUNK_BYTES = 1 << 20


class Done(NamedTuple):
    """What was done.

    Attributes:
        files: how many were written.
        plaintext_bytes: the length of their plaintext.
        others: how many were what they should be already, or are empty.
        links: symbolic links, which nobody followed.
        doubtful: what by name and length may be of IBM's model-encryption, under another key:
            encrypted a second time now, or left as it is.
    """

    files: int
    plaintext_bytes: int
    others: int
    links: Sequence[bytes]
    doubtful: Sequence[bytes] = ()


def write_all(
    found: Selection,
    chosen: Sequence[File],
    write: Write,
    output: StrPath | None,
    threads: int | None,
    progress: Progress | None,
    expected: Mapping[bytes, Seen] | None = None,
    also: Container[bytes] = (),
) -> Done:
    """Writes the chosen ones of the files that were found.

    Args:
        output: the directory that gets them, and a copy of the others; None is in place.
        expected: what stands for the others that are copied, by path; None for all of them, but
            for those that are left alone.
        also: which of these are copied all the same.

    Raises:
        Error: a file cannot be read or written; those before it are done.
    """
    cores = threads or os.cpu_count() or 1
    target = found.top
    if output is not None:
        target = Path(output)
        _require_apart(found.top, target)
        try:
            target.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            said = f"{shown(os.fsencode(target))}: cannot write there: {messages.reason(error)}"
            raise GitError(said, hint="--output takes a directory") from error
    total = sum(file.facts.st_size for file in chosen)
    done = length = 0
    for file, plaintext_bytes in _written(found.top, chosen, write, target, cores):
        length += plaintext_bytes
        done += file.facts.st_size
        if progress is not None:
            progress(done, total)
    paths = {file.path for file in chosen}
    rest = [file for file in found.files if file.path not in paths]
    for file in rest if output is not None else ():
        is_usual = not file.is_left_alone or file.path in also
        if is_usual if expected is None else file.path in expected:
            copy(found.top, file, target, expected)
    others = sum(not file.is_left_alone for file in rest)
    return Done(len(chosen), length, others, found.links)


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


def _require_apart(top: Path, output: Path) -> None:
    inner, outer = output.resolve(), top.resolve()
    if inner.is_relative_to(outer) or outer.is_relative_to(inner):
        raise PolicyError(
            f"{output}: lies inside of what is read, or around it",
            hint="choose a directory beside it, or leave --output out to write in place",
        )


def copy(
    top: Path, file: File, target: Path, expected: Mapping[bytes, Seen] | None = None
) -> None:
    """Copies a file to the same place in another directory, if it is the one expected."""

    def fill(source: BinaryIO, new: Replacement) -> None:
        running, offset = hashlib.sha256(), 0
        while chunk := source.read(_CHUNK_BYTES):
            running.update(chunk)
            write_at(new.descriptor, chunk, offset)
            offset += len(chunk)
        require_same(expected, file, Seen(is_root=False, value=running.digest()))

    write_one(top, file, target, file.facts.st_size, fill)


def require_same(expected: Mapping[bytes, Seen] | None, file: File, found: Seen) -> None:
    """Raises where a file is not the one that was verified.

    Raises:
        GitError: it was exchanged since.
    """
    if expected is not None and expected.get(file.path) != found:
        raise exchanged(file.path)


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
    """Writes one file in place of what stands there, or beside it, or not at all."""
    with about(file.path), naming(file.path):
        descriptor = worktree.open_file(top, file.path)
        with (
            cast("BinaryIO", os.fdopen(descriptor, "rb", buffering=0)) as source,
            Replacement(target, file.path, size=size) as new,
        ):
            os.fchmod(new.descriptor, stat.S_IMODE(file.facts.st_mode))
            fill(source, new)
            if target == top and not new.replaces(file.facts):
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
