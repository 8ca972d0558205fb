"""Signed against actual: the one comparison of digests, whatever they are of.

`tree_check`, `worktree_check`, `directory_check` and `models_check` say where the digests
come from. What stands at a name that differs is for them to look at: a link, a pointer, a
conversion by Git get a finer kind.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_model_security.verification.kinds import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from git_model_security.trust.verdict import Finding

Found = dict[Kind, set[bytes]]
"""Names by how they differ."""


def compare(signed: Mapping[bytes, bytes], actual: Mapping[bytes, bytes]) -> Found:
    """Returns the names whose digests differ: `CHANGED`, `MISSING` or `EXTRA`.

    Args:
        signed: digests by name, as a bundle has them that a trusted signer signed.
        actual: digests by name of what is there, by the same algorithm; another word where
            what stands there has none.
    """
    if signed == actual:  # mostly, and Python tells it faster than name by name
        return {}
    common = signed.keys() & actual.keys()
    found = {
        Kind.CHANGED: {name for name in common if signed[name] != actual[name]},
        Kind.MISSING: signed.keys() - common,
        Kind.EXTRA: actual.keys() - common,
    }
    return {kind: names for kind, names in found.items() if names}


def tell(found: Found, root: str = ".") -> Iterator[Finding]:
    """Yields what differs in a model root."""
    return (kind.finding(found[kind], root) for kind in Kind if found.get(kind))
