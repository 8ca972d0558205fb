"""The refs of a migration: which there are, and the moment in which they all move.

What moves is written down first. So a run that was killed is told apart: either no ref
has moved, or they have and only the index is behind, which has to agree afterwards. Git
renames one file after the other, so a machine that lost its power may have moved some; then
the others follow.
"""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from git_model_security.errors import GitError
from git_model_security.git import history, index, refs, stash, worktree
from git_model_security.git.index import Entry
from git_model_security.git.paths import shown
from git_model_security.git.refs import RefChange
from git_model_security.migrate import stashes
from git_model_security.migrate.journal import MOVING, Journal
from git_model_security.migrate.stashes import REASON

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from git_model_security.git.repository import Repository

SCRATCH = "refs/git-model/migrated/"
"""Where new history waits until all refs move at once."""
NOTES = "refs/notes/"
_NOT_OURS = ("refs/remotes/", "refs/prefetch/", "refs/original/", "refs/git-model/")
"""What shows other repositories, or was left by tools: `purge` drops what is old there."""


@dataclass(frozen=True)
class Ref:
    """A ref that is no link to another one.

    Attributes:
        name: its full name, or `HEAD` where that names no branch.
        oid: what it holds, maybe a tag.
        target: what that is or tags in the end.
        target_kind: of that: `commit`, `tree` or `blob`.
    """

    name: str
    oid: str
    target: str
    target_kind: str

    @property
    def is_tag(self) -> bool:
        """Whether it holds an annotated tag."""
        return self.oid != self.target

    @property
    def is_moved(self) -> bool:
        """Whether it will name new history.

        The stash is a list, and not moved like this; notes speak of old commits.
        """
        is_ours = self.name != stash.REF and not self.name.startswith((*_NOT_OURS, NOTES))
        return is_ours and self.target_kind == "commit"


def find_refs(repo: Repository) -> list[Ref]:
    """Returns all refs, and HEAD where it is detached; links are left out.

    Raises:
        GitError: what a ref names is lost.
    """
    pairs = list(refs.read_direct(repo).items())
    if history.branch(repo) is None:
        pairs.append(("HEAD", index.require(repo, "HEAD")))
    targets = history.peel(repo, (oid for _, oid in pairs))
    for name, oid in pairs:
        if not targets[oid][0]:
            raise GitError(
                f"{shown(os.fsencode(name))} names {oid}, which is lost, or tags what is",
                hint="`git fsck` says what is missing",
            )
    return [Ref(name, oid, *reversed(targets[oid])) for name, oid in pairs]


def find_left_over(repo: Repository, commits: Iterable[str]) -> dict[str, str]:
    """Returns those that reach any of some commits, are not moved, and a purge drops."""
    found = refs.read_direct(repo, containing=commits).items()
    return {name: oid for name, oid in found if name.startswith(_NOT_OURS)}


def move_refs(
    repo: Repository,
    journal: Journal,
    new: Mapping[str, str],
    there: Sequence[Ref],
    record: dict[str, Any],
    set_up: Callable[[], object],
) -> None:
    """Moves refs, all or none.

    Args:
        new: what each ref shall name.
        there: the refs as they were looked at.
        record: what is left of the old history, for `--purge`.
        set_up: makes the clone ready for the new history; called when nothing can
            keep the refs from moving any more.

    Raises:
        GitError: a ref is not where it was; nothing has moved.
    """
    olds = {ref.name: ref.oid for ref in there}
    head = index.resolve(repo, "HEAD^{commit}")
    journal.put(
        MOVING,
        {
            **record,
            "head": head,
            "refs": {name: [olds[name], oid] for name, oid in new.items()},
            "files": _facts(repo),
        },
    )
    with RefChange(repo, REASON) as change:
        for name, oid in new.items():
            change.move(name, oid, olds[name])
        for name, oid in refs.read_direct(repo, SCRATCH).items():
            change.delete(name, oid)
        stashes.move(change, record["stash"])
        change.prepare()
        stashes.require_unchanged(repo, record["stash"])
        set_up()
        change.commit()
    stashes.settled(repo, journal)


@contextlib.contextmanager
def dropping_scratch(repo: Repository) -> Iterator[None]:
    """Drops the scratch refs when what is done fails: nobody shall push them."""
    try:
        yield
    except BaseException:
        with contextlib.suppress(GitError):
            refs.change(repo, REASON, deleted=refs.read_direct(repo, SCRATCH))
        raise


def has_moved(repo: Repository, moving: Mapping[str, Any]) -> bool:
    """Tells whether the refs of a run that was killed have moved.

    Whoever worked on since has other commits on top, so any ref counts that reaches new
    history; the scratch refs, which hold it before, do not.
    """
    made = set(moving["commits"].values()) - moving["commits"].keys()
    seen = repo.git("rev-list", f"--exclude={SCRATCH}*", "--all").decode().split()
    return not made.isdisjoint(seen) or stashes.has_moved(repo, moving.get("stash", []))


def complete(repo: Repository, journal: Journal, moving: Mapping[str, Any]) -> None:
    """Moves the refs that stayed behind, where a machine died in the middle.

    Only those that are still just where they were. What is gone, or somewhere else, was
    moved by somebody since: what is in clear there, the next migration finds. And writes
    the stash, which comes after the refs.

    Raises:
        GitError: another Git command moved one meanwhile.
    """
    behind = {
        name: (pair[0], pair[1])
        for name, pair in moving["refs"].items()
        if pair[0] != pair[1] and _direct(repo, name) == pair[0]
    }
    refs.change(repo, REASON, moved=behind)
    stashes.settled(repo, journal)


def _direct(repo: Repository, name: str) -> str | None:
    """Returns what a ref holds; of HEAD, only where it names no branch."""
    if name == "HEAD" and history.branch(repo) is not None:
        return None
    return index.resolve(repo, name)


def settle(repo: Repository, journal: Journal) -> list[bytes]:
    """Makes index and work tree agree with HEAD, and closes the record.

    Only what HEAD was before is replaced, in the index; in the work tree only what is
    missing or not what it was, and was looked at before the refs moved.

    Returns:
        Files that differ from what Git holds now, and were left alone.
    """
    moving = journal.get(MOVING)
    assert moving is not None
    left: list[bytes] = []
    old = moving["head"] and index.resolve(repo, f"{moving['head']}^{{tree}}")
    if old and index.head_tree(repo) is not None:
        left = _agreed(repo, moving)
    journal.finish()
    return left


def _agreed(repo: Repository, moving: Mapping[str, Any]) -> list[bytes]:
    old = {entry.path: entry for entry in index.tree(repo, moving["head"])}
    new = {entry.path: entry for entry in index.tree(repo, "HEAD")}
    staged = {entry.path: entry for entry in index.staged(repo)}
    changed = [
        new.get(path) or Entry(path, 0, "0" * len(next(iter(new.values())).oid))
        for path in old.keys() | new.keys()
        if new.get(path) != old.get(path) and staged.get(path) == old.get(path)
    ]
    index.stage(repo, changed)
    index.refresh(repo, "--clear-resolve-undo")
    before = {os.fsencode(path): fact for path, fact in moving["files"].items()}
    unlike = index.list_modified(repo)
    ours = [path for path in unlike if _fact(index.stat(repo, path)) == before.get(path)]
    worktree.rewrite(repo, ours)
    return sorted(set(unlike) - set(ours))


def _facts(repo: Repository) -> dict[str, list[int]]:
    """Returns what tells whether somebody has changed a file of the work tree since."""
    found = {}
    for entry in index.staged(repo):
        fact = _fact(index.stat(repo, entry.path))
        if fact is not None:
            found[os.fsdecode(entry.path)] = fact
    return found


def _fact(stat: os.stat_result | None) -> list[int] | None:
    return None if stat is None else [stat.st_size, stat.st_mtime_ns, stat.st_ino]
