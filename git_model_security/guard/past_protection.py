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
from typing import TYPE_CHECKING

from git_model_security.errors import ConfigError
from git_model_security.git import attributes, batch, past_attributes, store
from git_model_security.git.attributes import FILE
from git_model_security.git.past_attributes import MACRO, is_askable
from git_model_security.guard import policies
from git_model_security.guard.finding import BROKEN_POLICY, Finding
from git_model_security.guard.past_rules import MAX_TREES, Tables, standing
from git_model_security.policy import gitmodel
from git_model_security.policy.attributes import MACRO as OUR_MACRO
from git_model_security.policy.attributes import matching

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from git_model_security.git.index import Entry
    from git_model_security.git.repository import Repository
    from git_model_security.guard.past_rules import Past, Table

    Files = tuple[tuple[bytes, str], ...]

BY_COMMIT = "protected by the attributes that a commit with it has"

_MAX_READ_BYTES = 256 << 20
_MAX_MACRO_SETS = 64
_MAX_POLICIES = 256
_MAX_STANDING = 200_000
"""Entries of whole trees, looked at where attributes change below them."""


@dataclass
class Bygone:
    """What was protected then.

    Attributes:
        covered: paths and blobs.
        bounds: those that were met, so that not all could be evaluated: each once.
    """

    covered: set[tuple[bytes, str]] = field(default_factory=set)
    bounds: dict[str, Finding] = field(default_factory=dict)

    @property
    def broken(self) -> list[Finding]:
        """The bounds as findings."""
        return list(self.bounds.values())

    def bound(self, path: bytes, oid: str, what: str) -> None:
        """Takes in that a bound was met, first at this file."""
        detail = f"{what}: what they protected cannot be told; see `git log -- {FILE.decode()}`"
        self.bounds.setdefault(what, Finding(BROKEN_POLICY, path, oid, 0, detail))


def covered(
    repo: Repository,
    commits: Sequence[str],
    past: Past,
    today: Callable[[bytes], bool],
    rules: Iterable[str] = (),
    here: Callable[[str], bool] | None = None,
    *,
    untracked: Collection[str] = (),
) -> Bygone:
    """Returns what commits' own rules protect.

    An entry is judged by the rules of each commit that brings it in, and of commits that
    change rules while it stands there. What was untracked is let out from the commit on
    that records it; what leaked before had not been let out by anybody.

    Args:
        repo: the repository.
        commits: oids, parents before children.
        past: what they changed.
        today: says which paths are protected anyway.
        rules: texts of attributes that count anyway.
        here: says which objects can be read without fetching them; None for all.
        untracked: patterns of records that are trusted here.

    Raises:
        GitError: an object is missing or corrupt.
    """
    found = Bygone()
    if not past.rules:
        return found
    tables = Tables(repo, commits, past, found.bound)
    asked = [(entry, commit) for entry, commit in past.brought if not today(entry.path)]
    left = _MAX_STANDING
    for commit in islice(past.rules, MAX_TREES):
        entries = standing(repo, commit) if left > 0 else []
        left -= len(entries)
        asked += [
            (entry, commit) for entry in entries if entry.is_file and not today(entry.path)
        ]
    free = _let_out(repo, tables, asked, untracked, here)
    questions = _Questions(tables)
    for entry, commit in asked:
        if (tables.of(commit).get(gitmodel.NAME), entry.path) not in free:
            questions.ask(entry, commit)
    _by_attributes(repo, questions, found, here)
    _by_policies(repo, questions, found, set(rules), here)
    return found


def _let_out(
    repo: Repository,
    tables: Tables,
    asked: Iterable[tuple[Entry, str]],
    untracked: Collection[str],
    here: Callable[[str], bool] | None,
) -> set[tuple[str | None, bytes]]:
    """Returns policies, and the paths that their own records let out."""
    if not untracked:
        return set()
    paths: defaultdict[str, set[bytes]] = defaultdict(set)
    for entry, commit in asked:
        if policy := tables.of(commit).get(gitmodel.NAME):
            paths[policy].add(entry.path)
    oids = [oid for oid in paths if here is None or here(oid)][:_MAX_POLICIES]
    found: set[tuple[str | None, bytes]] = set()
    for oid, text in store.readable(repo, oids, gitmodel.MAX_BYTES):
        with contextlib.suppress(
            ConfigError
        ):  # one that protected nothing, and lets out nothing
            named = [one for one in gitmodel.parse(text).untracked if one in untracked]
            lines = matching(named)
            found |= {(oid, path) for path in attributes.protected_by(lines, paths[oid])}
    return found


class _Questions:
    """Which paths to evaluate, by the files that can speak of them."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self._files: dict[tuple[int, bytes], Files] = {}
        self.by_files: defaultdict[Files, defaultdict[bytes, set[str]]] = defaultdict(
            lambda: defaultdict(set)
        )
        self.by_policy: defaultdict[str, defaultdict[bytes, set[str]]] = defaultdict(
            lambda: defaultdict(set)
        )

    def ask(self, entry: Entry, commit: str) -> None:
        table = self._tables.of(commit)
        if not table or not is_askable(entry.path):
            return
        directory = entry.path.rpartition(b"/")[0]
        key = (id(table), directory)  # `Tables` keeps them all
        files = self._files.get(key)
        if files is None:
            files = self._files[key] = tuple(_speaking(table, directory))
        if files:
            self.by_files[files][entry.path].add(entry.oid)
        if policy := table.get(gitmodel.NAME):
            self.by_policy[policy][entry.path].add(entry.oid)


def _speaking(table: Table, directory: bytes) -> Iterable[tuple[bytes, str]]:
    parts = directory.split(b"/") if directory else []
    for depth in range(len(parts) + 1):
        path = b"/".join([*parts[:depth], FILE])
        if path in table:
            yield path, table[path]


def _by_attributes(
    repo: Repository,
    questions: _Questions,
    found: Bygone,
    here: Callable[[str], bool] | None,
) -> None:
    blobs = {oid for files in questions.by_files for _, oid in files}
    sizes = batch.sizes(repo, (oid for oid in blobs if here is None or here(oid)))
    short = [oid for oid, size in sizes.items() if size <= attributes.FILE_LIMIT_BYTES]
    ours = f"{OUR_MACRO}\n".encode()
    has_macros = {
        oid: MACRO in text.replace(ours, b"")
        for oid, text in store.readable(repo, short, attributes.FILE_LIMIT_BYTES)
    }
    plain: dict[Files, Iterable[bytes]] = {}
    own: dict[Files, Iterable[bytes]] = {}
    asked = questions.by_files
    left = _MAX_READ_BYTES
    renamed: dict[Files, list[Files]] = defaultdict(list)
    for files in asked:
        long = [one for one in files if sizes.get(one[1], 0) > attributes.FILE_LIMIT_BYTES]
        for one in long:
            found.bound(*one, f"more than {attributes.FILE_LIMIT_BYTES} bytes of attributes")
        # What is not here, or lost, is told elsewhere.
        readable = tuple(one for one in files if one[1] in has_macros)
        left -= sum(sizes[oid] for _, oid in readable)
        bears_macros = any(path == FILE and has_macros[oid] for path, oid in readable[:1])
        chosen = own if bears_macros else plain
        if left < 0 or (bears_macros and len(own) >= _MAX_MACRO_SETS and readable not in own):
            found.bound(*files[0], "attributes that change too often")
        elif readable:
            chosen[readable] = {*chosen.get(readable, ()), *asked[files]}
            renamed[readable].append(files)
    answers = past_attributes.protected(repo, _lists(plain), defined=ours.decode())
    answers |= past_attributes.protected(repo, _lists(own), macros=True)
    for files, path in answers:
        for original in renamed[files]:
            found.covered |= {(path, oid) for oid in asked[original].get(path, ())}


def _lists(asked: Mapping[Files, Iterable[bytes]]) -> dict[Files, list[bytes]]:
    return {files: sorted(paths) for files, paths in asked.items()}


def _by_policies(
    repo: Repository,
    questions: _Questions,
    found: Bygone,
    counted: set[str],
    here: Callable[[str], bool] | None,
) -> None:
    oids = [oid for oid in questions.by_policy if here is None or here(oid)]
    for oid in oids[_MAX_POLICIES:]:
        found.bound(gitmodel.NAME, oid, "a policy that changes too often")
    by_text: defaultdict[str, defaultdict[bytes, set[str]]] = defaultdict(
        lambda: defaultdict(set)
    )
    for oid, _ in store.readable(repo, oids[:_MAX_POLICIES], gitmodel.MAX_BYTES):
        # One that cannot be read protected nothing then; today's are judged by themselves.
        for text in policies.read(repo, [oid]).rules:
            if text not in counted:
                for path, blobs in questions.by_policy[oid].items():
                    by_text[text][path] |= blobs
    for text, paths in by_text.items():
        for any_case in (False, True):
            for path in attributes.protected_by(text, paths, any_case=any_case):
                found.covered |= {(path, oid) for oid in paths[path]}
