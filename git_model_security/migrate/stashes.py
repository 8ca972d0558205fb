"""The stash, carried along: all entries, in their order, with their words and dates.

Only a reflog names them, which no transaction of refs can write. So as the refs move, the
list goes, and each new entry hangs on a ref; then the list is written, from what the
journal says. A run that was killed in between is ended by the next one.
"""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from git_model_security.errors import GitError, PolicyError
from git_model_security.git import history, refs, stash
from git_model_security.git.stash import Stashed
from git_model_security.migrate.journal import MOVING, Journal

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from git_model_security.git.refs import RefChange
    from git_model_security.git.repository import Repository
    from git_model_security.migrate.moving import Ref

HELD = "refs/git-model/stash/"
"""Refs for entries, numbered as `git stash list` does; the backup has them."""
REASON = "git model migrate"
_WITH_UNTRACKED = 3
_LONGEST_BYTES = 100_000
"""A message is an argument of git, and Linux ends one at 128 KiB (execve(2))."""

Row = dict[str, str]
"""An entry as the journal has it: what it says, its new commit as `oid`, the old as `old`."""


@dataclass
class Stash:
    """The list, and what of the history is its alone.

    Attributes:
        entries: the newest first.
        alone: commits that no moved ref reaches.
        untracked: those of them that hold the untracked files of an entry.
    """

    entries: list[Stashed] = field(default_factory=list)
    alone: set[str] = field(default_factory=set)
    untracked: set[str] = field(default_factory=set)

    @property
    def oids(self) -> list[str]:
        """The commits of the entries, each once."""
        return list(dict.fromkeys(entry.oid for entry in self.entries))


def found(repo: Repository, there: Sequence[Ref]) -> Stash:
    """Returns the stash.

    Raises:
        PolicyError: there is something that cannot be carried.
    """
    entries = stash.read(repo)
    _require_carried(repo, entries)
    if not entries:
        return Stash()
    oids = list(dict.fromkeys(entry.oid for entry in entries))
    moved = list(dict.fromkeys(ref.target for ref in there if ref.is_moved))
    alone = set(history.commits(repo, oids, without=moved))
    above = history.parents(repo, oids).values()
    third = {parents[2] for parents in above if len(parents) == _WITH_UNTRACKED}
    return Stash(entries, alone, third & alone)


def _require_carried(repo: Repository, entries: list[Stashed]) -> None:
    held = [ref for ref in refs.read(repo) if os.fsdecode(ref.name) == stash.REF]
    gone = stash.unreadable(repo)
    problem = ""
    if any(ref.symref for ref in held):
        problem = f"{stash.REF} is a link to another ref"
    elif gone:
        problem = f"{gone} entries of the stash name commits that are not here"
    elif [ref.oid for ref in held] != [entry.oid for entry in entries[:1]]:
        problem = f"{stash.REF} is not what its list begins with"
    elif any(len(os.fsencode(entry.message)) > _LONGEST_BYTES for entry in entries):
        problem = f"an entry of the stash has a message of over {_LONGEST_BYTES} bytes"
    if problem:
        raise PolicyError(
            f"the stash cannot be carried: {problem}",
            hint="`git stash branch NAME stash@{N}` makes a branch of an entry, `git branch"
            f" NAME {stash.REF}` of what that names; then `git stash clear`",
        )


@contextlib.contextmanager
def held(repo: Repository, entries: Iterable[Stashed]) -> Iterator[list[str]]:
    """Gives each entry a ref for a while; their names."""
    released(repo)
    names = {f"{HELD}{number}": entry.oid for number, entry in enumerate(entries)}
    try:
        refs.change(repo, REASON, created=names)
        yield list(names)
    finally:
        released(repo)


def released(repo: Repository) -> None:
    """Drops the refs of entries."""
    refs.change(repo, REASON, deleted=refs.read_direct(repo, HELD))


def record(carried: Stash, commits: Mapping[str, str]) -> list[Row]:
    """Returns what the journal shall know; nothing where all entries stay as they are."""
    if all(commits[oid] == oid for oid in carried.oids):
        return []
    return [
        {**entry._replace(oid=commits[entry.oid])._asdict(), "old": entry.oid}
        for entry in carried.entries
    ]


def move(change: RefChange, rows: Sequence[Row]) -> None:
    """Asks that the list goes, and that each new entry gets a ref."""
    if rows:
        change.delete(stash.REF, rows[0]["old"])
    for number, row in enumerate(rows):
        change.create(f"{HELD}{number}", row["oid"])


def require_unchanged(repo: Repository, rows: Sequence[Row]) -> None:
    """Raises a GitError unless the list is as it was.

    `git stash drop` of an older entry moves no ref.
    """
    if rows and stash.read(repo) != [_entry(row, row["old"]) for row in rows]:
        raise GitError(
            "the stash has changed meanwhile, and no ref was moved",
            hint="run it again; what was done is remembered",
        )


def has_moved(repo: Repository, rows: Sequence[Row]) -> bool:
    """Tells whether new entries are in the list, or wait to be."""
    new = {row["oid"] for row in rows if row["oid"] != row["old"]}
    there = {entry.oid for entry in stash.read(repo)}
    there.update(refs.read_direct(repo, HELD).values())
    return not new.isdisjoint(there)


def settled(repo: Repository, journal: Journal) -> None:
    """Writes the list as the journal has it; again changes nothing.

    What somebody stashed meanwhile stays, and is on top: newest comes first.

    Raises:
        GitError: somebody stashes right now.
    """
    moving: dict[str, Any] = journal.get(MOVING) or {}
    rows: list[Row] = moving.get("stash", [])
    if not rows:
        return
    known = {oid for row in rows for oid in (row["oid"], row["old"])}
    there = stash.read(repo)
    added = [entry for entry in there if entry.oid not in known]
    if added:
        rows = [*({**entry._asdict(), "old": entry.oid} for entry in added), *rows]
        journal.put(MOVING, {**moving, "stash": rows})
    # As after a loss of power, or for what was added: what the list lets go stays named.
    missing = {row["oid"] for row in rows} - set(refs.read_direct(repo, HELD).values())
    refs.change(repo, REASON, created={f"{HELD}{oid}": oid for oid in missing})
    _write(repo, [_entry(row, row["oid"]) for row in rows], there)
    released(repo)


def _write(repo: Repository, goal: Sequence[Stashed], there: Sequence[Stashed]) -> None:
    written = list(there)
    if not written or list(goal)[-len(written) :] != written:
        stash.clear(repo)
        written = []
    above = written[0].oid if written else None
    for entry in reversed(goal[: len(goal) - len(written)]):
        stash.add(repo, entry, above)
        above = entry.oid


def _entry(row: Row, oid: str) -> Stashed:
    return Stashed(oid, row["name"], row["email"], row["date"], row["message"])


def of(repo: Repository, commits: Collection[str]) -> list[int]:
    """Returns the numbers of the entries that are any of these commits."""
    there = enumerate(stash.read(repo))
    return [number for number, entry in there if entry.oid in commits]


def without(repo: Repository, commits: Collection[str]) -> None:
    """Drops the entries that are any of these commits, and no others."""
    for number in reversed(of(repo, commits)):
        stash.drop(repo, number)
