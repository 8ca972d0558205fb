"""The bundle of a directory without Git: where it lies, what it is over and leaves out."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from git_model_security import messages
from git_model_security.errors import Error, Reason, VerificationError
from git_model_security.git import worktree
from git_model_security.git.paths import shown
from git_model_security.policy.gitmodel import CIPHERTEXT_SIGNATURE
from git_model_security.signing import bundle, dsse
from git_model_security.signing.dsse import MAX_BYTES
from git_model_security.signing.roles import (
    BUNDLES,
    PLAINTEXT,
    STOCK_IGNORED,
    Subject,
)
from git_model_security.verification import bundle_place, listing
from git_model_security.verification.kinds import FOLLOW

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from git_model_security.signing.bundle import Opened
    from git_model_security.signing.methods import Verifier
    from git_model_security.verification.links import Links
    from git_model_security.verification.reading import Reading

_LINK = "a symbolic link"
_LOOP = "a symbolic link that loops"
_NAMED = 3
_LINES = b".intoto.jsonl"
_SUFFIXES = (b".sig", b".sigstore", b".sigstore.json", _LINES)
"""How a signature or attestation is called, and nothing that a model is loaded from."""


def open_in(
    directory: Path,
    signature: str,
    root: str | None,
    verifiers: Sequence[Verifier],
    links: Links | None,
    reading: Reading,
) -> Opened:
    """Opens the bundle of a directory, which has to be that of the model root `root`.

    Raises:
        VerificationError: it cannot be read, or does not hold.
    """
    name = bundle_place.own_name(directory, signature)
    data = reading.bundle(name, read(directory, signature, links))
    found = bundle.open_bundle(data, verifiers)
    require_plaintext(found)
    subject = found.subject
    if root is not None and subject != Subject(PLAINTEXT, root):
        signed = f"the model root {subject.root}" if subject else "a model of other software"
        raise VerificationError(
            Reason.INVALID,
            f"signs {signed}, not {root}",
            hint=_hint_of_other(directory, root),
        )
    return found


def _hint_of_other(directory: Path, root: str) -> str:
    hint = "find out who put it here, or leave --model-root out to accept any"
    below = directory / root
    if root != "." and below.is_dir():
        place = shown(os.fsencode(below))
        return (
            f"`--dir {place}` verifies the model that lies there: with a bundle in --dir itself"
            f" --model-root says what that one signs\nor {hint}"
        )
    return hint


def require_plaintext(found: Opened) -> None:
    """Raises a `VerificationError` where a bundle is over ciphertext, not over files."""
    subject = found.subject
    if subject is not None and subject.role != PLAINTEXT:
        raise VerificationError(
            Reason.INVALID,
            f"signs ciphertext, as {CIPHERTEXT_SIGNATURE} does, and not these files",
            hint="`git model verify --encrypted` verifies ciphertext",
        )


def read(directory: Path, signature: str, links: Links | None = None) -> bytes:
    """Reads the bundle; below the directory links as told, elsewhere as asked.

    Raises:
        VerificationError: it is not there, or cannot be read.
    """
    is_path = bundle_place.is_path(signature)
    try:
        if is_path:
            # Not blocking: a named pipe may stand there.
            descriptor = os.open(signature, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        else:
            descriptor = _open_file(directory, os.fsencode(signature), links)
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise _malformed("not a regular file")
        with os.fdopen(descriptor, "rb") as file:
            return file.read(MAX_BYTES + 1)  # one more: `open_bundle` says that it is too long
    except FileNotFoundError as error:
        hint = _hint_of_absent(directory, signature)
        # A path is what the command line says, a name what has to be in the directory.
        reason = Reason.UNREADABLE if is_path else Reason.UNSIGNED
        raise VerificationError(reason, "there is no such file", hint=hint) from error
    except OSError as error:
        if error.errno == errno.ELOOP:
            if is_path:
                raise VerificationError(Reason.LINK, f"cannot read it: {_LOOP}") from error
            said, hint = links.fault(os.fsencode(signature)) if links else (_LINK, FOLLOW)
            raise VerificationError(
                Reason.LINK, f"cannot read it: {said}", hint=hint
            ) from error
        said = f"cannot read it: {messages.reason(error)}"
        raise VerificationError(Reason.UNREADABLE, said) from error


def _hint_of_absent(directory: Path, signature: str) -> str:
    if bundle_place.is_path(signature):
        return "--signature takes a name in DIR, or the path of a bundle from where you are"
    below = listing.models(listing.list_files(directory), signature)
    if not below:
        return "--signature ./FILE names one that lies elsewhere"
    named = ", ".join(map(shown, below[:_NAMED])) + (", …" if len(below) > _NAMED else "")
    one = shown(os.fsencode(directory / os.fsdecode(below[0])))
    return f"there are models below it ({named}): --all-models, or `--dir {one}` for one"


def _malformed(reason: str) -> VerificationError:
    return VerificationError(Reason.MALFORMED, f"cannot read it: {reason}")


def _open_file(directory: Path, name: bytes, links: Links | None) -> int:
    """Opens what stands at a name of the directory, or where it leads as far as told."""
    place = links.file(name) if links else None
    if links and place is not None:
        return worktree.open_file(Path(os.fsdecode(links.root)), place)
    return worktree.open_file(directory, name)


def list_left_out(
    opened: Opened, signed: Collection[bytes], *, with_git_paths: bool = True
) -> set[bytes]:
    """Returns what a bundle leaves out of the files that it signs.

    One of other software leaves out what is Git's at the top, whatever it says (OMS 1.0,
    6.2.1), unless it signs it, which model_signing does when it is told to; or unless who
    verifies asks for all that the bundle itself does not name (`with_git_paths`).
    """
    named = {os.fsencode(path) for path in opened.manifest.ignore_paths}
    if opened.subject is not None or not with_git_paths:
        return named
    tops = {name.split(b"/", 1)[0] for name in signed}
    return named | ({name.encode() for name in STOCK_IGNORED} - tops)


def find_others(names: Collection[bytes], read: Callable[[bytes], bytes]) -> set[bytes]:
    """Returns the files among those at the top that are signatures or attestations of others.

    Whoever signs a model a second time puts one beside the first. By name and content they
    are that alone: by either of them only, a file to be loaded could pass for one. `read`
    raises an `Error` or `OSError` for what is no file, or cannot be read.
    """
    there = (name for name in names if b"/" not in name and is_called_one(name))
    return {name for name in there if _is_other(name, read)}


def is_called_one(name: bytes) -> bool:
    """Tells whether a file is called as a signature or an attestation is."""
    return name.endswith(_SUFFIXES)


def _is_other(name: bytes, read: Callable[[bytes], bytes]) -> bool:
    with contextlib.suppress(OSError, Error):
        data = read(name)
        for one in data.splitlines() if name.endswith(_LINES) else [data]:
            dsse.require_bare(dsse.parse(one))
        return bool(data)
    return False


def find_disguised(
    directory: Path,
    there: Mapping[bytes, int],
    places: Collection[bytes],
    links: Links | None = None,
) -> set[bytes]:
    """Returns the places of bundles where something else stands: nobody would look there.

    Args:
        there: what stands at names that are left out, with its modes.
        places: which of them have to be bundles; the others regular files.
    """
    odd = {name for name in there.keys() & BUNDLES if not stat.S_ISREG(there[name])}
    named = there.keys() & places
    return odd | {name for name in named if not is_bundle(directory, name, links)}


def is_bundle(directory: Path, name: bytes, links: Links | None) -> bool:
    """Tells whether a bundle stands at a name of a directory, whoever signed it."""
    with contextlib.suppress(OSError, VerificationError):
        dsse.parse(read_file(directory, name, links))
        return True
    return False


def read_file(directory: Path, name: bytes, links: Links | None) -> bytes:
    """Reads what stands at a name of a directory; one byte more than a bundle may have.

    Raises:
        OSError: it is no regular file, or cannot be read.
    """
    with os.fdopen(_open_file(directory, name, links), "rb") as file:
        return file.read(MAX_BYTES + 1)
