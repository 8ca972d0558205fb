"""Verifies a directory without Git: what was deployed, against the bundle in it.

Nothing there is believed, neither the names in it nor those in the bundle: no link is
followed below the directory, and what the bundle leaves out is left out only as a
trusted signer signed it.
"""

from __future__ import annotations

import errno
import os
import stat
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from git_model_security import telemetry
from git_model_security.envelope import HEADER_BYTES
from git_model_security.errors import ConfigError, Reason, VerificationError
from git_model_security.filter import blobs
from git_model_security.git.paths import shown
from git_model_security.git.replacement import descend
from git_model_security.policy.gitmodel import CIPHERTEXT_SIGNATURE
from git_model_security.signing import bundle, shards
from git_model_security.signing.dsse import MAX_BYTES
from git_model_security.signing.roles import PLAINTEXT, STOCK_SIGNATURE, Subject
from git_model_security.workspace.verification import directory_listing, file_digests
from git_model_security.workspace.verification.verdict import COVERS_DIRECTORY, Finding, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from git_model_security.signing.bundle import Opened
    from git_model_security.signing.methods import Verifier
    from git_model_security.workspace.verification.file_digests import Progress

REMOVE = "remove it, or use --ignore-unsigned-files"
_RESTORE = "bring back what the signer published, and find out who changed it"
_NAMED = 3
_OPEN = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


@telemetry.span("verify")
def check(
    directory: Path,
    verifiers: Sequence[Verifier],
    *,
    signature: str = STOCK_SIGNATURE,
    root: str | None = None,
    ignore_unsigned_files: bool = False,
    progress: Progress | None = None,
) -> Verdict:
    """Verifies one model.

    1. Its bundle is signed by one of `verifiers`, and is over plaintext: made by
       git-model for some model root, or by other software.
    2. Every file of the directory that the bundle does not leave out is hashed and
       compared with it. Links are no files.

    Args:
        directory: the model's directory; may itself be a link.
        verifiers: who may have signed.
        signature: the bundle: a name in the directory, or with a `/` any path.
        root: the model root that must have been signed; None for any.
        ignore_unsigned_files: let files pass that are not signed.
        progress: told how far the hashing is.

    Raises:
        ConfigError: it is no directory.
    """
    verdict = Verdict(shown(os.fsencode(directory)), covers=COVERS_DIRECTORY)
    require_directory(directory)
    try:
        opened = _bundle(directory, signature, root, verifiers)
    except VerificationError as error:
        said = f"{signature}: {error}"
        verdict.findings.append(Finding(error.reason, ".", said, hint=error.hint))
        return verdict
    verdict.took(".", signature, opened)
    left_out = {os.fsencode(path) for path in opened.manifest.ignore_paths}
    seen: dict[bytes, int] = {}
    own = _own(directory, signature)
    present = directory_listing.files(directory, left_out | own, seen)
    left = {name: kind for name, kind in seen.items() if name in left_out - own}
    _note_left_out(verdict, left, ignore_unsigned_files)
    shard_bytes = opened.manifest.shard_bytes
    items = shards.files(opened.manifest) if shard_bytes else opened.manifest.items
    verdict.files = len(items)
    signed = {os.fsencode(name): value for name, value in items.items()}
    hashed = partial(file_digests.digests, directory, digest=opened.manifest.digest)
    actual = hashed(signed, progress=progress, shard_bytes=shard_bytes)
    if shard_bytes:
        # A file without content has no part that could be signed, and holds nothing.
        unsigned = (name for name in present if name not in signed)
        empty = hashed(unsigned, shard_bytes=shard_bytes)
        present = {name: kind for name, kind in present.items() if empty.get(name) != b""}
    verdict.findings += differences(signed, actual, present, ignore_unsigned_files)
    return verdict


def require_directory(path: Path) -> None:
    """Raises where there is no directory to verify.

    Raises:
        ConfigError: there is none.
    """
    if not path.is_dir():
        raise ConfigError(f"{shown(os.fsencode(path))}: there is no such directory")


def _bundle(
    directory: Path, signature: str, root: str | None, verifiers: Sequence[Verifier]
) -> Opened:
    """Reads and opens the bundle (step 1)."""
    data = _read(directory, signature)
    if blobs.is_sealed(data[:HEADER_BYTES]):
        raise VerificationError(
            Reason.NO_KEY,
            "the signature is still encrypted",
            hint="deploy what an unlocked clone has in its work tree",
        )
    opened = bundle.open_bundle(data, verifiers, signature_name=Path(signature).name)
    require_plaintext(opened)
    subject = opened.subject
    if root is not None and subject != Subject(PLAINTEXT, root):
        signed = f"the model root {subject.root}" if subject else "a model of other software"
        raise VerificationError(
            Reason.INVALID,
            f"signs {signed}, not {root}",
            hint="find out who put it here, or leave --model-root out to accept any",
        )
    return opened


def require_plaintext(opened: Opened) -> None:
    """Raises where a bundle is not over decrypted files.

    Raises:
        VerificationError: it is over ciphertext.
    """
    subject = opened.subject
    if subject is not None and subject.role != PLAINTEXT:
        raise VerificationError(
            Reason.INVALID,
            f"signs ciphertext, as {CIPHERTEXT_SIGNATURE} does, and not these files",
            hint="`git model verify --encrypted` verifies ciphertext, in a clone",
        )


def _read(directory: Path, signature: str) -> bytes:
    """Reads the bundle; below the directory no link is followed, elsewhere as asked."""
    try:
        if "/" in signature:
            # Not blocking: a named pipe may stand there.
            descriptor = os.open(signature, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        else:
            top = descend(directory, ())
            try:
                descriptor = os.open(signature, _OPEN, dir_fd=top)
            finally:
                os.close(top)
    except FileNotFoundError as error:
        hint = _hint_of_absent(directory, signature)
        # A path is what the command line says, a name what has to be in the directory.
        reason = Reason.UNREADABLE if "/" in signature else Reason.UNSIGNED
        raise VerificationError(reason, "there is no such file", hint=hint) from error
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise _malformed("a symbolic link") from error
        raise _unreadable((error.strerror or str(error)).lower()) from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise _malformed("not a regular file")
    with os.fdopen(descriptor, "rb") as file:
        try:
            # One byte more: `open_bundle` says that it is too long.
            return file.read(MAX_BYTES + 1)
        except OSError as error:
            raise _unreadable((error.strerror or str(error)).lower()) from error


def _hint_of_absent(directory: Path, signature: str) -> str:
    if "/" in signature:
        return "--signature takes a name in DIR, or the path of a bundle from where you are"
    below = directory_listing.models(directory_listing.files(directory), signature)
    if not below:
        return "--signature ./FILE names one that lies elsewhere"
    named = ", ".join(map(shown, below[:_NAMED])) + (", …" if len(below) > _NAMED else "")
    one = shown(os.fsencode(directory / os.fsdecode(below[0])))
    return f"there are models below it ({named}): --all-models, or `--dir {one}` for one"


def _unreadable(reason: str) -> VerificationError:
    return VerificationError(Reason.UNREADABLE, f"cannot read it: {reason}")


def _malformed(reason: str) -> VerificationError:
    return VerificationError(Reason.MALFORMED, f"cannot read it: {reason}")


def _own(directory: Path, signature: str) -> set[bytes]:
    """Returns the name of the bundle itself, where it lies in the directory."""
    if "/" not in signature:
        return {os.fsencode(signature)}
    inside = os.path.relpath(os.path.realpath(signature), os.path.realpath(directory))
    return {os.fsencode(inside)}


def _note_left_out(
    verdict: Verdict, found: Mapping[bytes, int], ignore_unsigned_files: bool
) -> None:
    """Says what lies there and no signature covers; a bundle is not worth saying.

    What only has the name of one (a link, a directory with files) is a finding: nobody
    would look for anything there.
    """
    bundles = found.keys() & {CIPHERTEXT_SIGNATURE.encode(), STOCK_SIGNATURE.encode()}
    unsaid = {name for name in bundles if stat.S_ISREG(found[name])}
    disguised = bundles - unsaid
    if disguised and not ignore_unsigned_files:
        names = tuple(map(_text, sorted(disguised)))
        detail = "in the place of a signature, and no file"
        verdict.findings.append(Finding(Reason.EXTRA, ".", detail, names, REMOVE))
        unsaid |= disguised
    listed = ", ".join(map(shown, sorted(found.keys() - unsaid)))
    if listed:
        verdict.notes.append(f"not verified, as the signer left them out: {listed}")


def differences(
    signed: Mapping[bytes, bytes],
    actual: Mapping[bytes, bytes],
    present: Mapping[bytes, int],
    ignore_unsigned_files: bool,
) -> Iterator[Finding]:
    """Yields how files differ from what was signed.

    Args:
        signed: digests by name.
        actual: digests of what is there of these names.
        present: all that is there, with its mode (`st_mode`).
        ignore_unsigned_files: let files pass that are not signed.
    """
    changed = [name for name in signed if name in actual and actual[name] != signed[name]]
    missing = [name for name in signed if name not in actual]
    extra = [] if ignore_unsigned_files else [name for name in present if name not in signed]
    links = [name for name in extra if stat.S_ISLNK(present[name])]
    extra = [name for name in extra if not stat.S_ISLNK(present[name])]
    for reason, detail, names, hint in (
        (Reason.TAMPERED, "not the content that was signed", changed, _RESTORE),
        (Reason.MISSING, "signed and not there", missing, _RESTORE),
        (Reason.EXTRA, "there and not signed", extra, REMOVE),
        (Reason.EXTRA, "symbolic links, which nobody can sign", links, REMOVE),
    ):
        if names:
            yield Finding(reason, ".", detail, tuple(map(_text, sorted(names))), hint)


def _text(name: bytes) -> str:
    return name.decode("utf-8", "surrogateescape")
