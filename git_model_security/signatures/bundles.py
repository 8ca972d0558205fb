"""The two bundles of each model root: of what they are made, in which order, and by whom."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, NamedTuple

from git_model_security import telemetry
from git_model_security.clone.digests import PlaintextHash
from git_model_security.content import blobs
from git_model_security.git.hash_object import blob_oid
from git_model_security.policy.gitmodel import CIPHERTEXT_SIGNATURE, within
from git_model_security.trust import pinned_trust
from git_model_security.verify import manifests

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from git_model_security.clone.clone import Clone
    from git_model_security.git.index import Entry
    from git_model_security.policy.gitmodel import Policy
    from git_model_security.signing.manifest import Manifest
    from git_model_security.signing.methods import Signer


class Bundle(NamedTuple):
    """A bundle that was made, and is in no repository yet.

    Attributes:
        content: the bundle.
        blob: what stands for it in Git: an envelope, where it is sealed.
        oid: of that blob.
    """

    content: bytes
    blob: bytes
    oid: str


def sign_roots(
    clone: Clone,
    policy: Policy,
    entries: Mapping[bytes, Entry],
    put: Callable[[bytes, Manifest, bool], None],
    signed: Callable[[str], bytes | None] | None = None,
) -> None:
    """Has both bundles of each model root put among the entries.

    The bundles over ciphertext cover those over plaintext, so they come after all of them.

    Args:
        clone: the clone.
        policy: which roots there are.
        entries: of an index or a tree, by path; `put` changes them.
        put: puts the bundle over a manifest among them, at a path; sealed, or in clear.
        signed: see `manifests.plaintext`.

    Raises:
        Error: a blob cannot be opened, or the signer fails.
    """
    for root in policy.roots:
        made = manifests.plaintext(clone, policy, root, _sorted(entries), policy.digest, signed)
        if made is not None:
            put(within(root, policy.signature), made, True)
    for root in policy.roots:
        made = manifests.sealed(clone, policy, root, _sorted(entries))
        put(within(root, CIPHERTEXT_SIGNATURE), made, False)


def maker(signer: Signer, manifest: Manifest) -> str:
    """Returns what is remembered of a bundle, to know that it need not be made again."""
    # Not by name: a renewed certificate has the same one, and signs anew.
    return f"{signer.identity.fingerprint} {manifest.fingerprint}"


def make(clone: Clone, signer: Signer, manifest: Manifest, *, is_sealed: bool) -> Bundle:
    """Signs a manifest, and remembers what the bundle is and who made it."""
    with telemetry.span("sign"):
        content = signer.sign(manifest)
    blob = blobs.seal(clone, content) if is_sealed else content
    oid = blob_oid(clone.repo.object_format, blob)
    if is_sealed:
        running = PlaintextHash(clone.digest)
        running.update(content)
        sealed = hashlib.sha256(blob).digest()
        clone.digests.put(oid, running.digests(clone.ring.current.id, sealed))
    pinned_trust.remember_maker(clone, oid, maker(signer, manifest))
    return Bundle(content, blob, oid)


def _sorted(entries: Mapping[bytes, Entry]) -> list[Entry]:
    return [entries[path] for path in sorted(entries)]
