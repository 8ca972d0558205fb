"""Memory of a deploy clone: which files stand in trees that were released.

It counts under the trust of now only. What may be released is for `release` to know.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_model_security.deploy import verified_tips
from git_model_security.git import history, index, refs
from git_model_security.trust import pinned_trust

if TYPE_CHECKING:
    from collections.abc import Iterable

    from git_model_security.clone.clone import Clone
    from git_model_security.git.index import Entry

_RELEASED, _BYGONE = "released", "bygone"


class Released:
    """The files that may be written, wherever Git has them from."""

    def __init__(self, clone: Clone) -> None:
        self._clone = clone

    def has(self, path: bytes, oid: str) -> bool:
        """Tells whether a file stands in a tree that was released under the trust of now."""
        row = self._clone.memory.execute(
            "SELECT 1 FROM released WHERE path = ? AND oid = ? AND under = ?",
            (path, oid, self._under),
        )
        return row.fetchone() is not None

    def knows(self, oid: str) -> bool:
        """Tells whether a blob stands anywhere in a tree that was released."""
        row = self._clone.memory.execute(
            "SELECT 1 FROM released WHERE oid = ? AND under = ? LIMIT 1", (oid, self._under)
        )
        return row.fetchone() is not None

    def unknown(self, entries: Iterable[Entry]) -> list[Entry]:
        """Returns the entries that are, in just this mode, in no released tree."""
        rows = self._clone.memory.execute(
            "SELECT path, oid, mode FROM released WHERE under = ?", (self._under,)
        )
        known = set(rows)
        return [one for one in entries if (one.path, one.oid, one.mode) not in known]

    def was_verified(self, tree: str) -> bool:
        """Tells whether a tree was released once: it need not be verified again."""
        return tree in self._trees(_RELEASED, _BYGONE)

    def add(self, tree: str) -> None:
        """Releases the files of a tree."""
        if tree not in self._trees(_RELEASED):
            self._insert(tree)

    def forget_older(self) -> None:
        """Takes back the trees from before what is deployed, and the files of only these.

        Git does not always say which commit a file comes from (`read-tree --reset`,
        `revert`): there it is enough that a file is released.
        """
        repo = self._clone.repo
        # A branch that is gone may have been the last to hold its commit.
        kinds = history.peel(repo, verified_tips.all_of(repo))
        tips = [oid for kind, oid in kinds.values() if kind == "commit"]
        here = set(history.trees(repo, [*tips, *refs.read_heads(repo)]))
        older = history.trees_below(repo, tips) - here
        released = self._trees(_RELEASED)
        if not released & older:
            return
        # In this order: who is stopped in between releases what is needed once more.
        memory = self._clone.memory
        memory.execute(
            "UPDATE judged SET verdict = ? WHERE under = ?", (_BYGONE, f"tree {self._under}")
        )
        memory.execute("DELETE FROM released WHERE under = ?", (self._under,))
        for tree in released - older:
            self._insert(tree)

    def _insert(self, tree: str) -> None:
        under = self._under
        entries = index.tree(self._clone.repo, tree)
        rows = ((one.path, one.oid, one.mode, under) for one in entries)
        memory = self._clone.memory
        memory.execute_many("INSERT OR IGNORE INTO released VALUES (?, ?, ?, ?)", rows)
        memory.execute(
            "INSERT OR REPLACE INTO judged VALUES (?, ?, ?)", (tree, f"tree {under}", _RELEASED)
        )

    def _trees(self, *verdicts: str) -> set[str]:
        rows = self._clone.memory.execute(
            "SELECT subject, verdict FROM judged WHERE under = ?", (f"tree {self._under}",)
        )
        return {tree for tree, verdict in rows if verdict in verdicts}

    @property
    def _under(self) -> str:
        """What a release depends on: whom the clone trusts, and that it could open all."""
        depth = "sealed" if self._clone.ring.locked else "opened"
        return f"{depth} {pinned_trust.pinned(self._clone.repo).fingerprint}"
