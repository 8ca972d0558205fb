"""The bundle of a directory without Git: where it lies, and what it may be over."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from git_model_security import messages
from git_model_security.content import blob
from git_model_security.envelope import HEADER_BYTES
from git_model_security.errors import Reason, VerificationError
from git_model_security.git import worktree
from git_model_security.git.paths import shown
from git_model_security.policy.gitmodel import CIPHERTEXT_SIGNATURE
from git_model_security.signing import bundle, dsse
from git_model_security.signing.dsse import MAX_BYTES
from git_model_security.signing.roles import PLAINTEXT, Subject
from git_model_security.verify import directory_listing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from git_model_security.signing.bundle import Opened
    from git_model_security.signing.methods import Verifier
    from git_model_security.verify.links import Links

FOLLOW = "--follow-links ROOT follows links that stay below a directory ROOT"
_LINK = "a symbolic link"
_LOOP = "a symbolic link that loops"
_NAMED = 3


def opened(
    directory: Path,
    signature: str,
    root: str | None,
    verifiers: Sequence[Verifier],
    links: Links | None = None,
) -> Opened:
    """Reads a bundle and opens it.

    Args:
        directory: the model's directory.
        signature: the bundle: a name in the directory, or with a `/` any path.
        root: the model root that must have been signed; None for any.
        verifiers: who may have signed.
        links: which of the directory are followed; None for none.

    Raises:
        VerificationError: it cannot be read, or does not hold.
    """
    data = _read(directory, signature, links)
    if blob.is_sealed(data[:HEADER_BYTES]):
        raise VerificationError(
            Reason.NO_KEY,
            "the signature is still encrypted",
            hint="deploy what an unlocked clone has in its work tree",
        )
    found = bundle.open_bundle(data, verifiers)
    require_plaintext(found)
    subject = found.subject
    if root is not None and subject != Subject(PLAINTEXT, root):
        signed = f"the model root {subject.root}" if subject else "a model of other software"
        raise VerificationError(
            Reason.INVALID,
            f"signs {signed}, not {root}",
            hint="find out who put it here, or leave --model-root out to accept any",
        )
    return found


def require_plaintext(found: Opened) -> None:
    """Raises where a bundle is not over decrypted files.

    Raises:
        VerificationError: it is over ciphertext.
    """
    subject = found.subject
    if subject is not None and subject.role != PLAINTEXT:
        raise VerificationError(
            Reason.INVALID,
            f"signs ciphertext, as {CIPHERTEXT_SIGNATURE} does, and not these files",
            hint="`git model verify --encrypted` verifies ciphertext, in a clone",
        )


def _read(directory: Path, signature: str, links: Links | None) -> bytes:
    """Reads the bundle; below the directory links as told, elsewhere as asked."""
    is_path = "/" in signature
    try:
        if is_path:
            # Not blocking: a named pipe may stand there.
            descriptor = os.open(signature, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        else:
            descriptor = _standing(directory, os.fsencode(signature), links)
    except FileNotFoundError as error:
        hint = _hint_of_absent(directory, signature)
        # A path is what the command line says, a name what has to be in the directory.
        reason = Reason.UNREADABLE if is_path else Reason.UNSIGNED
        raise VerificationError(reason, "there is no such file", hint=hint) from error
    except OSError as error:
        if error.errno == errno.ELOOP:
            why = links.unfollowed(os.fsencode(signature)) if links else (_LINK, FOLLOW)
            raise _malformed(*((_LOOP, None) if is_path else why)) from error
        raise _unreadable(messages.reason(error)) from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise _malformed("not a regular file")
    with os.fdopen(descriptor, "rb") as file:
        try:
            # One byte more: `open_bundle` says that it is too long.
            return file.read(MAX_BYTES + 1)
        except OSError as error:
            raise _unreadable(messages.reason(error)) from error


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


def _malformed(reason: str, hint: str | None = None) -> VerificationError:
    return VerificationError(Reason.MALFORMED, f"cannot read it: {reason}", hint=hint)


def _standing(directory: Path, name: bytes, links: Links | None) -> int:
    """Opens what stands at a name of the directory, or where it leads as far as told."""
    place = links.file(name) if links else None
    if links and place is not None:
        return worktree.open_file(Path(os.fsdecode(links.root)), place)
    return worktree.open_file(directory, name)


def is_one(directory: Path, name: bytes, links: Links | None = None) -> bool:
    """Tells whether a bundle stands in a directory, whoever signed it; see `opened`."""
    with contextlib.suppress(OSError, VerificationError):
        with os.fdopen(_standing(directory, name, links), "rb") as file:
            dsse.parse(file.read(MAX_BYTES + 1))
        return True
    return False


def own(directory: Path, signature: str) -> set[bytes]:
    """Returns the name of the bundle itself, where it lies in the directory."""
    if "/" not in signature:
        return {os.fsencode(signature)}
    inside = os.path.relpath(os.path.realpath(signature), os.path.realpath(directory))
    return {os.fsencode(inside)}
