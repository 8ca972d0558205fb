"""Whether a commit has a signed state that was signed elsewhere (clause 2).

A signature is over a tree, and not over what that follows. So a stranger can put an older
state, or a colleague's draft, on top of the newest one, and it stands, as a colleague's revert
does. As a whole that is a state which somebody signed; but of what is made of it without a
signature a stranger chose the files. So what such a commit passes on is what it would without
its signature.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_model_security.git import history

if TYPE_CHECKING:
    from collections.abc import Mapping

    from git_model_security.git.trees import Fact
    from git_model_security.provenance.commits import Commits


class Returns:
    """The commits that stand for what was signed elsewhere; each is looked at once."""

    def __init__(self, commits: Commits) -> None:
        self._commits = commits
        self._known: dict[str, bool] = {}

    def has(self, commit: str) -> bool:
        """Tells whether a commit that stands is one of them.

        None that was made here is: whoever makes it decides that. Nor is one whose parents
        are below the commit that was seen first with its state, and is here: an amended
        message, or what a host made of a signed branch.
        """
        if commit not in self._known:
            self._known[commit] = self._look(commit)
        return self._known[commit]

    def _look(self, commit: str) -> bool:
        commits = self._commits
        above = commits.parents(commit)
        # Where history is cut off nobody can tell what a commit was put on.
        if commits.is_made_here(commit) or not all(map(commits.is_here, above)):
            return False
        first = self._first(commit)
        return first is not None and any(
            not history.descends(commits.clone.repo, first, one) for one in above
        )

    def _first(self, commit: str) -> str | None:
        """Returns the commit that was seen first with the signed state of one."""
        commits, record = self._commits, self._commits.clone.provenance
        until = record.when_arrived(commit)
        signatures = sorted(commits.states.signature_paths(commit))
        if until is None or not signatures:
            return None
        now = {path: commits.at(commit, path) for path in commits.changed(commit)}
        new = {path: fact for path, fact in now.items() if path not in signatures}
        # It was not there before all that this commit has was.
        since = self._since(new)
        telling = sorted(new) or [*commits.facts(commit)]
        for one in record.list_bringing(signatures[0], since, until) if since < until else ():
            if commits.is_here(one) and commits.states.is_alike(commit, one, telling):
                return one
        return None

    def _since(self, placed: Mapping[bytes, Fact]) -> int:
        """Returns when all of this had been seen at its path."""
        brought = self._commits.clone.provenance.brought({oid for _, oid in placed.values()})
        first = (
            min((at.when for at in brought.get(oid, ()) if at[:2] == (path, mode)), default=0)
            for path, (mode, oid) in placed.items()
        )
        return max(first, default=0)
