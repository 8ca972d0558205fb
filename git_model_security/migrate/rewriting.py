"""What becomes of each entry of each commit: a function of path, mode and blob alone.

And of the commit's own `.gitmodel`, where something was untracked on purpose. So the tree
of a commit can be told before it is made, and is the same however the history came to it.
A commit keeps the `.gitmodel` it has, and the attributes that were generated from one: its
signature goes on to hold where nothing else changed.

The text of the history goes from `git fast-export` to `git fast-import`. Authors, committers,
dates, messages and parents pass as they are. What refs will name gets its signatures, and its
children, which start from its tree, give them back.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from git_model_security.git import fast_export, fast_import, index
from git_model_security.git.attributes import FILE
from git_model_security.git.index import REGULAR, REMOVED, Entry
from git_model_security.migrate.moving import SCRATCH
from git_model_security.migrate.survey import Following
from git_model_security.policy import attributes, gitmodel

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping
    from pathlib import Path

    from git_model_security.git.fast_export import Commit
    from git_model_security.git.repository import Repository
    from git_model_security.migrate.new_history import Tip
    from git_model_security.migrate.stashes import Stash

    Rewrite = Callable[[Commit], None]

    Progress = Callable[[int], None]
_AT_WORK = (SCRATCH + "at-work").encode()


@dataclass
class Rewriting:
    """The function, and what it needs to know.

    Attributes:
        protected: the paths whose files must be ciphertext.
        sealed: blobs in clear at those paths, with what they become.
        policy: oid of the `.gitmodel` for commits that have none that can be read.
        kept: `.gitmodel`s that commits keep.
        block: oid of the `.gitattributes` for commits that have none.
        attributes: `.gitattributes` of the history, with what each becomes.
        guarded: more such paths in commits that have a `.gitmodel`, by its blob.
        defaults: what is put into each commit without a parent, before its own entries.
    """

    protected: set[bytes]
    sealed: Mapping[str, str]
    policy: str
    kept: set[str]
    block: str
    attributes: Mapping[str, str]
    guarded: Mapping[str, frozenset[bytes]] = field(default_factory=dict)
    defaults: list[Entry] = field(init=False)

    def __post_init__(self) -> None:
        self.defaults = [
            Entry(FILE, REGULAR, self.block),
            Entry(gitmodel.NAME, REGULAR, self.policy),
        ]

    def entry(self, entry: Entry, more: Collection[bytes] = ()) -> Entry:
        """Returns what an entry becomes; of one that is removed, what stands there then.

        Args:
            more: what else is protected in its commit: see `guarded`.
        """
        if entry.path == gitmodel.NAME:
            is_kept = entry.mode == REGULAR and entry.oid in self.kept
            return entry if is_kept else self.defaults[1]
        if entry.path == FILE:
            oid = self.attributes.get(entry.oid) if entry.is_file else None
            return self.defaults[0] if oid is None else entry._replace(oid=oid)
        is_protected = entry.path in self.protected or entry.path in more
        if entry.mode != REMOVED and entry.is_file and is_protected:
            return entry._replace(oid=self.sealed.get(entry.oid, entry.oid))
        return entry

    def tree(self, entries: Iterable[Entry]) -> dict[bytes, Entry]:
        """Returns what all entries of a commit become, by path."""
        old = {entry.path: entry for entry in entries}
        policy = old.get(gitmodel.NAME)
        more = self.guarded.get(policy.oid, ()) if policy and policy.mode == REGULAR else ()
        found = {entry.path: entry for entry in self.defaults}
        return found | {path: self.entry(entry, more) for path, entry in old.items()}


def splice(text: bytes, own: str, others: Iterable[str]) -> bytes:
    """Returns a `.gitattributes` with a generated block at its end.

    Args:
        text: the file.
        own: the block that it gets, unless it ends in
        others: one of these.
    """
    read = text.decode("utf-8", "surrogateescape")
    for block in (own, *others):
        if read.endswith(block) and attributes.spliced(read, block) == read:
            return text
    return attributes.spliced(read, own).encode("utf-8", "surrogateescape")


class Rewriter:
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
            before = [] if is_untracked else self._rewriting.defaults
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


def rewrite_commits(
    repo: Repository, tips: Collection[str], marks: Path, rewrite: Rewrite, progress: Progress
) -> dict[str, str]:
    """Makes all commits that tips reach anew; a scratch ref holds each tip.

    Args:
        marks: file for the names of the new ones.
        progress: told how many of them are done.

    Returns:
        The new commits, by the old ones.

    Raises:
        GitError: an object is missing, or there is no room.
    """
    order: dict[str, int] = {}
    marks.unlink(missing_ok=True)
    with fast_import.Import(repo, marks) as sink:
        for commit in fast_export.commits(repo, tips):
            order[commit.oid] = commit.mark
            rewrite(commit)
            sink.write(commit.render(_AT_WORK))
            progress(len(order))
        for number, tip in enumerate(tips):
            ref = f"{SCRATCH}{number}".encode()
            sink.write(b"reset %s\nfrom :%d\n\n" % (ref, order[tip]))
        sink.finish()
    new = fast_import.marks(marks)
    return {oid: new[mark] for oid, mark in order.items()}
