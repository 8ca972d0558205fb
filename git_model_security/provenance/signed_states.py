"""What commits sign, compared: who pushes can have one signed state in many commits.

Their trees may differ in the signatures, which say the same in other bytes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_model_security.clone.provenance import NOTHING
from git_model_security.errors import Error
from git_model_security.git.index import Entry
from git_model_security.policy import gitmodel
from git_model_security.verification import manifests

if TYPE_CHECKING:
    from collections.abc import Sequence

    from git_model_security.policy.gitmodel import Policy
    from git_model_security.provenance.commits import Commits


class SignedStates:
    """The signed states of commits; each is read once."""

    def __init__(self, commits: Commits) -> None:
        self._commits = commits
        self._known: dict[str, tuple[Policy | None, list[Entry]]] = {}

    def is_alike(self, one: str, other: str, paths: Sequence[bytes]) -> bool:
        """Tells whether two commits sign the same.

        Args:
            paths: where they most likely differ: they are compared first.
        """
        at = self._commits.at
        if any(at(one, path) != at(other, path) for path in (gitmodel.NAME, *paths[:4])):
            return False
        _, entries = self._of(one)
        return bool(entries) and entries == self._of(other)[1]

    def signature_paths(self, commit: str) -> set[bytes]:
        """Returns where a commit has its signatures; nowhere without a policy."""
        policy, _ = self._of(commit)
        return policy.signature_paths() if policy else set()

    def _of(self, commit: str) -> tuple[Policy | None, list[Entry]]:
        if commit not in self._known:
            held = self._commits.facts(commit)
            entries = [Entry(path, *fact) for path, fact in held.items() if fact != NOTHING]
            try:
                policy = gitmodel.find(entries, self._commits.clone.objects)
            except Error:
                policy = None
            signed = manifests.signed_entries(policy, entries) if policy else []
            self._known[commit] = policy, signed
        return self._known[commit]
