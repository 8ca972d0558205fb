"""A directory encrypted or decrypted, in place or to another one, file by file.

Each file is complete under its name, or as it was: what comes in its place is on the disk
before, and ciphertext was opened again. So whoever was interrupted runs the same again.
"""

from __future__ import annotations

import os
import stat
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final, NamedTuple, cast

from git_model_security import messages
from git_model_security.content.blob import Kind
from git_model_security.directories import enc_check, selection, written
from git_model_security.envelope import SegmentReader, sealed_length
from git_model_security.envelope.seal_file import seal_file
from git_model_security.errors import GitError, PolicyError
from git_model_security.git import worktree
from git_model_security.git.paths import shown
from git_model_security.git.replacement import Replacement, naming
from git_model_security.keyring import key_material

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from _typeshed import StrPath

    from git_model_security.directories.selection import File, Selection
    from git_model_security.envelope import Key
    from git_model_security.keyring.key_material import KeyLike

    Progress = Callable[[int, int], object]

_LARGE_BYTES: Final = 8 << 20
"""From this length on the segments of one file are spread over the cores; below, files are."""


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


def encrypt(
    path: StrPath,
    key: KeyLike,
    *,
    output: StrPath | None = None,
    ignored: Iterable[StrPath] = (),
    threads: int | None = None,
    progress: Progress | None = None,
) -> Done:
    """Encrypts a file, or the files of a directory that are not hidden.

    Args:
        path: what to encrypt.
        key: a key file, its 32 bytes, or the key.
        output: the directory that gets the ciphertext; None is in place.
        ignored: paths below it that are left alone.
        threads: at most so many; None is one per core.
        progress: told how many bytes of how many are done.

    Raises:
        PolicyError: there is nothing to encrypt, a file has another key, or is one of IBM's
            model-encryption under this key.
        Error: a file cannot be read or written; those before it are done.
    """
    held = key_material.of(key)
    found = selection.select(Path(path), map(Path, ignored))
    chosen = selection.list_plain(found, held)
    possible = enc_check.require_none(found.top, chosen, key_material.material_of(key))
    if not chosen:
        sealed = sum(file.kind is Kind.ENVELOPE for file in found.files)
        already = f"{messages.counted(sealed, 'encrypted file')}, and " * bool(sealed)
        raise PolicyError(
            f"{shown(os.fsencode(path))}: nothing to encrypt: {already}no other; hidden ones"
            " are left alone",
            hint="name the directory that has the model",
        )
    done = write_all(found, chosen, partial(_seal, held), output, threads, progress)
    return done._replace(doubtful=possible)


def decrypt(
    path: StrPath,
    key: KeyLike,
    *,
    output: StrPath | None = None,
    ignored: Iterable[StrPath] = (),
    threads: int | None = None,
    progress: Progress | None = None,
) -> Done:
    """Decrypts a file, or the encrypted files of a directory; see `encrypt`.

    Raises:
        PolicyError: there is nothing to decrypt.
        Error: a file does not open, or cannot be written; those before it are done.
    """
    held = key_material.of(key)
    found = selection.select(Path(path), map(Path, ignored))
    chosen = selection.list_sealed(found)
    possible = [file.path for file in enc_check.list_possible(found.files)]
    if not chosen:
        hint = "name the directory that has the ciphertext"
        if possible:
            named = shown(os.fsencode(path))
            hint = f"`git model import-enc {named}`, if model-encryption encrypted it"
        raise PolicyError(
            f"{shown(os.fsencode(path))}: nothing to decrypt: no file is encrypted", hint=hint
        )
    done = write_all(found, chosen, partial(_open, held), output, threads, progress)
    return done._replace(doubtful=possible)


def write_all(
    found: Selection,
    chosen: Sequence[File],
    write: Callable[[Path, File, Path, int], int],
    output: StrPath | None,
    threads: int | None,
    progress: Progress | None,
) -> Done:
    """Writes what comes of each chosen file, and to another directory the others as they are.

    Args:
        write: writes what comes of one, given the directory it is in, the one it goes to, and
            how many threads it may take; returns the length of its plaintext in bytes.

    Raises:
        PolicyError: `output` lies inside of what is read, or around it.
        Error: a file cannot be read or written; those before it are done.
    """
    cores = threads or os.cpu_count() or 1
    target = found.top
    if output is not None:
        target = Path(output)
        _require_apart(found.top, target)
        target.mkdir(parents=True, exist_ok=True)
    total = sum(file.facts.st_size for file in chosen)
    done = length = 0
    for file, plaintext_bytes in _written(found.top, chosen, write, target, cores):
        length += plaintext_bytes
        done += file.facts.st_size
        if progress is not None:
            progress(done, total)
    paths = {file.path for file in chosen}
    others = [file for file in found.files if file.path not in paths]
    if output is not None:
        for file in others:
            _write(found.top, file, target, file.facts.st_size, written.copy_into)
    return Done(len(chosen), length, len(others), found.links)


def _written(
    top: Path,
    chosen: Sequence[File],
    write: Callable[[Path, File, Path, int], int],
    target: Path,
    cores: int,
) -> Iterator[tuple[File, int]]:
    """Writes files, and yields each with the length of its plaintext when it is written."""
    small = [file for file in chosen if file.facts.st_size < _LARGE_BYTES]
    with ThreadPoolExecutor(cores) as pool:
        running = pool.map(lambda file: write(top, file, target, 1), small)
        try:
            yield from zip(small, running, strict=True)
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    for file in chosen:
        if file.facts.st_size >= _LARGE_BYTES:
            yield file, write(top, file, target, cores)


def _require_apart(top: Path, output: Path) -> None:
    inner, outer = output.resolve(), top.resolve()
    if inner.is_relative_to(outer) or outer.is_relative_to(inner):
        raise PolicyError(
            f"{output}: lies inside of what is read, or around it",
            hint="choose a directory beside it, or leave --output out to write in place",
        )


def _seal(key: Key, top: Path, file: File, target: Path, threads: int) -> int:
    length = file.facts.st_size

    def seal(source: BinaryIO, new: Replacement) -> None:
        seal_file(key, source, length, new.descriptor, threads)
        os.fsync(new.descriptor)
        require_opens(key, new, length, threads)

    _write(top, file, target, sealed_length(length), seal)
    return length


def require_opens(key: Key, new: Replacement, length: int, threads: int) -> None:
    """Opens what was written, all of it: nobody can open the plaintext any more after."""
    with os.fdopen(new.reopen(), "rb", buffering=0) as file:
        reader = SegmentReader(key, cast("BinaryIO", file))
        if reader.length != length:
            raise GitError("what was written is not what was to be written")
        reader.check(threads)


def _open(key: Key, top: Path, file: File, target: Path, threads: int) -> int:
    length = 0

    def open_into(source: BinaryIO, new: Replacement) -> None:
        nonlocal length
        reader = SegmentReader(key, source)
        length = reader.length
        os.ftruncate(new.descriptor, length)
        reader.write_to(new.descriptor, threads)
        os.fsync(new.descriptor)

    _write(top, file, target, 0, open_into)
    return length


def _write(
    top: Path,
    file: File,
    target: Path,
    size: int,
    fill: Callable[[BinaryIO, Replacement], None],
) -> None:
    """Writes one file in place of what stands there, or beside it, or not at all."""
    with written.about(file.path), naming(file.path):
        descriptor = worktree.open_file(top, file.path)
        with (
            cast("BinaryIO", os.fdopen(descriptor, "rb", buffering=0)) as source,
            Replacement(target, file.path, size=size) as new,
        ):
            os.fchmod(new.descriptor, stat.S_IMODE(file.facts.st_mode))
            fill(source, new)
            if target == top and not new.replaces(file.facts):
                raise written.changed()
            new.commit()
