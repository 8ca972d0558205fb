"""The manifest over ciphertext: what a mirror can verify without an AES key.

Pure; docs/SPEC.md, "Signatures: manifests".
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from git_model_security.signing import names, roles
from git_model_security.signing.manifest import Manifest

if TYPE_CHECKING:
    from collections.abc import Iterable


def ciphertext_manifest(
    root: str, entries: Iterable[tuple[bytes, bytes]], tree_listing: bytes
) -> Manifest:
    """Returns the manifest of a model root's ciphertext.

    Args:
        root: the model root, `.` for the top.
        entries: each path relative to the root, and the SHA-256 of what Git or LFS
            stores for it: of the blob (inline), or the pointer's oid (LFS).
        tree_listing: the canonical `git ls-tree -rz` of the whole tree without the
            bundles over ciphertext. It covers modes, links, attributes and dotfiles,
            so no path is ignored, and a root without files is worth signing too.

    Raises:
        PolicyError: a name that cannot be signed.
    """
    items = {names.from_path(path): digest for path, digest in entries}
    items[roles.TREE_ITEM] = hashlib.sha256(tree_listing).digest()
    return Manifest(str(roles.Subject(roles.CIPHERTEXT, root)), "sha256", items)
