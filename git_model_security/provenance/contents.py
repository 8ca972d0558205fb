"""What trees hold, also those that are malformed or not here: as far as anybody can say.

Of a path that a tree has twice Git writes one, and which is not for a rule to say. Of a tree
that cannot be read all is unclear that the index has.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from typing import TYPE_CHECKING

from git_model_security.clone.provenance import NOTHING
from git_model_security.errors import GitError
from git_model_security.git import index, trees

if TYPE_CHECKING:
    from git_model_security.git.repository import Repository
    from git_model_security.git.trees import Fact

_UNCLEAR = -1
"""In place of a mode, with the tree: what nobody can say, and is like nothing elsewhere."""


class Contents:
    """What trees hold, by path."""

    def __init__(self, repo: Repository) -> None:
        self._repo = repo
        self._flat: dict[str, dict[bytes, Fact]] = {}

    def at(self, tree: str, path: bytes) -> Fact:
        """Returns what a tree has at a path."""
        if tree not in self._flat:
            with contextlib.suppress(GitError):
                return self._repo.trees.at(tree, path) or NOTHING
        return self._flattened(tree).get(path, NOTHING)

    def facts(self, tree: str) -> dict[bytes, Fact]:
        """Returns all that a tree holds."""
        if tree not in self._flat:
            with contextlib.suppress(GitError):
                return trees.facts(self._repo.trees.entries(tree))
        return self._flattened(tree)

    def differences(self, old: str | None, new: str) -> dict[bytes, Fact]:
        """Returns the paths in which trees differ, with what the old one has there."""
        with contextlib.suppress(GitError):
            changes = self._repo.trees.changes(old, new)
            return {path: before or NOTHING for path, before, _ in changes}
        before, after = (self._flattened(one) if one else {} for one in (old, new))
        return {
            path: before.get(path, NOTHING)
            for path in before.keys() | after.keys()
            if before.get(path) != after.get(path) or after[path][0] == _UNCLEAR
        }

    def _flattened(self, tree: str) -> dict[bytes, Fact]:
        if tree not in self._flat:
            try:
                entries = self._repo.trees.entries(tree)
            except GitError:
                unknown = (entry.path for entry in index.staged(self._repo))
                self._flat[tree] = dict.fromkeys(unknown, (_UNCLEAR, tree))
                return self._flat[tree]
            counts = Counter(entry.path for entry in entries)
            twice = (path for path, count in counts.items() if count > 1)
            self._flat[tree] = trees.facts(entries) | dict.fromkeys(twice, (_UNCLEAR, tree))
        return self._flat[tree]
