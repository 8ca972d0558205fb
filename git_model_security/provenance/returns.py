"""What a commit brought that holds a signed state of another one (clause 2).

A signature is over a tree, and not over what that follows. So a stranger can put an older
state, or a colleague's draft, on top of the newest one, and it stands, as a colleague's revert
does. As a whole that is a state which somebody signed; but of what is made of it without a
signature a stranger chose the files.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from git_model_security.clone.provenance import Doubts
    from git_model_security.provenance.commits import Commits


class Returns:
    """What such commits brought, each looked at once."""

    def __init__(self, commits: Commits) -> None:
        self._commits = commits
        self._known: dict[str, Doubts] = {}

    def of(self, commit: str) -> Doubts:
        """Returns the paths that a commit which stands brought so, with what stood there.

        None of one that was made here: whoever makes it decides that.
        """
        if commit not in self._known:
            is_own = self._commits.is_made_here(commit)
            self._known[commit] = {} if is_own else self._list(commit)
        return self._known[commit]

    def _list(self, commit: str) -> Doubts:
        commits = self._commits
        first = commits.clone.provenance.first_with_tree(commits.tree(commit))
        if first in {None, commit}:
            return {}
        # With another message only, or another date, it is where it was signed.
        signed_upon = commits.parents(first) if first and commits.is_here(first) else []
        found: Doubts = {}
        for above in commits.parents(commit):
            if above not in signed_upon and commits.is_here(above):
                found |= commits.differences(above, commit)
        return found
