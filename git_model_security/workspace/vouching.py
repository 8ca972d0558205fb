"""What a signer may vouch for without being asked: signing never launders.

A staged entry is vouched for when it was cleaned or adopted here since the last
commit, or when a parent whose signatures verify under the pinned trust holds it.
A file that is new at its path may also be a blob which such a parent holds at
another path: a rename or a copy. Files outside the filter are not cleaned, so
staging a change against every parent is the act that counts for them.

Everything else came from somebody, and only a person may decide for it:
`git model sign --adopt`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_model_security.git import index

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from git_model_security.filter.clone import Clone
    from git_model_security.filter.provenance import Pair
    from git_model_security.git.index import Entry


def unvouched(
    clone: Clone,
    entries: Sequence[Entry],
    guarded: set[bytes],
    parents: Iterable[tuple[str, bool]],
) -> list[Entry]:
    """Returns the entries that nobody vouches for.

    Args:
        clone: the clone.
        entries: what is to be signed, without the signatures themselves.
        guarded: the paths that pass the filter.
        parents: the parents' tree oids, and whether each one's signatures hold.
    """
    verified: set[Pair] = set()
    foreign: set[Pair] = set()
    for tree, good in parents:
        pairs = {(entry.path, entry.oid) for entry in index.tree(clone.repo, tree)}
        if good:
            verified |= pairs
        else:
            foreign |= pairs
    old_paths = {path for path, _ in verified | foreign}
    old_blobs = {oid for _, oid in verified}
    made_here = clone.provenance.made_here()

    def is_vouched(entry: Entry) -> bool:
        pair = (entry.path, entry.oid)
        if pair in verified or pair in made_here:
            return True
        if entry.path not in old_paths and entry.oid in old_blobs:
            return True
        return entry.path not in guarded and pair not in foreign

    return [entry for entry in entries if not is_vouched(entry)]
