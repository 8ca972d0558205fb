"""A directory encrypted or decrypted.

What was encrypted is opened again before it comes in the place of the plaintext, which
nobody could bring back.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

from git_model_security import messages
from git_model_security.content.blob import Kind
from git_model_security.directories import enc_check, selection
from git_model_security.directories.reading import Seen, open_segments
from git_model_security.directories.writing import Done, require_same, write_all, write_one
from git_model_security.envelope import sealed_length
from git_model_security.envelope.seal_file import seal_file
from git_model_security.errors import GitError, PolicyError
from git_model_security.git.paths import shown
from git_model_security.keyring import key_material

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Mapping

    from _typeshed import StrPath

    from git_model_security.directories.selection import File, Selection
    from git_model_security.directories.writing import Progress
    from git_model_security.envelope import Key
    from git_model_security.git.replacement import Replacement
    from git_model_security.keyring.key_material import KeyLike


def encrypt(
    path: StrPath,
    key: KeyLike,
    *,
    output: StrPath | None = None,
    ignored: Iterable[StrPath] = (),
    may_be_done: bool = False,
    also: Container[bytes] = (),
    threads: int | None = None,
    progress: Progress | None = None,
) -> Done:
    """Encrypts a file, or the files of a directory that are not hidden.

    Args:
        path: what to encrypt.
        key: a key file, its 32 bytes, or the key.
        output: the directory that gets the ciphertext; None is in place.
        ignored: paths below it that are left alone.
        may_be_done: that all of it is encrypted already is no error.
        also: hidden files and signatures that `output` gets as well.
        threads: at most so many; None is one per core.
        progress: told how many bytes of how many are done.

    Raises:
        PolicyError: there is nothing to encrypt, or a file has another key.
        Error: a file cannot be read or written; those before it are done.
    """
    held = key_material.of(key)
    found = selection.select(Path(path), map(Path, ignored))
    chosen = selection.list_plain(found, held)
    possible = enc_check.require_none(found.top, chosen, key_material.material_of(key))
    sealed = sum(file.kind is Kind.ENVELOPE for file in found.files)
    if not chosen and not (may_be_done and sealed):
        already = f"{messages.counted(sealed, 'encrypted file')}, and " * bool(sealed)
        raise PolicyError(
            f"{shown(os.fsencode(path))}: nothing to encrypt: {already}no other; hidden ones"
            " are left alone",
            hint="name the directory that has the model",
        )
    write = partial(_seal, held)
    done = write_all(found, chosen, write, output, threads, progress, also=also)
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
    found = selection.select(Path(path), map(Path, ignored))
    done = decrypt_found(found, key_material.of(key), output, threads, progress)
    possible = [file.path for file in enc_check.list_possible(found.files)]
    if not done.files:
        named = shown(os.fsencode(path))
        hint = "name the directory that has the ciphertext"
        if possible:
            hint = f"`git model import-enc {named}`, if model-encryption encrypted it"
        raise PolicyError(f"{named}: nothing to decrypt: no file is encrypted", hint=hint)
    return done._replace(doubtful=possible)


def decrypt_found(
    found: Selection,
    key: Key,
    output: StrPath | None,
    threads: int | None,
    progress: Progress | None,
    expected: Mapping[bytes, Seen] | None = None,
) -> Done:
    """Decrypts the encrypted ones of the files that were found, which may be none.

    Args:
        expected: what stands for each file that may be written (`reading.AsTheyStand.seen`);
            others are left as they are. None for all of them.

    Raises:
        Error: see `decrypt`; or a file is not the one that is expected.
    """
    chosen = [
        file
        for file in selection.list_sealed(found)
        if expected is None or file.path in expected
    ]
    write = partial(_open, key, expected)
    return write_all(found, chosen, write, output, threads, progress, expected)


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
    expected: Mapping[bytes, Seen] | None,
    top: Path,
    file: File,
    target: Path,
    threads: int,
) -> int:
    length = 0

    def open_into(source: BinaryIO, new: Replacement) -> None:
        nonlocal length
        reader = open_segments(key, file.path, source)
        require_same(expected, file, Seen(is_root=True, value=reader.root))
        length = reader.length
        os.ftruncate(new.descriptor, length)
        reader.write_to(new.descriptor, threads)
        os.fsync(new.descriptor)

    write_one(top, file, target, 0, open_into)
    return length
