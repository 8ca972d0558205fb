"""Manifests: names and digests, before they are signed and after they are verified.

Other software may have signed parts of files, which model_signing does on request and we
never do: then each item is a part, `PATH:START:END`, all of one length but a file's last.

Pure data, no I/O; docs/SPEC.md, "Signatures: manifests" and "Signatures: opening".
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import defaultdict
from itertools import pairwise
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal, NamedTuple, get_args

from git_model_security.errors import PolicyError
from git_model_security.messages import legible
from git_model_security.signing import roles
from git_model_security.signing.document import malformed

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Digest = Literal["sha256", "blake3"]
DIGESTS: tuple[Digest, ...] = get_args(Digest)
"""What git-model signs over."""
DIGEST_BYTES = {"sha256": 32, "blake3": 32, "blake2b": 64}
"""Of what any software signs over, by algorithm (OMS 1.0, algorithm registry)."""

_NUMBER = re.compile("0|[1-9][0-9]{0,18}")


class Manifest(NamedTuple):
    """What a bundle says: these names have these digests.

    Attributes:
        name: the signed name of the model, which proves nothing.
        digest: the algorithm of all items, one of `DIGEST_BYTES`.
        items: digest by name; names are relative to the model root.
        ignore_paths: names that a verifier leaves out of the comparison.
        shard_bytes: length of the parts of files that the items are of, as other
            software may have signed; None where they are files.
        allow_symlinks: what is signed was read through links, as other software may.
        subject: role and root, where it is a bundle of ours.
        roots: of envelopes, by names that are among the items: in a bundle over ciphertext.
    """

    name: str
    digest: str
    items: Mapping[str, bytes]
    ignore_paths: tuple[str, ...] = ()
    shard_bytes: int | None = None
    allow_symlinks: bool = False
    subject: roles.Subject | None = None
    roots: Mapping[str, bytes] = MappingProxyType({})

    @property
    def resources(self) -> Mapping[str, bytes]:
        """All that is signed, by the names that it has in the statement."""
        if not self.roots:
            return self.items
        named = {roles.ROOT_ITEM + name: root for name, root in self.roots.items()}
        return {**self.items, **named}

    @property
    def fingerprint(self) -> str:
        """SHA-256 of everything that is signed and proves something, in hexadecimal.

        A model of ours has another name in each clone, and is the same. ECDSA is
        randomised, so two bundles over one manifest differ: whether to sign anew is
        decided by this.
        """
        canonical = {
            "name": self.name if self.subject is None else str(self.subject),
            "digest": self.digest,
            "items": {name: digest.hex() for name, digest in self.items.items()},
            "ignore_paths": sorted(self.ignore_paths),
        }
        if self.roots:
            canonical["roots"] = {name: root.hex() for name, root in self.roots.items()}
        text = json.dumps(canonical, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode("ascii")).hexdigest()

    def by_path(self) -> dict[bytes, bytes]:
        """Returns what is signed of each file by its path; see `files`."""
        return {name.encode(): digest for name, digest in self.files().items()}

    def root_by_path(self) -> dict[bytes, bytes]:
        """Returns the signed roots of envelopes by the paths of their files."""
        return {name.encode(): root for name, root in self.roots.items()}

    def files(self) -> Mapping[str, bytes]:
        """Returns what is signed of each file: its digest, or those of its parts as one.

        A file without content has no part, and is not signed by parts.

        Raises:
            VerificationError: `MALFORMED`: the parts of a file leave something out of it.
        """
        if self.shard_bytes is None:
            return self.items
        parts: defaultdict[str, list[tuple[int, int, bytes]]] = defaultdict(list)
        for item, digest in self.items.items():
            name, start, end = _part(item)
            parts[name].append((start, end, digest))
        for name, found in parts.items():
            found.sort()
            _require_whole(name, [(start, end) for start, end, _ in found], self.shard_bytes)
        return {name: b"".join(digest for *_, digest in found) for name, found in parts.items()}


def plaintext_manifest(
    root: str,
    digest: str,
    items: Iterable[tuple[bytes, bytes]],
    signature_name: str = roles.STOCK_SIGNATURE,
    top: str = "",
) -> Manifest:
    """Returns the manifest of a model root's plaintext, without what `roles.is_ignored`.

    `top` is the name of the work tree's directory.

    Raises:
        PolicyError: a name that cannot be signed, or nothing to sign.
    """
    assert digest in DIGESTS, digest
    kept = {
        roles.name_of(path): value for path, value in roles.leave_out(items, signature_name)
    }
    if not kept:
        raise PolicyError(f"nothing to sign under {root}", hint="add the model's files first")
    subject = roles.Subject(roles.PLAINTEXT, root)
    return Manifest(
        name=subject.base_name(top),
        digest=digest,
        items=kept,
        ignore_paths=roles.ignore_paths(signature_name),
        subject=subject,
    )


def ciphertext_manifest(
    root: str,
    entries: Iterable[tuple[bytes, bytes]],
    tree_listing: bytes,
    roots: Mapping[bytes, bytes] = MappingProxyType({}),
) -> Manifest:
    """Returns the manifest of a model root's ciphertext.

    Each path comes with the SHA-256 of what Git or LFS stores for it: of the blob (inline), or
    the pointer's oid (LFS). The listing is the canonical `git ls-tree -rz` of the whole tree
    without the bundles over ciphertext: it covers modes, links, attributes and dotfiles, so no
    path is ignored, and a root without files is worth signing too. `roots` has of envelopes,
    by path, what commits to every byte for who has the key. Everybody can read it, so it
    has no name of a directory that Git does not have.

    Raises:
        PolicyError: a name that cannot be signed.
    """
    items, named = {}, {}
    for path, digest in entries:
        name = roles.name_of(path)
        items[name] = digest
        if path in roots:
            named[name] = roots[path]
    items[roles.TREE_ITEM] = tree_digest(tree_listing)
    subject = roles.Subject(roles.CIPHERTEXT, root)
    return Manifest(subject.base_name(), "sha256", items, subject=subject, roots=named)


def tree_digest(tree_listing: bytes) -> bytes:
    """Returns what a manifest of ciphertext has of the listing of the whole tree."""
    return hashlib.sha256(tree_listing).digest()


def _part(item: str) -> tuple[str, int, int]:
    # The last two: a file's name may hold colons (OMS 1.0, 6.3.2).
    name, *ends = item.rsplit(":", 2)
    # `int` takes more than digits: one form only.
    if len(ends) != 2 or not all(map(_NUMBER.fullmatch, ends)):
        raise malformed(f"signs what is no part of a file: {legible(item)}")
    return name, int(ends[0]), int(ends[1])


def _require_whole(name: str, parts: list[tuple[int, int]], shard_bytes: int) -> None:
    is_joined = all(end == start for (_, end), (start, _) in pairwise(parts))
    is_full = all(end - start == shard_bytes for start, end in parts[:-1])
    start, end = parts[-1]
    if not (parts[0][0] == 0 and is_joined and is_full and 0 < end - start <= shard_bytes):
        raise malformed(f"signs parts that leave something out of {legible(name)}")
