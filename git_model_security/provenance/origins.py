"""Where foreign commits have blobs, or others of the same plaintext (clause 3 c)."""

from __future__ import annotations

import contextlib
from collections import defaultdict
from typing import TYPE_CHECKING

from git_model_security.content import reader
from git_model_security.errors import Error

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from git_model_security.clone.clone import Clone
    from git_model_security.provenance.commits import Commits


class Origins:
    """Where foreign commits have blobs, or others of their plaintext; and those that stand."""

    def __init__(self, commits: Commits, oids: Iterable[str]) -> None:
        alike = _find_alike(commits.clone, list(oids))
        rows = commits.clone.provenance.brought(
            {one for same in alike.values() for one in same}
        )
        self._bad: dict[str, dict[tuple[bytes, int], int]] = defaultdict(dict)
        self._good: dict[str, set[tuple[bytes, int]]] = defaultdict(set)
        for oid, same in alike.items():
            for one in same:
                for path, mode, commit, when in rows.get(one, ()):
                    if commit is not None and commits.is_made_here(commit):
                        continue
                    if commit is None or not commits.stands(commit):
                        known = self._bad[oid]
                        known[path, mode] = max(when, known.get((path, mode), 0))
                    elif one == oid:
                        self._good[oid].add((path, mode))

    @property
    def standing(self) -> set[str]:
        """Those blobs that a commit has which stands."""
        return set(self._good)

    def bad(self, oid: str) -> dict[tuple[bytes, int], int]:
        """Returns the paths and modes at which foreign commits have it, and when they came."""
        return self._bad.get(oid, {})

    def good(self, oid: str) -> set[tuple[bytes, int]]:
        """Returns the paths and modes at which commits that stand have it."""
        return self._good.get(oid, set())


def _find_alike(clone: Clone, oids: Sequence[str]) -> dict[str, set[str]]:
    """Returns the blobs of each one's plaintext: it, under another key or storage, in clear."""
    clone.digests.recall(oids)
    found = {oid: {oid} for oid in oids}
    for oid, others in clone.digests.alike(oids).items():
        found[oid] |= others
        known = clone.digests.get(oid)
        if known is not None and clone.provenance.has_length(known.length):
            with contextlib.suppress(Error):  # it does not open, or is not here
                found[oid].add(reader.clear_oid(clone, oid))
    return found
