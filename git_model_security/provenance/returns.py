"""What a commit brought that holds a signed state of another one (clause 2).

A signature is over a tree, and not over what that follows. So a stranger can put an older
state, or a colleague's draft, on top of the newest one, and it stands, as a colleague's revert
does. As a whole that is a state which somebody signed; but of what is made of it without a
signature a stranger chose the files.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_model_security.git import rev_list

if TYPE_CHECKING:
    from git_model_security.clone.provenance import Doubts
    from git_model_security.provenance.commits import Commits

_MOST_COMMITS = 4096
"""Among so many, the newest, a state is looked for."""


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
        above = list(filter(self._commits.is_here, self._commits.parents(commit)))
        found: Doubts = {}
        for one in above if self._has_been(commit, above) else ():
            found |= self._commits.differences(one, commit)
        return found

    def _has_been(self, commit: str, above: list[str]) -> bool:
        """Tells whether another commit, below this one or at a ref, has the same tree."""
        options = ("--all", f"--max-count={_MOST_COMMITS}", "--format=%T")
        lines = rev_list.read(self._commits.clone.repo, *options, names=above)
        tree = self._commits.tree(commit)
        # A line with the commit, and one with its tree.
        pairs = zip(lines[::2], lines[1::2], strict=True)
        return any(held == tree and named.split()[-1] != commit for named, held in pairs)
