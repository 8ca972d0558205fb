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
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final, NamedTuple, cast

from git_model_security import messages
from git_model_security.directories.reading import Seen
from git_model_security.errors import Error, GitError, PolicyError
from git_model_security.files import write_at
from git_model_security.git import replacement, worktree
from git_model_security.git.paths import shown
from git_model_security.git.replacement import Replacement, naming
from git_model_security.verification import listing

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
UNFINISHED: Final = b".git-model-unfinished"
"""A file in an output that is not complete: the same run may begin there again."""
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
        _require_apart(found, target)
        begin(target)
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


def sweep(path: Path) -> None:
    """Removes what a run that was killed left of files that were not complete.

    Where the file system has no files without a name, that may be plaintext, which would be
    a file of the model from then on.
    """
    if not path.is_dir():
        replacement.sweep(path.parent, [b""], ())
        return
    there = listing.list_files(path, {b".git"}, closed=True)
    directories = {name.rpartition(b"/")[0] for name in filter(replacement.is_partial, there)}
    replacement.sweep(path, directories, ())


def require_new(directory: Path) -> None:
    """Raises unless a directory is empty, or is still to be made.

    Raises:
        PolicyError: something stands there.
    """
    if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
        raise PolicyError(
            f"{shown(os.fsencode(directory))}: something stands there already",
            hint="name a new directory, or an empty one",
        )


def begin(output: Path) -> None:
    """Makes an output, and puts a file there that says that it is not complete.

    Raises:
        GitError: it cannot be made.
    """
    try:
        output.mkdir(parents=True, exist_ok=True)
        (output / os.fsdecode(UNFINISHED)).touch()
    except OSError as error:
        said = f"{shown(os.fsencode(output))}: cannot write there: {messages.reason(error)}"
        raise GitError(said, hint="name a directory, new or empty") from error


def finish(output: StrPath | None) -> None:
    """Says that an output is complete: until then the same run may begin there again."""
    if output is not None:
        (Path(output) / os.fsdecode(UNFINISHED)).unlink()


def require_output(found: Selection, output: Path, *, may_stand: bool = False) -> None:
    """Raises unless a directory lies apart from what is read, and is new.

    Or holds nothing but what an interrupted run has written of just these files. Also where it
    is refused, no plaintext stays there that a killed run left.

    Args:
        may_stand: that it holds what such a run has completed, and writes again, is no error: a
            container that starts anew.

    Raises:
        PolicyError: it does not, or something stands there.
    """
    _require_apart(found, output)
    if output.is_dir():
        sweep(output)
        there = listing.list_files(output, closed=True).keys()
        own = {UNFINISHED, *(file.path for file in found.files)}
        if (may_stand or UNFINISHED in there) and there <= own:
            return
    require_new(output)


def _require_apart(found: Selection, output: Path) -> None:
    inner, outer = output.resolve(), found.top.resolve()
    is_apart = not (inner.is_relative_to(outer) or outer.is_relative_to(inner))
    if not (is_apart or (found.is_one and inner != outer)):
        raise PolicyError(
            f"{shown(os.fsencode(output))}: lies inside of what is read, or around it",
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
