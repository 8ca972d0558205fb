"""Which attribute files and policies each commit of a history has, and how they changed.

Must not know what they say.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Final

from git_model_security.errors import GitError
from git_model_security.git import changes, history, index
from git_model_security.git.attributes import FILE, is_askable
from git_model_security.policy import gitmodel

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from git_model_security.git.changes import Change
    from git_model_security.git.index import Entry
    from git_model_security.git.repository import Repository

    Table = dict[bytes, str]
    """Blobs of attribute files and of the policy, by path."""

    Bound = Callable[[bytes, str, str], None]

_MAX_FILES: Final = 2048
"""Attribute files of one tree: the table of them is copied when one of them changes."""
MAX_TREES: Final = 64
"""How many whole trees are listed, a process each."""
_PATHSPECS: Final = (f":(top,glob)**/{FILE.decode()}", f":(top){gitmodel.NAME.decode()}")


@dataclass
class Past:
    """Rules as commits changed them, and what each commit brought in.

    Attributes:
        brought: entries of files, and the commits that brought them in, each time.
        rules: per commit the attribute files and policies that it changed: path and
            blob, which is empty where it removed one.
    """

    brought: list[tuple[Entry, str]] = field(default_factory=list)
    rules: defaultdict[str, list[tuple[bytes, str]]] = field(
        default_factory=lambda: defaultdict(list)
    )

    def take(self, change: Change) -> None:
        """Takes in one change of a commit."""
        path = change.entry.path
        if change.entry.is_file:
            self.brought.append((change.entry, change.commit))
        if is_rule(path):
            oid = change.entry.oid if change.entry.is_file else ""
            self.rules[change.commit].append((path, oid))


def is_rule(path: bytes) -> bool:
    """Tells whether a file says what is protected."""
    return path in {FILE, gitmodel.NAME} or path.endswith(b"/" + FILE)


class Tables:
    """Which attribute files each commit has; commits that change none share a table.

    Args:
        commits: oids, parents before children.
        bound: told of a bound that was met, with the file that met it.

    Raises:
        GitError: a commit is missing or corrupt.
    """

    def __init__(
        self, repo: Repository, commits: Sequence[str], past: Past, bound: Bound
    ) -> None:
        self._of: dict[str, Table] = {}
        parents = history.parents(repo, commits)
        known = set(commits)
        pairs = [(one, over[0]) for one, over in parents.items() if len(over) > 1]
        merged: defaultdict[str, list[tuple[bytes, str]]] = defaultdict(list)
        for change in changes.against(repo, pairs, _PATHSPECS):
            oid = change.entry.oid if change.entry.is_file else ""
            merged[change.commit].append((change.entry.path, oid))
        outside = _outside(repo, parents, known)
        for commit in commits:
            over = parents.get(commit, [])
            base = self._of.get(over[0]) or outside.get(over[0], {}) if over else {}
            changed = merged if len(over) > 1 else past.rules
            self._of[commit] = _changed(base, changed.get(commit, ()), bound)

    def of(self, commit: str) -> Table:
        """Returns blobs by path; a tag or tree has none."""
        return self._of.get(commit, {})


def _outside(
    repo: Repository, parents: Mapping[str, Sequence[str]], known: set[str]
) -> dict[str, Table]:
    """Returns the tables of the commits on which a range stands."""
    below = dict.fromkeys(over[0] for over in parents.values() if over and over[0] not in known)
    found = {}
    for commit in islice(below, MAX_TREES):
        entries = standing(repo, commit)
        found[commit] = {
            one.path: one.oid for one in entries if one.is_file and is_rule(one.path)
        }
    return found


def _changed(base: Table, changes: Iterable[tuple[bytes, str]], bound: Bound) -> Table:
    table = base
    for path, oid in changes:
        if not is_askable(path):
            continue
        if table is base:
            table = dict(base)
        table.pop(path, None)
        if oid and len(table) >= _MAX_FILES:
            bound(path, oid, f"more than {_MAX_FILES} attribute files")
        elif oid:
            table[path] = oid
    return table


def standing(repo: Repository, commit: str) -> list[Entry]:
    """Returns the entries of a commit, none where they are not here."""
    try:
        return index.tree(repo, commit)
    except GitError:
        # Below a shallow clone's edge, or damaged, which the walk itself tells.
        return []
