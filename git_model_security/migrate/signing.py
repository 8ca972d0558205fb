"""Signs what refs will hold: both bundles of each model root, over a tree to be."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from git_model_security.errors import Error, KeyNotFoundError, PolicyError
from git_model_security.git import index
from git_model_security.git.hash_object import write_blob
from git_model_security.git.index import REGULAR, Entry
from git_model_security.git.paths import shown
from git_model_security.policy import gitmodel
from git_model_security.signatures import signatures, signers
from git_model_security.verify import tree_check

if TYPE_CHECKING:
    from collections.abc import Iterable

    from git_model_security.clone.clone import Clone
    from git_model_security.migrate.rewriting import Rewriting
    from git_model_security.signing.manifest import Manifest
    from git_model_security.signing.methods import Signer


@dataclass
class Tip:
    """A commit that a ref names, as it will be.

    Attributes:
        tree: all its entries.
        signatures: the entries that are put in for its signatures.
        before: what stood in their places, or None for nothing.
        unsigned: why it is not signed; empty when it is.
    """

    tree: dict[bytes, Entry]
    signatures: dict[bytes, Entry] = field(default_factory=dict)
    before: dict[bytes, Entry | None] = field(default_factory=dict)
    unsigned: str = ""


def signed(clone: Clone, commits: Iterable[str], rewriting: Rewriting) -> dict[str, Tip]:
    """Signs the trees that these commits will have; a signature that holds is kept.

    Raises:
        KeyNotFoundError: this clone has no signing key.
    """
    signer = signers.signer(clone)
    if signer is None:
        raise KeyNotFoundError(
            "this clone has no signing key, and each ref will have to be signed",
            hint="`git model unlock --signing-key FILE` gives it one",
        )
    return {commit: _signed(clone, signer, commit, rewriting) for commit in commits}


def _signed(clone: Clone, signer: Signer, commit: str, rewriting: Rewriting) -> Tip:
    old = {entry.path: entry for entry in index.tree(clone.repo, commit)}
    tip = Tip(rewriting.tree(old.values()))
    tree = index.require(clone.repo, f"{commit}^{{tree}}")
    if tip.tree == old and tree_check.holds(clone, tree):
        return tip
    try:
        _sign(clone, signer, tip)
    except Error as error:
        # What no signature can cover, such as a link, stood there before us.
        tip.unsigned = str(error)
    for path, entry in tip.signatures.items():
        tip.before[path] = tip.tree.get(path)
        tip.tree[path] = entry
    return tip


def _sign(clone: Clone, signer: Signer, tip: Tip) -> None:
    policy = gitmodel.find(tip.tree.values(), clone.objects)
    assert policy is not None
    state = dict(tip.tree)
    made: dict[bytes, Entry] = {}

    def put(path: bytes, manifest: Manifest, is_sealed: bool) -> None:
        _require_room(state, path)
        bundle = signatures.make_bundle(clone, signer, manifest, is_sealed=is_sealed)
        write_blob(clone.repo, bundle.blob)
        made[path] = state[path] = Entry(path, REGULAR, bundle.oid)

    signatures.sign_roots(clone, policy, state, put)
    tip.signatures = made


def _require_room(entries: dict[bytes, Entry], path: bytes) -> None:
    parents = {path[:at] for at, byte in enumerate(path) if byte == ord("/")}
    if parents & entries.keys() or any(name.startswith(path + b"/") for name in entries):
        raise PolicyError(f"{shown(path)}: there is no room for the signature")
