"""What commits' own attributes and policies protected, when each of them was made.

Today's policy says what must be ciphertext now. A policy that was changed since, or that
only another branch has, said it then. Whoever writes history writes its attributes too,
so this only adds findings; and it takes time in proportion to what changed: nothing is
evaluated twice, and each bound that is met is a finding itself.
"""

from __future__ import annotations

import contextlib
from collections import defaultdict
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from git_model_security.errors import ConfigError, GitError
from git_model_security.git import attributes, batch, changes, history, index
from git_model_security.git.attributes import FILE, FILE_LIMIT_BYTES, MACRO, is_askable
from git_model_security.guard import policies
from git_model_security.guard.finding import BROKEN_POLICY, Finding
from git_model_security.policy import gitmodel
from git_model_security.policy.attributes import MACRO as OUR_MACRO
from git_model_security.policy.attributes import matching

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

    from git_model_security.git.changes import Change
    from git_model_security.git.index import Entry
    from git_model_security.git.repository import Repository
    from git_model_security.guard.policies import Policies

    Files = tuple[tuple[bytes, str], ...]
    Blobs = defaultdict[Any, defaultdict[bytes, set[str]]]
    """By what protects them, and by path."""
    Table = dict[bytes, str]
    """Blobs of attribute files and of the policy, by path."""
    Bound = Callable[[bytes, str, str], None]

BY_COMMIT = "protected by the attributes that a commit with it has"

_MAX_READ_BYTES = 256 << 20
_MAX_MACRO_SETS = 64
_MAX_POLICIES = 256
_MAX_STANDING = 200_000
"""Entries of whole trees, looked at where attributes change below them."""
_MAX_FILES: Final = 2048
"""Attribute files of one tree: the table of them is copied when one of them changes."""
_MAX_TREES: Final = 64
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
        entry = change.entry
        if entry.is_file:
            self.brought.append((entry, change.commit))
        if _is_rule(entry.path):
            self.rules[change.commit].append((entry.path, entry.oid if entry.is_file else ""))


def _is_rule(path: bytes) -> bool:
    """Tells whether a file says what is protected."""
    return path in {FILE, gitmodel.NAME} or path.endswith(b"/" + FILE)


class PastProtection:
    """What commits' own rules protect.

    An entry is judged by the rules of each commit that brings it in, and of commits that
    change rules while it stands there. What was untracked is let out from the commit on
    that records it; what leaked before had not been let out by anybody.

    Args:
        commits: oids, parents before children.
        today: says which paths are protected anyway.
        policy: rules that count anyway, and records that are trusted here.
        here: says which objects can be read without fetching them.

    Attributes:
        covered: paths and blobs that were protected then.
        bounds: those that were met, so that not all could be evaluated: each once.
    """

    def __init__(
        self,
        repo: Repository,
        commits: Sequence[str],
        past: Past,
        today: Callable[[bytes], bool],
        policy: Policies,
        here: Callable[[str], bool],
    ) -> None:
        self._repo = repo
        self._here = here
        self.covered: set[tuple[bytes, str]] = set()
        self.bounds: dict[str, Finding] = {}
        if not past.rules:
            return
        self._tables = _tables(repo, commits, past, self._bound)
        self._files: dict[tuple[int, bytes], Files] = {}
        self._by_files: Blobs = _blobs_by_path()
        self._by_policy: Blobs = _blobs_by_path()
        asked = list(self._standing(past, today))
        free = self._let_out(asked, policy.releases.patterns)
        for entry, commit in asked:
            if (self._tables.get(commit, {}).get(gitmodel.NAME), entry.path) not in free:
                self._ask(entry, commit)
        self._evaluate_attributes()
        self._evaluate_policies(set(policy.rules))

    def _bound(self, path: bytes, oid: str, what: str) -> None:
        """Takes in that a bound was met, first at this file."""
        detail = f"{what}: what they protected cannot be told; see `git log -- {FILE.decode()}`"
        self.bounds.setdefault(what, Finding(BROKEN_POLICY, path, oid, 0, detail))

    def _standing(
        self, past: Past, today: Callable[[bytes], bool]
    ) -> Iterator[tuple[Entry, str]]:
        """Yields what commits bring in, and what stands where they change rules."""
        found = list(past.brought)
        left = _MAX_STANDING
        for commit in islice(past.rules, _MAX_TREES):
            entries = _entries(self._repo, commit) if left > 0 else []
            left -= len(entries)
            found += [(entry, commit) for entry in entries if entry.is_file]
        return ((entry, commit) for entry, commit in found if not today(entry.path))

    def _let_out(
        self, asked: Iterable[tuple[Entry, str]], untracked: Collection[str]
    ) -> set[tuple[str | None, bytes]]:
        """Returns policies, and the paths that their own records let out."""
        paths: defaultdict[str, set[bytes]] = defaultdict(set)
        for entry, commit in asked if untracked else ():
            if policy := self._tables.get(commit, {}).get(gitmodel.NAME):
                paths[policy].add(entry.path)
        oids = list(filter(self._here, paths))[:_MAX_POLICIES]
        found: set[tuple[str | None, bytes]] = set()
        for oid, text in batch.readable(self._repo, oids, gitmodel.MAX_BYTES):
            # One that cannot be read protected nothing, and lets out nothing.
            with contextlib.suppress(ConfigError):
                named = [one for one in gitmodel.parse(text).untracked if one in untracked]
                lines = matching(named)
                found |= {(oid, path) for path in attributes.protected_by(lines, paths[oid])}
        return found

    def _ask(self, entry: Entry, commit: str) -> None:
        """Has a path evaluated, by the files that can speak of it."""
        table = self._tables.get(commit)
        if not table or not is_askable(entry.path):
            return
        directory = entry.path.rpartition(b"/")[0]
        key = (id(table), directory)  # `_tables` keeps them all
        if key not in self._files:
            self._files[key] = _speaking(table, directory)
        files = self._files[key]
        if files:
            self._by_files[files][entry.path].add(entry.oid)
        if policy := table.get(gitmodel.NAME):
            self._by_policy[policy][entry.path].add(entry.oid)

    def _evaluate_attributes(self) -> None:
        asked: Mapping[Files, Mapping[bytes, set[str]]] = self._by_files
        blobs = {oid for files in asked for _, oid in files}
        sizes = batch.sizes(self._repo, filter(self._here, blobs))
        short = [oid for oid, size in sizes.items() if size <= FILE_LIMIT_BYTES]
        ours = f"{OUR_MACRO}\n".encode()
        has_macros = {
            oid: MACRO in text.replace(ours, b"")
            for oid, text in batch.readable(self._repo, short, FILE_LIMIT_BYTES)
        }
        plain: dict[Files, set[bytes]] = {}
        own: dict[Files, set[bytes]] = {}
        left = _MAX_READ_BYTES
        renamed: dict[Files, list[Files]] = defaultdict(list)
        for files in asked:
            for path, oid in files:
                if sizes.get(oid, 0) > FILE_LIMIT_BYTES:
                    self._bound(path, oid, f"more than {FILE_LIMIT_BYTES} bytes of attributes")
            # What is not here, or lost, is told elsewhere.
            readable = tuple(one for one in files if one[1] in has_macros)
            left -= sum(sizes[oid] for _, oid in readable)
            bears_macros = any(path == FILE and has_macros[oid] for path, oid in readable[:1])
            chosen = own if bears_macros else plain
            is_full = bears_macros and len(own) >= _MAX_MACRO_SETS and readable not in own
            if left < 0 or is_full:
                self._bound(*files[0], "attributes that change too often")
            elif readable:
                chosen.setdefault(readable, set()).update(asked[files])
                renamed[readable].append(files)
        answers = attributes.protected_in(self._repo, plain, defined=ours.decode())
        answers |= attributes.protected_in(self._repo, own, macros=True)
        for files, path in answers:
            for original in renamed[files]:
                self.covered |= {(path, oid) for oid in asked[original].get(path, ())}

    def _evaluate_policies(self, counted: set[str]) -> None:
        oids = list(filter(self._here, self._by_policy))
        for oid in oids[_MAX_POLICIES:]:
            self._bound(gitmodel.NAME, oid, "a policy that changes too often")
        by_text: Blobs = _blobs_by_path()
        for oid, _ in batch.readable(self._repo, oids[:_MAX_POLICIES], gitmodel.MAX_BYTES):
            # One that cannot be read protected nothing then; today's are judged themselves.
            for text in policies.read(self._repo, [oid]).rules:
                if text not in counted:
                    for path, blobs in self._by_policy[oid].items():
                        by_text[text][path] |= blobs
        for text, paths in by_text.items():
            for any_case in (False, True):
                for path in attributes.protected_by(text, paths, any_case=any_case):
                    self.covered |= {(path, oid) for oid in paths[path]}


def _blobs_by_path() -> Blobs:
    return defaultdict(lambda: defaultdict(set))


def _speaking(table: Table, directory: bytes) -> Files:
    parts = directory.split(b"/") if directory else []
    paths = (b"/".join([*parts[:depth], FILE]) for depth in range(len(parts) + 1))
    return tuple((path, table[path]) for path in paths if path in table)


def _tables(
    repo: Repository, commits: Sequence[str], past: Past, bound: Bound
) -> dict[str, Table]:
    """Returns which rules each commit has; commits that change none share a table.

    A tag or tree has none.
    """
    tables: dict[str, Table] = {}
    parents = history.parents(repo, commits)
    pairs = [(one, over[0]) for one, over in parents.items() if len(over) > 1]
    merged = Past()
    for change in changes.against(repo, pairs, _PATHSPECS):
        merged.take(change)
    outside = _outside(repo, parents, set(commits))
    for commit in commits:
        over = parents.get(commit, [])
        base = tables.get(over[0]) or outside.get(over[0], {}) if over else {}
        changed = (merged if len(over) > 1 else past).rules.get(commit, ())
        tables[commit] = _changed(base, changed, bound)
    return tables


def _outside(
    repo: Repository, parents: Mapping[str, Sequence[str]], known: set[str]
) -> dict[str, Table]:
    """Returns the tables of the commits on which a range stands."""
    below = dict.fromkeys(over[0] for over in parents.values() if over and over[0] not in known)
    return {
        commit: {
            one.path: one.oid
            for one in _entries(repo, commit)
            if one.is_file and _is_rule(one.path)
        }
        for commit in islice(below, _MAX_TREES)
    }


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


def _entries(repo: Repository, commit: str) -> list[Entry]:
    """Returns the entries of a commit, none where they are not here."""
    # Below a shallow clone's edge, or damaged, which the walk itself tells.
    with contextlib.suppress(GitError):
        return index.tree(repo, commit)
    return []
