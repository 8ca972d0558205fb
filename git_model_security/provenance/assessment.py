"""What of the content of a commit nobody vouches for (clause 3 of the rule).

An entry is a path with the mode and the blob that stand there.

a. It was adopted: yes.
   Of what was merged or picked over a base that is made up (`bases`), at the paths that this
   doubts: only what the first parent has and does not doubt is not asked about. What a merged
   side took back of a signed state, and is so here (`withdrawals`): ask.
b. A parent holds it and does not doubt it: yes. Only doubting parents hold it: ask.
c. Otherwise it was *introduced*. It is *touched* if a parent or an applied commit doubts its
   path, or a squashed one does. It is *theirs* if a foreign commit brought just it, or a blob
   of the same plaintext, after it stood here last. What stood before the doubt: yes. It once
   stood here, and is not (theirs, and (touched, or this line held it before)): yes. Touched or
   theirs: ask. They brought its blob to another path, it never stood and was not made here,
   and it is not tiny, or was moved from there: ask. A patch by mail is being applied: ask.
   Protected, never stood, and made by no clean and no merge driver of ours: ask.
d. It was made of a *suspect*, of what the sources doubt (`suspects`): ask.
e. What a doubting parent, or any other source, removed, and is not there: ask. So of a merge
   below another directory: of what a foreign side removed, at another path.

Everything else is vouched for: staging it was the act.
"""

from __future__ import annotations

import contextlib
from collections import defaultdict
from typing import TYPE_CHECKING

from git_model_security.clone.provenance import NOTHING
from git_model_security.errors import ConfigError
from git_model_security.git import attributes, history, index, rev_list, trees
from git_model_security.git.hash_object import blob_oid
from git_model_security.policy import gitmodel
from git_model_security.provenance import withdrawals
from git_model_security.provenance.origins import Origins
from git_model_security.provenance.sources import Sources
from git_model_security.provenance.suspects import Suspects, is_file, is_shifted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence, Set

    from git_model_security.clone.provenance import Doubts, Placed
    from git_model_security.git.trees import Fact
    from git_model_security.provenance.commits import Commits
    from git_model_security.provenance.withdrawals import Withdrawn

_TINY_BYTES = 64
"""Shorter content, an empty `__init__.py` for example, people write alike."""


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
        self._applied = [
            (one, commits.changed(one), commits.doubts(one)) for one in found.applied
        ]
        self._squashed = [(one, commits.doubts(one)) for one in found.squashed]
        self._found = found
        head = index.resolve(self._clone.repo, "HEAD^{commit}")
        self._adopted = self._clone.provenance.adopted(head)
        self._signatures: set[bytes] = set()
        self._made_up: set[bytes] = set()
        self._withdrawn: Withdrawn = {}

    def assess(self, changed: Iterable[bytes]) -> Doubts:
        """Returns what is doubtful of the paths that the first parent has not, or doubts."""
        candidates = set(changed) if self._parents else set(self._held)
        candidates |= self._parents[0][1].keys() if self._parents else set()
        self._made_up = self._commits.bases.of_sources(self._found) if candidates else set()
        self._withdrawn = withdrawals.of_sources(self._commits, self._found, self._held)
        candidates |= {path for path, _ in self._withdrawn}
        is_policy_doubted = bool(self._doubt_held(candidates & {gitmodel.NAME}))
        self._signatures = self._signature_paths(is_policy_doubted=is_policy_doubted)
        doubtful = self._doubt_held(candidates - self._signatures)
        doubtful += self._doubt_removed()
        doubtful += self._doubt_removed_below(candidates - self._held.keys() - {*doubtful})
        return {path: self._before(path) for path in doubtful}

    def _doubt_held(self, candidates: Set[bytes]) -> list[bytes]:
        """Returns those of some paths that clauses a to d ask about."""
        doubtful, introduced = [], []
        for path in sorted(candidates & self._held.keys()):
            fact = self._held[path]
            if (path, *fact) in self._adopted:  # a
                continue
            holding = [bad for one, bad in self._parents if self._commits.at(one, path) == fact]
            is_made_up = path in self._made_up and not self._is_of_first(path, fact)
            if is_made_up or (path, fact) in self._withdrawn:
                doubtful.append(path)
            elif not holding:
                introduced.append(path)
            elif all(path in bad for bad in holding):  # b
                doubtful.append(path)
        return [*doubtful, *self._doubt_introduced(introduced)]

    def _is_of_first(self, path: bytes, fact: Fact) -> bool:
        """Tells whether the first parent vouches for what is at a path."""
        if not self._parents:
            return False
        first, bad = self._parents[0]
        return path not in bad and self._commits.at(first, path) == fact

    def _doubt_introduced(self, paths: Sequence[bytes]) -> Iterator[bytes]:
        """Yields those that clauses c and d ask about."""
        if not paths:
            return
        record = self._clone.provenance
        oids = {self._held[path][1] for path in paths}
        origins = Origins(self._commits, oids)
        stood = record.stood(oids)
        decided = {oid for _, _, oid in stood} | origins.standing
        known = decided | record.made(oids)
        known.add(blob_oid(self._clone.repo.object_format, b""))
        guarded = attributes.protected(self._clone.repo, paths)
        suspects = Suspects(self._commits, self._found, self._held.keys())
        compared: list[Placed] = []
        for path in paths:
            mode, oid = fact = self._held[path]
            touching = list(self._touching(path))
            # What came before it stood, somebody has decided for.
            last = origins.bad(oid).get((path, mode))
            theirs = last is not None and last > stood.get((path, mode, oid), -1)
            # As a parent says: what others say stood there before, they chose themselves.
            if any(bad.get(path) == fact for _, bad in self._parents):
                continue
            moved = fact in suspects.moved
            has_stood = (path, mode, oid) in stood or (path, mode) in origins.good(oid)
            is_back = theirs and (touching or self._was_replaced(path, oid))
            if has_stood and not moved and not is_back:
                continue
            is_elsewhere = bool(origins.bad(oid)) and oid not in known
            shifted = is_elsewhere and any(is_shifted(one, path) for one, _ in origins.bad(oid))
            if (
                touching
                or theirs
                or moved
                or self._found.is_mailed
                or (is_elsewhere and (shifted or not self._is_tiny(fact)))
            ):
                yield path
            elif self._is_applied(path, fact):
                compared.append((path, mode, oid))
            elif is_file(mode) and path in guarded and oid not in known:
                yield path
            else:
                compared.append((path, mode, oid))
        yield from suspects.list_derived(compared, decided)

    def _is_applied(self, path: bytes, fact: Fact) -> bool:
        """Tells whether Git took what an applied commit changed a path to."""
        return any(
            path in changed and self._commits.at(one, path) == fact
            for one, changed, _ in self._applied
        )

    def _touching(self, path: bytes) -> Iterator[Doubts]:
        """Yields the doubts about a path, but for content that was adopted there."""
        applied = ((one, bad) for one, _, bad in self._applied)
        for one, bad in (*self._parents, *applied, *self._squashed):
            if path in bad and (path, *self._commits.at(one, path)) not in self._adopted:
                yield bad

    def _was_replaced(self, path: bytes, oid: str) -> bool:
        """Tells whether this line held a blob just there before: then it was withdrawn."""
        if b"\n" in path or not self._parents:
            return True
        named = [one for one, _ in self._parents]
        return rev_list.have_held(self._clone.repo, named, path, oid)

    def _is_tiny(self, fact: Fact) -> bool:
        mode, oid = fact
        return is_file(mode) and self._clone.objects.stream(oid).size < _TINY_BYTES

    def _doubt_removed(self) -> Iterator[bytes]:
        """Yields the paths that were removed by somebody, and are not there (clause e)."""
        there = self._held.keys() | self._signatures
        first = self._parents[0] if self._parents else None
        adopted = {path for path, _, oid in self._adopted if not oid}
        gone: dict[bytes, list[bool]] = defaultdict(list)
        for one, bad in self._parents:
            for path in bad.keys() - there - adopted:
                if bad[path] != NOTHING:
                    gone[path].append(self._commits.at(one, path) == NOTHING)
        applied = ((one, bad) for one, _, bad in self._applied)
        suspects = ((one, self._commits.known_doubts(one)) for one in self._found.suspects)
        for one, bad in (*self._squashed, *applied, *suspects):
            for path in bad.keys() - there - adopted - gone.keys():
                is_base = (
                    self._parents and self._commits.at(self._parents[0][0], path) != NOTHING
                )
                if is_base and self._commits.at(one, path) == NOTHING:
                    gone[path].append(True)
        for path in self._made_up - there - adopted if first else ():
            if first and path not in first[1] and self._commits.at(first[0], path) != NOTHING:
                gone[path] = [True]
        withdrawn = {path for path, fact in self._withdrawn if fact == NOTHING}
        gone |= {path: [True] for path in withdrawn - there - adopted}
        yield from sorted(path for path, removed in gone.items() if all(removed))

    def _doubt_removed_below(self, gone: Set[bytes]) -> Iterator[bytes]:
        """Yields what is gone, where a foreign side removed just that at another path.

        Git merges so with `-X subtree`: what there is nothing of here cannot be told by path.
        """
        gone -= self._signatures | {path for path, _, oid in self._adopted if not oid}
        sides = (*self._found.parents[1:], *self._found.squashed)
        foreign = [one for one in sides if self._commits.is_foreign(one)] if gone else []
        if not (gone and self._parents):
            return
        first = self._parents[0][0]
        removed = {
            before
            for one, changed, _ in self._applied
            if self._commits.is_foreign(one)
            for path, before in changed.items()
            if self._commits.at(one, path) == self._commits.at(first, path) == NOTHING
        }
        for side in foreign:
            there = self._commits.facts(side)
            for base in history.merge_bases(self._clone.repo, first, side):
                lost = self._commits.facts(base).items()
                removed.update(
                    fact
                    for path, fact in lost
                    if path not in there and self._commits.at(first, path) == NOTHING
                )
        yield from sorted(path for path in gone if self._commits.at(first, path) in removed)

    def _before(self, path: bytes) -> Fact | None:
        """Returns what stood at a path before it became doubtful."""
        withdrawn = path, self._held.get(path, NOTHING)
        if withdrawn in self._withdrawn:
            return self._withdrawn[withdrawn]
        earlier = {bad[path] for _, bad in self._parents if path in bad}
        if earlier:
            return earlier.pop() if len(earlier) == 1 else None
        return self._commits.at(self._parents[0][0], path) if self._parents else NOTHING

    def _signature_paths(self, *, is_policy_doubted: bool) -> set[bytes]:
        """Returns where the signatures stand: they say themselves whose they are.

        As policies name them that nobody doubts: else a stranger's names any file.
        """
        name = gitmodel.NAME
        places = [] if is_policy_doubted else [self._held.get(name, NOTHING)]
        places += [self._commits.at(one, name) for one, bad in self._parents if name not in bad]
        found: set[bytes] = set()
        for mode, oid in dict.fromkeys(places):
            with contextlib.suppress(ConfigError):  # one that cannot be read names none
                entries = [index.Entry(gitmodel.NAME, mode, oid)] if mode else []
                policy = gitmodel.find(entries, self._clone.objects)
                found |= policy.signature_paths() if policy else set()
        return found
