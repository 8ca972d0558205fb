"""Manifests: names and digests, before they are signed and after they are verified.

Pure data, no I/O; docs/SPEC.md, "Signatures: manifests".
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

from git_model_security.errors import PolicyError
from git_model_security.signing import names, roles

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Digest = Literal["sha256", "blake3"]
DIGESTS: tuple[Digest, ...] = get_args(Digest)
DIGEST_BYTES = 32
"""Of both algorithms."""


@dataclass(frozen=True)
class Manifest:
    """What a bundle says: these names have these digests.

    Attributes:
        name: the signed subject name; see `roles.Subject`.
        digest: the algorithm of all items.
        items: digest by name; names are relative to the model root.
        ignore_paths: names that a verifier leaves out of the comparison.
        shard_bytes: length of the parts of files that the items are of, as other
            software may have signed (see `shards`); None where they are files.
    """

    name: str
    digest: Digest
    items: Mapping[str, bytes]
    ignore_paths: tuple[str, ...] = ()
    shard_bytes: int | None = None

    @property
    def fingerprint(self) -> str:
        """SHA-256 of everything that is signed, in hexadecimal.

        ECDSA is randomised, so two bundles over one manifest differ: whether to
        sign anew is decided by this.
        """
        canonical = {
            "name": self.name,
            "digest": self.digest,
            "items": {name: digest.hex() for name, digest in self.items.items()},
            "ignore_paths": sorted(self.ignore_paths),
        }
        text = json.dumps(canonical, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode("ascii")).hexdigest()


def plaintext_manifest(
    root: str,
    digest: str,
    items: Iterable[tuple[bytes, bytes]],
    signature_name: str = roles.STOCK_SIGNATURE,
) -> Manifest:
    """Returns the manifest of a model root's plaintext.

    Args:
        root: the model root, `.` for the top.
        digest: `sha256` or `blake3`.
        items: each path relative to the root, and its digest; ignored paths
            (`roles.is_ignored`) are left out here.
        signature_name: file name of the plaintext bundle.

    Raises:
        PolicyError: a name that cannot be signed, or nothing to sign.
    """
    assert digest in DIGESTS, digest
    kept = {
        names.from_path(path): value
        for path, value in items
        if not roles.is_ignored(path, signature_name)
    }
    if not kept:
        raise PolicyError(f"nothing to sign under {root}", hint="add the model's files first")
    return Manifest(
        name=str(roles.Subject(roles.PLAINTEXT, root)),
        digest=digest,
        items=kept,
        ignore_paths=roles.ignore_paths(signature_name),
    )
