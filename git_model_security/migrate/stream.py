"""The text of the history, on its way from `git fast-export` to `git fast-import`.

Authors, committers, dates, messages and parents pass as they are; entries become what
`rewriting` says. What refs will name gets its signatures, and its children, which start
from its tree, give them back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_model_security.git import fast_export, fast_import, index
from git_model_security.git.index import REMOVED, Entry
from git_model_security.migrate.refs import SCRATCH
from git_model_security.migrate.untracked_history import Following

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping
    from pathlib import Path

    from git_model_security.git.fast_export import Commit
    from git_model_security.git.repository import Repository
    from git_model_security.migrate.rewriting import Rewriting
    from git_model_security.migrate.signing import Tip
    from git_model_security.migrate.stashes import Stash

    Rewrite = Callable[[Commit], None]
    Progress = Callable[[int, int], None]

_AT_WORK = (SCRATCH + "at-work").encode()


class Content:
    """Rewrites the commits of a project, in the order of the stream.

    A stash is applied as what it changes since the commit that it began with: it keeps
    the signatures of that, and what was untracked gets no files of ours, or `git stash
    pop` would remove the ones and stumble over the others.
    """

    def __init__(
        self, repo: Repository, rewriting: Rewriting, tips: Mapping[str, Tip], stash: Stash
    ) -> None:
        self._repo = repo
        self._following = Following(rewriting.guarded)
        self._rewriting = rewriting
        self._tips = tips
        self._stash = stash
        self._signed: dict[bytes, Tip] = {}
        """Tips by their mark."""

    def __call__(self, commit: Commit) -> None:
        """Gives a commit the entries that it shall have."""
        own = self._own(commit)
        paths = {change.path for change in own}
        if not commit.parents:
            is_untracked = commit.oid in self._stash.untracked
            before = [] if is_untracked else self._rewriting.defaults()
            commit.changes = [entry for entry in before if entry.path not in paths] + own
        elif commit.oid in self._stash.alone:
            commit.changes = own
        else:
            above = self._signed.get(commit.parents[0])
            back = _given_back(above) if above is not None else []
            commit.changes = [entry for entry in back if entry.path not in paths] + own
        tip = self._tips.get(commit.oid)
        if tip is not None and tip.signatures:
            commit.changes += tip.signatures.values()
            self._signed[b":%d" % commit.mark] = tip

    def _own(self, commit: Commit) -> list[Entry]:
        """Returns its changes; where its policy changes sides, what it has unchanged too."""
        before, now = self._following.step(commit)
        changes = list(commit.changes)
        if commit.parents and before != now:
            there = {change.path for change in changes}
            turned = (before ^ now) - there
            changes += [one for one in index.tree(self._repo, commit.oid) if one.path in turned]
        return [self._rewriting.entry(change, now) for change in changes]


def _given_back(tip: Tip) -> list[Entry]:
    return [entry or Entry(path, REMOVED, "") for path, entry in tip.before.items()]


class Engine:
    """Makes commits anew, any number of times.

    Args:
        repo: the repository.
        marks: file for the names of the new ones.
        total: how many commits there are.
        progress: told how many of them are done.
    """

    def __init__(self, repo: Repository, marks: Path, total: int, progress: Progress) -> None:
        self._repo = repo
        self._marks = marks
        self._total = total
        self._progress = progress
        self._refs = 0

    def rewritten(self, tips: Collection[str], rewrite: Rewrite) -> dict[str, str]:
        """Makes all commits that tips reach anew; a scratch ref holds each tip.

        Args:
            tips: oids of commits.
            rewrite: changes the entries of each.

        Returns:
            The new commits, by the old ones.

        Raises:
            GitError: an object is missing, or there is no room.
        """
        if not tips:
            return {}
        order: dict[str, int] = {}
        self._marks.unlink(missing_ok=True)
        with fast_import.Import(self._repo, self._marks) as sink:
            for commit in fast_export.commits(self._repo, tips):
                order[commit.oid] = commit.mark
                rewrite(commit)
                sink.write(commit.render(_AT_WORK))
                self._progress(len(order), self._total)
            for tip in tips:
                ref = f"{SCRATCH}{self._refs}".encode()
                sink.write(b"reset %s\nfrom :%d\n\n" % (ref, order[tip]))
                self._refs += 1
            sink.finish()
        new = fast_import.marks(self._marks)
        return {oid: new[mark] for oid, mark in order.items()}
