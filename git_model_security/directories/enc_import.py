"""The files of IBM's model-encryption below a directory become envelopes: x.enc becomes x.

1. All that is called `.enc` is authentic under the key, or nothing is written.
2. Each is decrypted in memory and sealed, and its HMAC computed again over what is decrypted.
   When that holds, and the envelope is on the disk and was opened again, it gets its name.
3. Only then x.enc goes; where a signature is over these files, not before all are taken over,
   since nothing else proves what came of them. The bytes that are sealed have to be those that
   were signed.

So plaintext is never on the disk. A run that was interrupted is run again: an x that is there
already is compared with what x.enc gives, which is the same bytes each time.
"""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, NamedTuple, cast

from git_model_security import messages
from git_model_security.content import enc_file
from git_model_security.content.blob import Kind
from git_model_security.directories import (
    enc_check,
    enc_places,
    enc_sealing,
    enc_signature,
    encryption,
    outputs,
    own_keys,
    selection,
    writing,
)
from git_model_security.directories.enc_signature import USUAL, Signs
from git_model_security.directories.outputs import IN_PLACE
from git_model_security.envelope import Key, sealed_length
from git_model_security.errors import GitError, PolicyError
from git_model_security.git import worktree
from git_model_security.git.index import stamp
from git_model_security.git.objects import CHUNK_BYTES
from git_model_security.git.paths import shown
from git_model_security.git.replacement import Replacement, descend, naming

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from _typeshed import StrPath

    from git_model_security.directories.enc_signature import Signature, Signed
    from git_model_security.directories.outputs import Progress, Run
    from git_model_security.directories.selection import File, Selection
    from git_model_security.directories.writing import Done


class Imported(NamedTuple):
    """What was taken over.

    Attributes:
        done: how many files, and what was left.
        clear: files that nobody encrypted, which are as they were.
        signs: what a `model.sig` in the directory claims to be over.
    """

    done: Done
    clear: Sequence[bytes]
    signs: Signs


class _Taking(NamedTuple):
    """How each file is taken over.

    Attributes:
        material: the 32 bytes of the key that it was encrypted with.
        key: to seal it under.
        signed: what was signed of the files; None where that is not asked for.
    """

    material: bytes
    key: Key
    signed: Signed | None = None

    def write(self, top: Path, file: File, target: Path, threads: int) -> int:
        """Writes the envelope of one file, and removes it; returns its plaintext's length.

        One that was signed stays.
        """
        name = enc_places.place(file)
        mode = file.facts.st_mode & writing.PERMISSIONS
        read = None if self.signed is None else self.signed.begin()
        with writing.about(file.path):
            with naming(name):
                descriptor = worktree.open_file(top, file.path)
                size = sealed_length(enc_file.padded_length(file.facts.st_size))
                with (
                    cast("BinaryIO", os.fdopen(descriptor, "rb", buffering=0)) as source,
                    Replacement(target, name, mode, size) as new,
                ):
                    if target == top:
                        os.fchmod(new.descriptor, mode)
                    length = enc_sealing.seal(
                        *(self.material, self.key, source, new.descriptor),
                        is_long=threads > 1,
                        read=read,
                    )
                    if self.signed is not None and read is not None:
                        self.signed.require(file.path, read)
                    os.fsync(new.descriptor)
                    if length:
                        encryption.require_opens(self.key, name, new, length, threads)
                    if stamp(os.fstat(descriptor)) != stamp(file.facts):
                        raise writing.changed()
                    if new.standing() is None:
                        new.commit()
                    elif not _is_there(new, target, name):
                        raise enc_places.both_there(file)
            if target == top and self.signed is None:
                _remove(top, file)
        return length


def take_over(
    path: StrPath,
    material: bytes,
    *,
    key: Key | None = None,
    ignored: Iterable[StrPath] = (),
    signature: Signature = USUAL,
    run: Run = IN_PLACE,
    checking: Progress | None = None,
) -> Imported:
    """Turns x.enc into x, an envelope, for each one of a directory; or for a single file.

    Args:
        path: a directory, or a file.
        material: the 32 bytes of the key that they were encrypted with.
        key: to seal them under; None is the same key.
        ignored: paths below it that are left alone.
        signature: the bundle that signs them, and who has to have signed it.
        run: an output gets the envelopes, and what else there is, hidden files too, which are
            signed.
        checking: told how many bytes of how many are authenticated.

    Raises:
        PolicyError: there is nothing to take over, something stands in the way, a file is one
            of the keys, or a signature would be lost.
        KeyNotFoundError: the key authenticates none of them.
        EnvelopeError: it does not all of them.
        VerificationError: they are not what one of the signers signed.
        Error: a file cannot be read or written; those before it are done.
    """
    taking = _Taking(material, Key(material) if key is None else key)
    outputs.sweep(Path(path))
    if run.output is not None and run.output.is_dir():
        outputs.sweep(run.output)
    found = selection.select(Path(path), map(Path, ignored))
    chosen = enc_check.list_named(found)
    if not chosen:
        sealed = sum(file.kind is Kind.ENVELOPE for file in found.files)
        ours = f", and {messages.counted(sealed, 'envelope')} already" * bool(sealed)
        raise PolicyError(
            f"{shown(os.fsencode(path))}: nothing to take over: no file is called .enc{ours}",
            hint="name the directory that model-encryption encrypted",
        )
    for one in {taking.key.id: taking.key, Key(material).id: Key(material)}.values():
        own_keys.require_none(found, one)
    enc_places.require_free(found, chosen, run.output or found.top, taking.key)
    signs = enc_signature.claim(found.top, chosen, signature)
    if signature.signers:
        signed = enc_signature.require_holds(found, chosen, signature)
        taking = taking._replace(signed=signed)
        if run.output is None:
            _require_every(found, chosen, signed)
    elif signs is Signs.CIPHERTEXT and run.output is None:
        enc_signature.require_kept(signature)
    enc_check.require_all(found.top, chosen, material, run.threads, checking)
    own = signature.own_name(found.top)
    if signs is Signs.CIPHERTEXT:
        found = found._replace(files=[file for file in found.files if file.path != own])
    copied = {file.path: None for file in found.files}
    done = writing.write_all(run, found, chosen, taking.write, copied)
    run.finish()
    if taking.signed is not None and run.output is None:
        for file in chosen:
            with writing.about(file.path):
                _remove(found.top, file)
    paths = {file.path for file in chosen} | {own}
    clear = [
        file.path
        for file in found.files
        if not (file.is_left_alone or file.path in paths)
        and file.kind not in {Kind.ENVELOPE, Kind.EMPTY}
    ]
    return Imported(done, clear, signs)


def _require_every(found: Selection, chosen: Sequence[File], signed: Signed) -> None:
    """Raises where files that were signed would stay, and lose what proves them.

    Raises:
        PolicyError: not all are taken over.
    """
    named = {name for name in signed.files if name.endswith(enc_file.SUFFIX)}
    kept = {
        file.path for file in found.files if file.is_left_alone or file.kind is Kind.ENVELOPE
    }
    if left := named - kept - {file.path for file in chosen}:
        raise PolicyError(
            f"{shown(min(left))}: is signed too, and not taken over: its signature needs all",
            hint="name the whole directory; or --output DIR leaves the .enc files as they are",
        )


def _is_there(new: Replacement, target: Path, name: bytes) -> bool:
    """Tells whether what stands in the place of a new file is the same, byte for byte."""
    with (
        os.fdopen(new.reopen(), "rb") as made,
        os.fdopen(worktree.open_file(target, name), "rb") as there,
    ):
        os.fsync(there.fileno())  # whoever wrote it
        while chunk := made.read(CHUNK_BYTES):
            if there.read(CHUNK_BYTES) != chunk:
                return False
        return not there.read(1)


def _remove(top: Path, file: File) -> None:
    """Removes a file once what came of it has its name on the disk itself.

    Raises:
        GitError: it is not the one that was read, or cannot be removed.
    """
    *parents, name = file.path.split(b"/")
    try:
        directory = descend(top, parents)
        try:
            _sync(directory)
            now = os.stat(name, dir_fd=directory, follow_symlinks=False)
            if stamp(now) != stamp(file.facts):
                raise writing.changed()
            os.unlink(name, dir_fd=directory)
        finally:
            os.close(directory)
    except OSError as error:
        raise GitError(f"cannot be removed: {messages.reason(error)}") from error


def _sync(directory: int) -> None:
    try:
        os.fsync(directory)
    except OSError as error:
        if error.errno not in {errno.EINVAL, errno.ENOTSUP}:  # not every file system can
            raise
