"""Sticky clean: the index's blob stays where the plaintext does, in whatever shape it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_model_security.content import blobs
from git_model_security.errors import NotFetchedError

if TYPE_CHECKING:
    from git_model_security.clone.clone import Clone
    from git_model_security.clone.digests import Digests


def kept(clone: Clone, path: bytes, oid: str, new: Digests) -> str | None:
    """Returns the index's blob when it opens to the same plaintext in another shape.

    Key, storage and threshold may change while the plaintext does not: then the entry
    stays, or every file would show as modified for ever. Under the *same* key equal
    plaintext is the equal envelope, wherever it lives.
    """
    staged = clone.staged.get(path)
    if staged is None or staged == oid:
        return None
    key_id = blobs.key_id(clone, staged)
    if key_id is None:
        return staged if _is_clear_elsewhere(clone, path, staged, new) else None
    if key_id not in clone.ring.keys:
        return None
    if key_id == new.key_id:
        alike = blobs.sealed_sha256(clone, staged) == new.sealed_sha256
    else:
        alike = is_same(blobs.digests(clone, staged), new)
    return staged if alike else None


def _is_clear_elsewhere(clone: Clone, path: bytes, staged: str, new: Digests) -> bool:
    """Tells whether unchanged content is in Git in clear, by a policy not taken over here.

    Somebody pulled that `.gitmodel` with this very content, so nothing gets out by giving
    it back; and encrypted, it would show as modified for ever. What is changed here is
    encrypted, as the pinned policy says.
    """
    if path not in clone.claimed_clear:
        return False
    try:
        return is_same(blobs.digests(clone, staged), new)
    except NotFetchedError:
        return False


def is_same(one: Digests, other: Digests) -> bool:
    """Tells whether two plaintexts are known to be the same."""
    for name in ("sha256", "blake3"):
        value = one.get(name)
        if value is not None and value == other.get(name):
            return one.length == other.length
    return False
