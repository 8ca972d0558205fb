"""The two manifests of a model root, made from entries of an index or a tree.

The plaintext manifest becomes `model.sig`, the ciphertext manifest
`.model-encrypted.sig` (docs/SPEC.md, "Signatures").
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_model_security.content import reader
from git_model_security.errors import (
    EnvelopeError,
    KeyNotFoundError,
    NotFetchedError,
)
from git_model_security.git.paths import shown
from git_model_security.policy.gitmodel import CIPHERTEXT_SIGNATURE, within
from git_model_security.signing.manifest import (
    ciphertext_manifest,
    plaintext_manifest,
    tree_digest,
)
from git_model_security.signing.roles import TREE_ITEM, leave_out
from git_model_security.verification.model_roots import under, unsignable

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from git_model_security.clone.clone import Clone
    from git_model_security.git.index import Entry
    from git_model_security.policy.gitmodel import Policy
    from git_model_security.signing.manifest import Manifest


def make_plaintext(
    clone: Clone,
    policy: Policy,
    root: str,
    entries: Iterable[Entry],
    digest: str,
    signed: Callable[[str], bytes | None] | None = None,
) -> Manifest | None:
    """Returns the manifest over what a root's files hold after decryption.

    None when there is no file under the root yet. Of a blob whose object is not here
    `signed` gives the plaintext digest, where a trusted signature holds for it.

    Raises:
        PolicyError: a link stands under the root.
        Error: a blob does not open, or is not here.
    """
    below = list(leave_out(under(root, entries), policy.signature))
    if not below:
        return None
    _require_files(below)
    recalled = clone.digests.recall(entry.oid for _, entry in below)
    known = {oid: one.get(digest) for oid, one in recalled.items()}
    items = [
        (name, known.get(entry.oid) or _plaintext_digest(clone, entry, digest, signed))
        for name, entry in below
    ]
    top = clone.repo.work_tree
    return plaintext_manifest(root, digest, items, policy.signature, top.name if top else "")


def _plaintext_digest(
    clone: Clone, entry: Entry, digest: str, signed: Callable[[str], bytes | None] | None
) -> bytes:
    try:
        return reader.digests(clone, entry.oid, digest).by_name(digest)
    except (EnvelopeError, KeyNotFoundError, NotFetchedError) as error:
        is_absent = isinstance(error, NotFetchedError)
        claimed = signed(entry.oid) if signed and is_absent else None
        if claimed is None:
            said = f"{shown(entry.path)}: {error}"
            raise type(error)(said, hint=error.hint) from error
        return claimed


def by_oid(
    root: str, entries: Iterable[Entry], signed: Mapping[str, bytes]
) -> dict[str, bytes]:
    """Returns what was signed of names by the blobs that stand there."""
    return {
        entry.oid: digest
        for name, entry in under(root, entries)
        if (digest := signed.get(name.decode("utf-8", "surrogateescape")))
    }


def make_ciphertext(
    clone: Clone,
    policy: Policy,
    root: str,
    entries: Sequence[Entry],
    chosen: Collection[bytes] | None = None,
    signed: Callable[[str], bytes | None] | None = None,
) -> Manifest:
    """Returns the manifest over a root's blobs, and over the listing of the whole tree.

    Needs no key. Of the blobs those at `chosen` paths alone are in it, if that is given. Of
    a blob whose object is not here `signed` gives the root, where a trusted signature holds
    for it; else it has none.

    Raises:
        PolicyError: a link stands under the root.
    """
    own = CIPHERTEXT_SIGNATURE.encode()
    below = [
        (name, entry)
        for name, entry in under(root, entries)
        if name != own and (chosen is None or entry.path in chosen)
    ]
    _require_files(below)
    recalled = clone.digests.recall(entry.oid for _, entry in below)
    items: list[tuple[bytes, bytes]] = []
    roots: dict[bytes, bytes] = {}
    for name, entry in below:
        known = reader.recalled(recalled.get(entry.oid))
        sha256, found, is_here = known or reader.ciphertext(clone, entry.oid)
        if signed is not None and not is_here:
            found = signed(entry.oid)
        items.append((name, sha256))
        if found is not None:
            roots[name] = found
    return ciphertext_manifest(root, items, _listing(policy, entries), roots)


def lists(signed: Manifest, policy: Policy, entries: Sequence[Entry]) -> bool:
    """Tells whether a manifest of ciphertext is of a tree that lists just these blobs."""
    return signed.files().get(TREE_ITEM) == tree_digest(_listing(policy, entries))


def _listing(policy: Policy, entries: Iterable[Entry]) -> bytes:
    """Returns what is signed of a tree, as `git ls-tree -rz` lists it."""
    return b"".join(entry.listing for entry in signed_entries(policy, entries))


def signed_entries(policy: Policy, entries: Iterable[Entry]) -> list[Entry]:
    """Returns the entries of a tree that each bundle over ciphertext signs.

    All of these bundles are left out, not only the one being made: two roots would have
    to sign each other's signature.
    """
    left_out = {within(root, CIPHERTEXT_SIGNATURE) for root in policy.roots}
    return [entry for entry in entries if entry.path not in left_out]


def _require_files(below: Iterable[tuple[bytes, Entry]]) -> None:
    for _, entry in below:
        if not entry.is_file:
            raise unsignable(entry)
