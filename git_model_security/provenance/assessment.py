"""What of the content of a commit nobody vouches for (clause 3 of the rule).

An entry is a path with the mode and the blob that stand there.

a. It was adopted: yes.
b. A parent holds it and does not doubt it: yes. Only doubting parents hold it: ask.
c. Otherwise it was *introduced*. It is *touched* if a parent or an applied commit doubts its
   path, or a squashed one does. It is *theirs* if a foreign commit brought just it, or a blob
   of the same plaintext, after it stood here last. What stood before the doubt: yes. It once
   stood here, and is not (theirs, and (touched, or this line held it before)): yes. Touched or
   theirs: ask. They brought its blob to another path, it never stood and was not made here,
   and it is not tiny: ask. Protected, never stood, and made by no clean and no merge driver
   of ours: ask.
d. It was made of a *suspect*: ask. Suspects are what the sources doubt; what stood at
   either path is not counted.
e. What a doubting parent, or any other source, removed, and is not there: ask.

Everything else is vouched for: staging it was the act.
"""

from __future__ import annotations

import contextlib
from collections import defaultdict
from typing import TYPE_CHECKING

from git_model_security.clone.provenance import NOTHING
from git_model_security.content import reader
from git_model_security.errors import ConfigError, Error
from git_model_security.git import attributes, index, rev_list, trees
from git_model_security.git.hash_object import blob_oid
from git_model_security.policy import gitmodel
from git_model_security.provenance.likeness import Likeness, is_made_of
from git_model_security.provenance.sources import Sources

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from git_model_security.clone.clone import Clone
    from git_model_security.clone.provenance import Doubts
    from git_model_security.git.trees import Fact
    from git_model_security.provenance.commits import Commits

_TINY_BYTES = 64
"""Shorter content, an empty `__init__.py` for example, people write alike."""
_VERSIONS = 32
"""Of what stood at a path, so many versions are taken away from a suspect."""


def assess_index(commits: Commits, found: Sources) -> Doubts:
    """Returns the paths of the index that nobody vouches for, with what stood there before.

    Raises:
        GitError: an object is missing or corrupt.
    """
    repo = commits.clone.repo
    held = trees.facts(index.committable(repo))
    changed = {new.path for _, new in index.staged_changes(repo)}
    return _Assessor(commits, held, found).assess(changed)


def assess_commit(
    commits: Commits, commit: str, parents: Sequence[str], olds: Iterable[str]
) -> Doubts:
    """Returns the paths of a commit which nobody vouches for, that was made of old ones."""
    in_play = commits.clone.provenance.in_play()
    found = Sources(tuple(parents), tuple(olds), (), tuple(in_play))
    return assess_as_made(commits, commit, found)


def assess_as_made(commits: Commits, commit: str, found: Sources) -> Doubts:
    """Returns the paths of a commit which nobody vouches for, given what it was made of."""
    return _Assessor(commits, commits.facts(commit), found).assess(commits.changed(commit))


class _Assessor:
    """One look at the content of a commit: `held` is what it has, `found` where from."""

    def __init__(self, commits: Commits, held: Mapping[bytes, Fact], found: Sources) -> None:
        self._commits = commits
        self._clone = commits.clone
        self._held = held
        self._parents = [(one, commits.doubts(one)) for one in found.parents]
        self._applied = [(commits.changed(one), commits.doubts(one)) for one in found.applied]
        self._squashed = [(one, commits.doubts(one)) for one in found.squashed]
        self._found = found
        head = index.resolve(self._clone.repo, "HEAD^{commit}")
        self._adopted = self._clone.provenance.adopted(head)
        self._signatures = self._signature_paths()

    def assess(self, changed: Iterable[bytes]) -> Doubts:
        """Returns what is doubtful of the paths that the first parent has not, or doubts."""
        candidates = set(changed) if self._parents else set(self._held)
        candidates |= self._parents[0][1].keys() if self._parents else set()
        doubtful, introduced = [], []
        for path in sorted(candidates & self._held.keys() - self._signatures):
            fact = self._held[path]
            if (path, *fact) in self._adopted:  # a
                continue
            holding = [bad for one, bad in self._parents if self._commits.at(one, path) == fact]
            if not holding:
                introduced.append(path)
            elif all(path in bad for bad in holding):  # b
                doubtful.append(path)
        doubtful += self._doubt_introduced(introduced)
        doubtful += self._doubt_removed()
        return {path: self._before(path) for path in doubtful}

    def _doubt_introduced(self, paths: Sequence[bytes]) -> Iterator[bytes]:
        """Yields those that clauses c and d ask about."""
        if not paths:
            return
        record = self._clone.provenance
        oids = {self._held[path][1] for path in paths}
        origins = _Origins(self._commits, oids)
        stood = record.stood(oids)
        known = {oid for _, _, oid in stood} | record.made(oids) | origins.standing
        known.add(blob_oid(self._clone.repo.object_format, b""))
        guarded = attributes.protected(self._clone.repo, paths)
        compared = []
        for path in paths:
            mode, oid = fact = self._held[path]
            touching = list(self._touching(path))
            # What came before it stood, somebody has decided for.
            last = origins.bad(oid).get((path, mode))
            theirs = last is not None and last > stood.get((path, mode, oid), -1)
            if any(bad[path] == fact for bad in touching):
                continue
            has_stood = (path, mode, oid) in stood or (path, mode) in origins.good(oid)
            if has_stood and not (theirs and (touching or self._was_replaced(path, oid))):
                continue
            if (
                touching
                or theirs
                or (origins.bad(oid) and oid not in known and not self._is_tiny(fact))
            ):
                yield path
            elif any(path in changed for changed, _ in self._applied):
                compared.append(path)
            elif _is_file(mode) and path in guarded and oid not in known:
                yield path
            else:
                compared.append(path)
        yield from self._doubt_derived(compared)

    def _touching(self, path: bytes) -> Iterator[Doubts]:
        for _, bad in (*self._parents, *self._applied, *self._squashed):
            if path in bad:
                yield bad

    def _was_replaced(self, path: bytes, oid: str) -> bool:
        """Tells whether this line held a blob just there before: then it was withdrawn."""
        if b"\n" in path or not self._parents:
            return True
        named = [one for one, _ in self._parents]
        return rev_list.have_held(self._clone.repo, named, path, oid)

    def _is_tiny(self, fact: Fact) -> bool:
        mode, oid = fact
        return _is_file(mode) and self._clone.objects.stream(oid).size < _TINY_BYTES

    def _doubt_derived(self, paths: Sequence[bytes]) -> Iterator[bytes]:
        """Yields the files that were made of what a source doubts (clause d)."""
        suspects = self._suspects() if paths else {}
        likeness = Likeness(self._clone)
        likeness.read_ahead(suspects)
        for path in paths if suspects else ():
            mode, oid = self._held[path]
            if not _is_file(mode):
                continue
            own = likeness.runs(self._versions(path, oid))
            mine = likeness.runs([oid]) - own
            if any(
                is_made_of(mine, likeness.runs([other]) - own - likeness.runs(before))
                for other, before in suspects.items()
            ):
                yield path

    def _suspects(self) -> dict[str, set[str]]:
        """Returns blobs that a source doubts, with those that stood in their places.

        Without those that somebody has decided for since.
        """
        found: dict[str, set[str]] = {}
        placed = [
            (path, *self._commits.at(one, path), was)
            for one in self._found.all
            for path, was in self._commits.known_doubts(one).items()
        ]
        oids = {oid for _, mode, oid, _ in placed if _is_file(mode)}
        stood, origins = self._clone.provenance.stood(oids), _Origins(self._commits, oids)
        for path, mode, oid, was in placed:
            last = origins.bad(oid).get((path, mode), 0)
            if _is_file(mode) and stood.get((path, mode, oid), -1) < last:
                before = found.setdefault(oid, set())
                before.update(self._undoubted(path))
                if was is not None and _is_file(was[0]):
                    before.add(was[1])
        return found

    def _versions(self, path: bytes, oid: str) -> set[str]:
        """Returns the blobs that stood at a path before."""
        stood = self._clone.provenance.stood_at(path, _VERSIONS)
        return {*self._undoubted(path), *stood} - {oid}

    def _undoubted(self, path: bytes) -> set[str]:
        facts = (self._commits.at(one, path) for one, bad in self._parents if path not in bad)
        return {oid for mode, oid in facts if _is_file(mode)}

    def _doubt_removed(self) -> Iterator[bytes]:
        """Yields the paths that were removed by somebody, and are not there (clause e)."""
        there = self._held.keys() | self._signatures
        adopted = {path for path, _, oid in self._adopted if not oid}
        gone: dict[bytes, list[bool]] = defaultdict(list)
        for one, bad in self._parents:
            for path in bad.keys() - there - adopted:
                if bad[path] != NOTHING:
                    gone[path].append(self._commits.at(one, path) == NOTHING)
        applied = zip(self._found.applied, (bad for _, bad in self._applied), strict=True)
        suspects = ((one, self._commits.known_doubts(one)) for one in self._found.suspects)
        for one, bad in (*self._squashed, *applied, *suspects):
            for path in bad.keys() - there - adopted - gone.keys():
                is_base = (
                    self._parents and self._commits.at(self._parents[0][0], path) != NOTHING
                )
                if is_base and self._commits.at(one, path) == NOTHING:
                    gone[path].append(True)
        yield from sorted(path for path, removed in gone.items() if all(removed))

    def _before(self, path: bytes) -> Fact | None:
        """Returns what stood at a path before it became doubtful."""
        earlier = {bad[path] for bad in self._touching(path)}
        if earlier:
            return earlier.pop() if len(earlier) == 1 else None
        return self._commits.at(self._parents[0][0], path) if self._parents else NOTHING

    def _signature_paths(self) -> set[bytes]:
        """Returns where the signatures stand: they say themselves whose they are."""
        places = [self._held.get(gitmodel.NAME, NOTHING)]
        places += [self._commits.at(one, gitmodel.NAME) for one, _ in self._parents]
        found: set[bytes] = set()
        for mode, oid in dict.fromkeys(places):
            with contextlib.suppress(ConfigError):  # one that cannot be read names none
                entries = [index.Entry(gitmodel.NAME, mode, oid)] if mode else []
                policy = gitmodel.find(entries, self._clone.objects)
                found |= policy.signature_paths() if policy else set()
        return found


class _Origins:
    """Where foreign commits have blobs, or others of their plaintext; and those that stand."""

    def __init__(self, commits: Commits, oids: Iterable[str]) -> None:
        alike = {oid: [oid, *_aliases(commits.clone, oid)] for oid in oids}
        rows = commits.clone.provenance.brought(
            {one for same in alike.values() for one in same}
        )
        self._bad: dict[str, dict[tuple[bytes, int], int]] = defaultdict(dict)
        self._good: dict[str, set[tuple[bytes, int]]] = defaultdict(set)
        for oid, same in alike.items():
            for one in same:
                for path, mode, commit, when in rows.get(one, ()):
                    if commit is not None and commits.is_made_here(commit):
                        continue
                    if commit is None or not commits.stands(commit):
                        known = self._bad[oid]
                        known[path, mode] = max(when, known.get((path, mode), 0))
                    elif one == oid:
                        self._good[oid].add((path, mode))

    @property
    def standing(self) -> set[str]:
        """Those blobs that a commit has which stands."""
        return set(self._good)

    def bad(self, oid: str) -> dict[tuple[bytes, int], int]:
        """Returns the paths and modes at which foreign commits have it, and when they came."""
        return self._bad.get(oid, {})

    def good(self, oid: str) -> set[tuple[bytes, int]]:
        """Returns the paths and modes at which commits that stand have it."""
        return self._good.get(oid, set())


def _aliases(clone: Clone, oid: str) -> list[str]:
    """Returns other blobs of the same plaintext: under another key or storage, or in clear."""
    known = clone.digests.get(oid)
    if known is None:
        return []
    found = clone.digests.alike(oid, known)
    if clone.provenance.has_length(known.length):
        with contextlib.suppress(Error):  # it does not open, or is not here
            found.append(reader.clear_oid(clone, oid))
    return [one for one in found if one != oid]


def _is_file(mode: int) -> bool:
    return mode in index.FILES
