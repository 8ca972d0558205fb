"""What becomes of a signature that lies beside the files of IBM's model-encryption.

Its `sign+encrypt` signs the plaintext, which holds again once that is there. Its
`encrypt+sign` signs the .enc files, and then their import takes away what is signed.
"""

from __future__ import annotations

import enum
import os
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from git_model_security import messages
from git_model_security.content import blob, enc_file
from git_model_security.errors import ConfigError, PolicyError, Reason, VerificationError
from git_model_security.git import worktree
from git_model_security.git.paths import shown
from git_model_security.signing import bundle, dsse, statement
from git_model_security.signing.roles import STOCK_SIGNATURE
from git_model_security.verification import (
    bundle_place,
    directory_bundle,
    file_digests,
    listing,
)
from git_model_security.verification.compare import compare
from git_model_security.verification.kinds import Kind

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from git_model_security.directories.selection import File, Selection
    from git_model_security.signing.methods import Verifier


class Signs(enum.Enum):
    """What a bundle claims to be over, of which nothing is proven."""

    NOTHING = "nothing"
    PLAINTEXT = "plaintext"
    CIPHERTEXT = "ciphertext"


class Signature(NamedTuple):
    """The bundle that may lie beside .enc files, and who may have signed it.

    Attributes:
        word: what `--signature` says (`bundle_place`); None is model.sig, if it is there.
        signers: of whom one has to have signed the .enc files; empty asks for none.
    """

    word: str | None = None
    signers: Sequence[Verifier] = ()

    @property
    def name(self) -> str:
        """The word for it."""
        return self.word or STOCK_SIGNATURE

    def own_name(self, top: Path) -> bytes:
        """Returns its path from the directory."""
        return bundle_place.own_name(top, self.name)

    def read(self, top: Path) -> bytes | None:
        """Returns one in clear, one byte more than it may have; None where there is none.

        Raises:
            ConfigError: one was named, and cannot be read.
        """
        place = Path(self.name) if bundle_place.is_path(self.name) else top / self.name
        try:
            there = worktree.head(place.parent, os.fsencode(place.name), dsse.MAX_BYTES + 1)
        except OSError as error:
            if self.word is None:
                return None
            reason = messages.reason(error)
            raise ConfigError(f"{shown(bytes(place))}: cannot be read: {reason}") from error
        if there is None or blob.is_sealed(there[1][: blob.HEAD_BYTES]):
            return None
        return there[1]


USUAL: Final = Signature()


def claim(top: Path, files: Sequence[File], signature: Signature) -> Signs:
    """Returns what the bundle of a directory claims to be over: these files, or others.

    One in clear: one that was encrypted too is of the plaintext, and a file as any other.

    Args:
        top: the directory.
        files: of it.
        signature: which bundle.

    Raises:
        ConfigError: a bundle that was named cannot be read.
    """
    data = signature.read(top)
    if data is None:
        return Signs.NOTHING
    try:
        signed = statement.parse(dsse.parse(data).payload).by_path()
    except VerificationError:
        return Signs.NOTHING
    is_over_them = any(file.path in signed for file in files)
    return Signs.CIPHERTEXT if is_over_them else Signs.PLAINTEXT


def require_kept(signature: Signature) -> None:
    """Raises since the files that a bundle signs would go.

    Raises:
        PolicyError: always.
    """
    name = signature.name
    raise PolicyError(
        f"{name} signs the .enc files: once these are gone nobody can check it",
        hint="--public-key FILE, or whatever describes the signer, checks it before\n"
        "or --output DIR leaves it and them as they are\n"
        f"or remove {name}, if nobody needs it",
    )


class Signed(NamedTuple):
    """What was signed of the .enc files, whose bytes may be others when they are read again.

    Attributes:
        digest: the algorithm.
        shard_bytes: length of the parts that digests are of; None where they are of files.
        files: digests by path.
    """

    digest: str
    shard_bytes: int | None
    files: Mapping[bytes, bytes]

    def begin(self) -> file_digests.Running:
        """Returns what takes in the bytes of one of them; see `require`."""
        return file_digests.begin(self.digest, self.shard_bytes)

    def require(self, path: bytes, read: file_digests.Running) -> None:
        """Raises unless the bytes that were read are those that were signed.

        Raises:
            VerificationError: `TAMPERED`: somebody exchanged the file meanwhile.
        """
        if self.files[path] != read.digest():
            raise VerificationError(
                Reason.TAMPERED,
                f"{shown(path)}: was exchanged after it was verified, and is not taken over",
                hint="find out who changes it, and run the same again",
            )


def require_holds(found: Selection, files: Sequence[File], signature: Signature) -> Signed:
    """Verifies the bundle over .enc files, and that all of them are there as it signs.

    What a run that was interrupted took over already lies beside them: it is compared with
    what comes of them, since nothing but that proves it.

    Args:
        found: what is there.
        files: the .enc files of it.
        signature: which bundle, and who may have signed.

    Raises:
        VerificationError: the bundle does not hold, or a file is not as it was signed.
        PolicyError: there is no such bundle.
    """
    data = signature.read(found.top)
    if data is None or claim(found.top, files, signature) is not Signs.CIPHERTEXT:
        raise PolicyError(
            f"no {signature.name} signs the .enc files",
            hint="leave the signer out, and verify after `git model decrypt`:"
            " `git model verify --dir DIR --public-key FILE`",
        )
    opened = bundle.open_bundle(data, signature.signers)
    directory_bundle.require_plaintext(opened)
    manifest = opened.manifest
    signed = manifest.by_path()
    others = {file.path.removesuffix(enc_file.SUFFIX) for file in files}
    ignored = {path.encode("utf-8", "surrogateescape") for path in manifest.ignore_paths}
    others.add(signature.own_name(found.top))
    there = {
        file.path
        for file in found.files
        if file.path not in others and not _is_below(file.path, ignored)
    }
    there.update(file.path for file in files)  # though the signer may have left them out
    actual = file_digests.digests(
        found.top, signed.keys() | there, manifest.digest, shard_bytes=manifest.shard_bytes
    )
    name = signature.name
    for kind, names in compare(signed, actual).items():
        raise VerificationError(
            kind.reason,
            f"{shown(min(names))}: {kind.detail}, says {name}",
            hint=_hint_of_missing(name)
            if kind is Kind.MISSING
            else "`git model verify --dir DIR` shows all that differs",
        )
    return Signed(manifest.digest, manifest.shard_bytes, signed)


def _hint_of_missing(name: str) -> str:
    return (
        "bring it back from another copy: what may have come of it proves nothing\n"
        f"or remove {name} and leave the signer out, and sign what `git model decrypt` writes"
    )


def _is_below(path: bytes, places: Collection[bytes]) -> bool:
    return any(one in places for one in (*listing.above(path), path))
