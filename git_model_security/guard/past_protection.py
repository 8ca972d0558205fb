"""What commits' own attributes and policies protected, when each of them was made.

Today's policy says what must be ciphertext now. A policy that was changed since, or that
only another branch has, said it then. Whoever writes history writes its attributes too,
so this only adds findings; and it takes time in proportion to what changed: nothing is
evaluated twice, and each bound that is met is a finding itself.
"""

from __future__ import annotations

import contextlib
from collections import defaultdict
from itertools import islice
from typing import TYPE_CHECKING, Any

from git_model_security.errors import ConfigError
from git_model_security.git import attributes, batch
from git_model_security.git.attributes import FILE, MACRO, is_askable
from git_model_security.guard import policies
from git_model_security.guard.finding import BROKEN_POLICY, Finding
from git_model_security.guard.past_rules import MAX_TREES, Tables, standing
from git_model_security.policy import gitmodel
from git_model_security.policy.attributes import MACRO as OUR_MACRO
from git_model_security.policy.attributes import matching

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

    from git_model_security.git.index import Entry
    from git_model_security.git.repository import Repository
    from git_model_security.guard.past_rules import Past, Table
    from git_model_security.guard.policies import Policies

    Files = tuple[tuple[bytes, str], ...]
    Blobs = defaultdict[Any, defaultdict[bytes, set[str]]]
    """By what protects them, and by path."""

BY_COMMIT = "protected by the attributes that a commit with it has"

_MAX_READ_BYTES = 256 << 20
_MAX_MACRO_SETS = 64
_MAX_POLICIES = 256
_MAX_STANDING = 200_000
"""Entries of whole trees, looked at where attributes change below them."""


class PastProtection:
    """What commits' own rules protect.

    An entry is judged by the rules of each commit that brings it in, and of commits that
    change rules while it stands there. What was untracked is let out from the commit on
    that records it; what leaked before had not been let out by anybody.

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
        here: Callable[[str], bool] | None = None,
    ) -> None:
        """Evaluates the rules.

        Args:
            commits: oids, parents before children.
            today: says which paths are protected anyway.
            policy: rules that count anyway, and records that are trusted here.
            here: says which objects can be read without fetching them; None for all.

        Raises:
            GitError: an object is missing or corrupt.
        """
        self._repo = repo
        self._here = here
        self.covered: set[tuple[bytes, str]] = set()
        self.bounds: dict[str, Finding] = {}
        if not past.rules:
            return
        self._tables = Tables(repo, commits, past, self._bound)
        self._files: dict[tuple[int, bytes], Files] = {}
        self._by_files: Blobs = _blobs_by_path()
        self._by_policy: Blobs = _blobs_by_path()
        asked = list(self._standing(past, today))
        free = self._let_out(asked, policy.releases.patterns)
        for entry, commit in asked:
            if (self._tables.of(commit).get(gitmodel.NAME), entry.path) not in free:
                self._ask(entry, commit)
        self._evaluate_attributes()
        self._evaluate_policies(set(policy.rules))

    def _bound(self, path: bytes, oid: str, what: str) -> None:
        """Takes in that a bound was met, first at this file."""
        detail = f"{what}: what they protected cannot be told; see `git log -- {FILE.decode()}`"
        self.bounds.setdefault(what, Finding(BROKEN_POLICY, path, oid, 0, detail))

    def _is_here(self, oid: str) -> bool:
        return self._here is None or self._here(oid)

    def _standing(
        self, past: Past, today: Callable[[bytes], bool]
    ) -> Iterator[tuple[Entry, str]]:
        """Yields what commits bring in, and what stands where they change rules."""
        found = list(past.brought)
        left = _MAX_STANDING
        for commit in islice(past.rules, MAX_TREES):
            entries = standing(self._repo, commit) if left > 0 else []
            left -= len(entries)
            found += [(entry, commit) for entry in entries if entry.is_file]
        return ((entry, commit) for entry, commit in found if not today(entry.path))

    def _let_out(
        self, asked: Iterable[tuple[Entry, str]], untracked: Collection[str]
    ) -> set[tuple[str | None, bytes]]:
        """Returns policies, and the paths that their own records let out."""
        paths: defaultdict[str, set[bytes]] = defaultdict(set)
        for entry, commit in asked if untracked else ():
            if policy := self._tables.of(commit).get(gitmodel.NAME):
                paths[policy].add(entry.path)
        oids = list(filter(self._is_here, paths))[:_MAX_POLICIES]
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
        table = self._tables.of(commit)
        if not table or not is_askable(entry.path):
            return
        directory = entry.path.rpartition(b"/")[0]
        key = (id(table), directory)  # `Tables` keeps them all
        files = self._files.get(key)
        if files is None:
            files = self._files[key] = tuple(_speaking(table, directory))
        if files:
            self._by_files[files][entry.path].add(entry.oid)
        if policy := table.get(gitmodel.NAME):
            self._by_policy[policy][entry.path].add(entry.oid)

    def _evaluate_attributes(self) -> None:
        asked: Mapping[Files, Mapping[bytes, set[str]]] = self._by_files
        blobs = {oid for files in asked for _, oid in files}
        sizes = batch.sizes(self._repo, filter(self._is_here, blobs))
        short = [oid for oid, size in sizes.items() if size <= attributes.FILE_LIMIT_BYTES]
        ours = f"{OUR_MACRO}\n".encode()
        has_macros = {
            oid: MACRO in text.replace(ours, b"")
            for oid, text in batch.readable(self._repo, short, attributes.FILE_LIMIT_BYTES)
        }
        plain: dict[Files, Iterable[bytes]] = {}
        own: dict[Files, Iterable[bytes]] = {}
        left = _MAX_READ_BYTES
        renamed: dict[Files, list[Files]] = defaultdict(list)
        for files in asked:
            long = [one for one in files if sizes.get(one[1], 0) > attributes.FILE_LIMIT_BYTES]
            for one in long:
                limit = f"more than {attributes.FILE_LIMIT_BYTES} bytes of attributes"
                self._bound(*one, limit)
            # What is not here, or lost, is told elsewhere.
            readable = tuple(one for one in files if one[1] in has_macros)
            left -= sum(sizes[oid] for _, oid in readable)
            bears_macros = any(path == FILE and has_macros[oid] for path, oid in readable[:1])
            chosen = own if bears_macros else plain
            if left < 0 or (
                bears_macros and len(own) >= _MAX_MACRO_SETS and readable not in own
            ):
                self._bound(*files[0], "attributes that change too often")
            elif readable:
                chosen[readable] = {*chosen.get(readable, ()), *asked[files]}
                renamed[readable].append(files)
        answers = attributes.protected_in(self._repo, _lists(plain), defined=ours.decode())
        answers |= attributes.protected_in(self._repo, _lists(own), macros=True)
        for files, path in answers:
            for original in renamed[files]:
                self.covered |= {(path, oid) for oid in asked[original].get(path, ())}

    def _evaluate_policies(self, counted: set[str]) -> None:
        oids = list(filter(self._is_here, self._by_policy))
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


def _speaking(table: Table, directory: bytes) -> Iterable[tuple[bytes, str]]:
    parts = directory.split(b"/") if directory else []
    for depth in range(len(parts) + 1):
        path = b"/".join([*parts[:depth], FILE])
        if path in table:
            yield path, table[path]


def _lists(asked: Mapping[Files, Iterable[bytes]]) -> dict[Files, list[bytes]]:
    return {files: sorted(paths) for files, paths in asked.items()}
