"""`git model track`: protects more from now on, and what is tracked already at once.

`untrack` is the way back. Both plan first, then write `.gitmodel`, the attributes made
from it, the pinned policy of this clone and the index; nothing is committed.
"""

from __future__ import annotations

import os
import posixpath
import shlex
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from git_model_security.clone import missing_policy
from git_model_security.errors import PolicyError
from git_model_security.git import attributes as git_attributes
from git_model_security.git import config, index
from git_model_security.git.paths import shown
from git_model_security.policy import attributes, gitmodel, pinned, profiles
from git_model_security.policy.gitmodel import checked
from git_model_security.provenance import recording
from git_model_security.setup import accept_policy, sealing, write_policy

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from git_model_security.clone.clone import Clone
    from git_model_security.git.index import Entry
    from git_model_security.guard.finding import Finding
    from git_model_security.policy.gitmodel import Policy

_NEEDED = frozenset(name.encode() for name in (*attributes.ALWAYS_CLEAR, ".lfsconfig"))
"""Git, git-lfs, or a clone without a key must be able to read these."""
_WILD = frozenset("*?[")


@dataclass
class Ground:
    """What a change of policy starts from.

    Attributes:
        policy: in force, and taken over by this clone.
        entries: the files of the index.
        paths: their paths, and those of untracked files.
        any_case: this repository matches patterns in any letter case.
    """

    policy: Policy
    entries: list[Entry]
    paths: list[bytes]
    any_case: bool

    def matched(self, patterns: Iterable[str], paths: Iterable[bytes]) -> set[bytes]:
        """Returns the paths that patterns match."""
        lines = attributes.matching(patterns)
        return git_attributes.protected_by(lines, paths, any_case=self.any_case)

    def protected(self, policy: Policy) -> set[bytes]:
        """Returns the paths that a policy protects."""
        lines = attributes.render(policy)
        return git_attributes.protected_by(lines, self.paths, any_case=self.any_case)


@dataclass
class Plan:
    """What will change.

    Attributes:
        changed: files of the index that change sides.
        waiting: files not in the index that do.
        alike: files that are on this side already, and only go on record.
        history: what history holds in clear of what will be protected.
    """

    policy: Policy
    before: Policy
    changed: list[Entry] = field(default_factory=list)
    waiting: list[bytes] = field(default_factory=list)
    alike: list[bytes] = field(default_factory=list)
    history: list[Finding] = field(default_factory=list)

    @property
    def is_idle(self) -> bool:
        """Whether it is so already."""
        return self.policy == self.before and not self.changed


def ground(clone: Clone) -> Ground:
    """Looks at what a change of policy starts from.

    Raises:
        KeyNotFoundError: the clone is locked.
        PolicyError: there is no policy, another one is pinned here, paths are in
            conflict, or changes of the files that are written would be lost.
    """
    repo = clone.repo
    repo.require_work_tree()
    entries = index.staged(repo)
    policy = missing_policy.require(clone, entries)
    clone.ring.require_key()
    if any(entry.stage for entry in entries):
        raise PolicyError(
            "paths are in conflict", hint="finish the merge or rebase first, or give it up"
        )
    found = accept_policy.drift(clone)
    if found is not None or not pinned.rules(repo):
        said = accept_policy.describe(found) if found else "nothing is pinned"
        raise PolicyError(
            f"{accept_policy.OTHER}: {said}",
            hint="`git model track --accept` takes it over, or take the change back",
        )
    oid = next(entry.oid for entry in entries if entry.path == gitmodel.NAME)
    if not pinned.is_accepted(repo, oid):
        pinned.accept(repo, oid)
    written = (gitmodel.NAME, git_attributes.FILE)
    dirty = repo.git("diff-files", "--name-only", "-z", "--", *written)
    if dirty:
        name = shown(dirty.split(b"\0")[0])
        raise PolicyError(
            f"{name} has changes that are not staged, and will be written",
            hint=f"`git add {name}` or `git restore {name}` first",
        )
    files = [entry for entry in entries if entry.is_file]
    paths = [*(entry.path for entry in files), *index.list_untracked(repo)]
    any_case = config.is_true(config.read(repo, "core"), "core.ignorecase")
    return Ground(policy, files, paths, any_case)


def patterns_of(
    words: Sequence[str], start: Ground, *, is_anchored: bool = False
) -> tuple[str, ...]:
    """Returns the attribute patterns that a person's words, relative to the top, stand for.

    A directory stands for all that is in it, which attributes do not say by themselves; the
    name of what is there stands for it, also where it reads like a pattern of something else.
    With `is_anchored` the bare name of a file at the top is no other file.

    Raises:
        PolicyError: one matches what must stay as it is.
    """
    names = (word.removeprefix("./") for word in words)
    found = [_pattern_of(name, start, is_anchored=is_anchored) for name in names]
    kept = {path for path in start.paths if posixpath.basename(path) in _NEEDED}
    kept |= _NEEDED | start.policy.signature_paths()
    for pattern in found:
        checked(start.policy._replace(include=(pattern,)))
        if touched := start.matched((pattern,), kept):
            raise PolicyError(
                f"{pattern}: matches {shown(min(touched))}, which must stay as it is",
                hint="name fewer files, '*.bin' or 'docs/**' for example",
            )
    return tuple(dict.fromkeys(found))


def _pattern_of(word: str, start: Ground, *, is_anchored: bool) -> str:
    name = word.strip("/")
    path = os.fsencode(name)
    below = [one for one in start.paths if one.startswith(path + b"/")]
    named = below or [one for one in start.paths if one == path]
    tail = "/**" if below or word.endswith("/") else ""
    pattern = f"{word.rstrip('/')}{tail}" if tail else word
    plain = attributes.literal(name)
    if plain != name and named and not start.matched((pattern,), named[:1]):
        return plain + tail
    return f"/{word}" if is_anchored and not tail and "/" not in word and named else pattern


def plan(clone: Clone, words: Sequence[str], profile: str | None = None) -> Plan:
    """Decides what `track` will do; writes nothing.

    A `profile` must protect more than the one of now, which None keeps.

    Raises:
        PolicyError: see `ground` and `patterns_of`; or another pattern leaves clear what
            should be protected, or the profile protects less.
        NotFetchedError: what git-lfs keeps in clear is not here to be encrypted.
    """
    start = ground(clone)
    patterns = patterns_of(words, start)
    old = start.policy
    gone = {*patterns, *(f"/{pattern}" for pattern in patterns)}
    new = _under(start, profile)._replace(
        exclude=tuple(one for one in old.exclude if one not in gone),
        untracked=tuple(one for one in old.untracked if one not in gone),
    )
    for pattern in patterns:
        matched = start.matched((pattern,), start.paths)
        is_there = pattern in (*new.include, *profiles.patterns(new.profile))
        # A name, of which there is one and all are encrypted, need not be said again.
        is_there |= bool(matched) and not _WILD & set(pattern)
        is_gone = bool(gone & {*old.exclude, *old.untracked})
        if not (is_there or is_gone) or not matched <= start.protected(new):
            new = new._replace(include=tuple(dict.fromkeys((*new.include, pattern))))
    after = start.protected(new)
    left = start.matched(patterns, start.paths) - after
    if left:
        path = min(left)
        said = [one for one in (*new.exclude, *new.untracked) if start.matched((one,), (path,))]
        raise PolicyError(
            f"{shown(path)}: stays clear, since {' and '.join(map(repr, said))} is excluded",
            # Those that were given as well: alone, the others would keep it clear.
            hint=f"`git model track {shlex.join([*words, *said])}` takes that back"
            if said
            else None,
        )
    more = after - start.protected(old)
    sealing.require_content(clone, start.entries, more, new.limit)
    changed = [entry for entry in start.entries if entry.path in more]
    tracked = {entry.path for entry in start.entries}
    found = _history(clone, start, patterns, old, new) if new != old else []
    return Plan(new, old, changed, sorted(more - tracked), history=found)


def _under(start: Ground, profile: str | None) -> Policy:
    """Returns the policy with another profile, and all files encrypted that are now."""
    policy = start.policy
    order = profiles.NAMES
    if profile is not None and order.index(profile) > order.index(policy.profile):
        raise PolicyError(
            f"profile {profile} protects less than {policy.profile}, which is in force",
            hint="`git model untrack PATTERN` lets out what may be clear",
        )
    new = policy._replace(profile=profile or policy.profile)
    lost = sorted(start.protected(policy) - start.protected(new))
    kept = (attributes.literal(f"/{os.fsdecode(path)}") for path in lost)
    return checked(new._replace(include=(*new.include, *kept)))


def _history(
    clone: Clone, start: Ground, patterns: tuple[str, ...], old: Policy, new: Policy
) -> list[Finding]:
    from git_model_security.guard import audit, finding

    is_other = new.profile != old.profile
    lines = attributes.render(new) if is_other else attributes.matching(patterns)
    report = audit.audit(clone.repo, ("--all",), rules=lines)
    rules = {finding.PLAINTEXT, finding.POINTER, finding.KEY}
    found = [one for one in report.findings if one.rule in rules]
    paths = {one.path for one in found}
    matched = start.matched(patterns, paths)
    if is_other:
        matched |= paths - git_attributes.protected_by(attributes.render(old), paths)
    return [one for one in found if one.path in matched]


def track(clone: Clone, planned: Plan) -> list[bytes]:
    """Does what was planned; returns what was encrypted in the index.

    Raises:
        Error: an object is missing, or Git refused a step; the pinned policy is as before.
    """
    repo = clone.repo
    before = planned.before
    refused = recording.judge_index(clone).doubts
    pinned.pin(repo, planned.policy)
    try:
        done = sealing.seal_staged(clone)
    except BaseException:
        pinned.pin(repo, before)
        raise
    # What a trusted commit had in clear, or was made here, is no stranger's now.
    sealed = {entry.path: entry for entry in index.staged(repo)}
    clone.provenance.adopt(sealed[path][:3] for path in set(done.paths) - refused.keys())
    pinned.withhold(repo, (entry.oid for entry in planned.changed))
    if planned.policy != before:
        write_policy.write(repo, planned.policy)
    accept_policy.settle(clone, (entry.path for entry in planned.changed))
    return sorted(done.paths)
