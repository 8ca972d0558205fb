"""What a signer may vouch for without being asked: signing never launders.

A staged entry is vouched for when it was cleaned or adopted here since the last
commit, or when a parent whose signatures verify under the pinned trust holds it.
A file that is new at its path may also be a blob which such a parent holds at
another path: a rename or a copy. What our merge driver made counts when every
parent's signatures hold. Files outside the filter are not cleaned, nor are empty
ones, so staging a change against every parent is the act that counts for them.

Everything else came from somebody, and only a person may decide for it:
`git model sign --adopt`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_model_security.git import history, index
from git_model_security.git.objects import blob_hash

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from git_model_security.filter.clone import Clone
    from git_model_security.filter.provenance import Pair
    from git_model_security.git.index import Entry
    from git_model_security.git.repository import Repository


def sources(repo: Repository, *, amend: bool = False) -> list[str]:
    """Returns the trees that the commit to be may carry content on from.

    The trees of its parents, and:

    - with `amend`, that of HEAD itself, whose place it takes;
    - the tip that a rebase or reset left (`ORIG_HEAD`), so that squashing and
      rewriting one's own signed work needs no one's leave. A tip that HEAD descends
      from is what a pull left behind: old content, which vouches for nothing;
    - what is being cherry-picked.

    Each counts only as far as its own signatures hold.
    """
    commits = history.parents_to_be(repo)
    head = commits[0] if commits else None
    if amend and head is not None:
        commits = [*repo.git("rev-parse", "HEAD^@").decode().split(), *commits]
    before = index.resolve(repo, "ORIG_HEAD^{commit}")
    if before is not None and head is not None:
        base = repo.git("merge-base", before, head, accept=(0, 1)).decode().strip()
        if base != before:
            commits.append(before)
    picked = index.resolve(repo, "CHERRY_PICK_HEAD^{commit}")
    if picked is not None:
        commits.append(picked)
    trees = (index.require(repo, f"{commit}^{{tree}}") for commit in commits)
    return list(dict.fromkeys(trees))


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
    judged = list(parents)
    for tree, good in judged:
        pairs = {(entry.path, entry.oid) for entry in index.tree(clone.repo, tree)}
        if good:
            verified |= pairs
        else:
            foreign |= pairs
    old_paths = {path for path, _ in verified | foreign}
    old_blobs = {oid for _, oid in verified}
    made_here = clone.provenance.made_here()
    empty = blob_hash(clone.repo.object_format, 0).hexdigest()
    if all(good for _, good in judged):
        made_here |= clone.provenance.merged_here()

    def is_vouched(entry: Entry) -> bool:
        pair = (entry.path, entry.oid)
        if pair in verified or pair in made_here:
            return True
        if entry.path not in old_paths and entry.oid in old_blobs:
            return True
        is_filtered = entry.path in guarded and entry.oid != empty
        return not is_filtered and pair not in foreign

    return [entry for entry in entries if not is_vouched(entry)]
