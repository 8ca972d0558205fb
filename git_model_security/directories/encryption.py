"""A directory encrypted or decrypted.

What was encrypted is opened again before it comes in the place of the plaintext, which
nobody could bring back.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, NamedTuple, cast

from git_model_security.content.blob import Kind
from git_model_security.directories import enc_check, outputs, own_keys, reading, selection
from git_model_security.directories.outputs import Run
from git_model_security.directories.reading import Seen, open_segments
from git_model_security.directories.writing import (
    Done,
    require_same,
    write_all,
    write_one,
)
from git_model_security.envelope import sealed_length
from git_model_security.envelope.seal_file import seal_file
from git_model_security.errors import EnvelopeError, GitError, PolicyError
from git_model_security.git import worktree
from git_model_security.git.paths import shown
from git_model_security.keyring import key_material

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from _typeshed import StrPath

    from git_model_security.directories.outputs import Progress
    from git_model_security.directories.selection import File, Selection
    from git_model_security.envelope import Key
    from git_model_security.git.replacement import Replacement
    from git_model_security.keyring.key_material import KeyLike


def encrypt(
    path: StrPath,
    key: KeyLike,
    *,
    output: StrPath | None = None,
    ignore_paths: StrPath | Iterable[StrPath] = (),
    threads: int | None = None,
    progress: Progress | None = None,
) -> Done:
    """Encrypts a file, or the files of a directory that are not hidden.

    Where all of them are encrypted already there is nothing to do, which is no error.

    Args:
        path: what to encrypt.
        key: a key file, its 32 bytes, or the key.
        output: the directory that gets the ciphertext, and a copy of what is not encrypted.
        ignore_paths: a path below it that is left alone, or several.
        threads: at most so many; None is one per core.
        progress: told how many bytes of how many are done.

    Raises:
        PolicyError: there is nothing to encrypt, a file has another key or is the key, or
            `output` has something else than an interrupted run has left there.
        EnvelopeError: a file begins as if it were encrypted already, and is not.
        Error: a file cannot be read or written; those before it are done.
    """
    planned = plan(path, key, output=output, ignore_paths=ignore_paths)
    run = Run.of(output, threads, progress)
    done = carry_out(planned, run)
    run.finish()
    return done


class Plan(NamedTuple):
    """What is to be encrypted, where nothing speaks against it.

    Attributes:
        key: to seal it under.
        found: all that there is.
        chosen: what is to be encrypted of it.
        sealed: what is encrypted already.
        doubtful: see `writing.Done`.
    """

    key: Key
    found: Selection
    chosen: Sequence[File]
    sealed: Sequence[File]
    doubtful: Sequence[bytes]


def plan(
    path: StrPath,
    key: KeyLike,
    *,
    output: StrPath | None = None,
    ignore_paths: StrPath | Iterable[StrPath] = (),
) -> Plan:
    """Looks at what is to be encrypted, and writes nothing yet.

    Args:
        path, key, output, ignore_paths: see `encrypt`.

    Raises:
        Error: as `encrypt`, for all that can be known before.
    """
    outputs.sweep(Path(path))
    found = selection.select(Path(path), selection.places(ignore_paths))
    own_keys.require_none(found, key_material.of(key))
    return plan_found(found, key, output=output)


def plan_found(
    found: Selection,
    key: KeyLike,
    *,
    output: StrPath | None = None,
    also: Collection[bytes] = (),
) -> Plan:
    """Looks at what is to be encrypted of the files that were found, none of which is the key.

    Args:
        also: what an interrupted run may have written to `output` besides.

    Raises:
        Error: as `plan`.
    """
    held = key_material.of(key)
    chosen = selection.list_plain(found, held)
    possible = enc_check.require_none(found.top, chosen, key_material.material_of(key))
    sealed = list_opened(found, held)
    if not (chosen or sealed):
        there = selection.describe(found)
        raise PolicyError(
            f"{shown(os.fsencode(found.path))}: there is nothing to encrypt: {there}",
            hint="name the directory that has the model",
        )
    if output is not None:
        outputs.require_output(found, Path(output), also=also)
    return Plan(held, found, chosen, sealed, possible)


def carry_out(planned: Plan, run: Run) -> Done:
    """Encrypts what was planned; an output is complete when `Run.finish` says so.

    Raises:
        Error: a file cannot be read or written; those before it are done.
    """
    found, chosen = planned.found, planned.chosen
    write = partial(_seal, planned.key)
    copied = {file.path: None for file in found.files}
    done = write_all(run, found, chosen, write, copied)
    linked = [file.path for file in chosen if file.facts.st_nlink > 1]
    return done._replace(
        doubtful=planned.doubtful,
        sealed=len(planned.sealed),
        clear=selection.list_hidden(found),
        linked=linked if run.output is None else (),
    )


def list_opened(found: Selection, key: Key) -> list[File]:
    """Returns the files that are encrypted under a key already, as their structure proves.

    A header can be copied, and what stands behind it would stay in clear
    (docs/SPEC.md, "Reading by range").

    Raises:
        EnvelopeError: one has the header, and is no envelope.
    """
    sealed = [
        file for file in found.files if file.kind is Kind.ENVELOPE and file.key_id == key.id
    ]
    for file in sealed:
        descriptor = worktree.open_file(found.top, file.path)
        with os.fdopen(descriptor, "rb", buffering=0) as source:
            try:
                open_segments(key, file.path, cast("BinaryIO", source))
            except EnvelopeError as error:
                place = shown(selection.place(found.top, file.path))
                raise type(error)(
                    f"{place}: begins as if it were encrypted already, and is not: {error}",
                    hint="bring it back from another copy, or leave it out:"
                    f" --ignore-paths {place}",
                ) from error
    return sealed


def decrypt(
    path: StrPath,
    key: KeyLike,
    *,
    output: StrPath | None = None,
    ignore_paths: StrPath | Iterable[StrPath] = (),
    threads: int | None = None,
    progress: Progress | None = None,
) -> Done:
    """Decrypts a file, or the encrypted files of a directory; see `encrypt`.

    Raises:
        PolicyError: there is nothing to decrypt, or `output` has other files than it writes.
        Error: a file does not open, or cannot be written; those before it are done.
    """
    held = key_material.of(key)
    outputs.sweep(Path(path))
    found = selection.select(Path(path), selection.places(ignore_paths))
    possible = [file.path for file in enc_check.list_possible(found.files)]
    if not selection.list_sealed(found):
        named = shown(os.fsencode(path))
        hint = "name the directory that has the ciphertext"
        if possible:
            hint = f"`git model import-enc {named}`, if model-encryption encrypted it"
        raise PolicyError(f"{named}: nothing to decrypt: no file is encrypted", hint=hint)
    run = Run.of(output, threads, progress)
    done = decrypt_found(run, found, held)
    run.finish()
    return done._replace(doubtful=possible)


def decrypt_found(
    run: Run,
    found: Selection,
    key: Key,
    expected: Mapping[bytes, Seen] | None = None,
    also: Collection[bytes] = (),
) -> Done:
    """Decrypts the encrypted ones of the files that were found, which may be none.

    An output is complete when `Run.finish` says so.

    Args:
        expected: what stands for each file that may be written (`reading.Remembering.seen`);
            others are left as they are. None for all of them.
        also: what a run before may have written to `output` besides.

    Raises:
        KeyNotFoundError: one is under another key; nothing was written.
        Error: see `decrypt`; or a file is not the one that is expected.
    """
    written: Mapping[bytes, Seen | None] = (
        {file.path: None for file in found.files} if expected is None else expected
    )
    chosen = [file for file in selection.list_sealed(found) if file.path in written]
    reading.require_key(found, chosen, key)
    if run.output is not None:
        outputs.require_output(found, run.output, may_stand=True, also=also)
    return write_all(run, found, chosen, partial(_open, key, written), written)


def _seal(key: Key, top: Path, file: File, target: Path, threads: int) -> int:
    length = file.facts.st_size

    def seal(source: BinaryIO, new: Replacement) -> None:
        seal_file(key, source, length, new.descriptor, threads)
        with ThreadPoolExecutor(1) as disk:
            synced = disk.submit(os.fsync, new.descriptor)
            require_opens(key, file.path, new, length, threads)
            synced.result()

    write_one(top, file, target, sealed_length(length), seal)
    return length


def require_opens(key: Key, path: bytes, new: Replacement, length: int, threads: int) -> None:
    """Opens what was written, all of it: nobody can open the plaintext any more after."""
    with os.fdopen(new.reopen(), "rb", buffering=0) as written:
        reader = open_segments(key, path, cast("BinaryIO", written))
        if reader.length != length:
            raise GitError("what was written is not what was to be written")
        reader.check(threads)


def _open(
    key: Key,
    expected: Mapping[bytes, Seen | None],
    top: Path,
    file: File,
    target: Path,
    threads: int,
) -> int:
    length = 0

    def open_into(source: BinaryIO, new: Replacement) -> None:
        nonlocal length
        reader = open_segments(key, file.path, source)
        require_same(expected[file.path], file.path, Seen(is_root=True, value=reader.root))
        length = reader.length
        os.ftruncate(new.descriptor, length)
        reader.write_to(new.descriptor, threads)
        os.fsync(new.descriptor)

    write_one(top, file, target, 0, open_into)
    return length
