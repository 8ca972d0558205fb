"""`git model untrack`: lets files go back into Git in clear, on purpose and on record.

The record in `.gitmodel` tells every clone that clear content may follow an envelope at
these paths. What the index holds is opened and staged; the work tree stays as it is.
"""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from git_model_security.clone import audit_log
from git_model_security.content import blob, reader
from git_model_security.errors import PolicyError
from git_model_security.git import index, worktree
from git_model_security.git.paths import shown
from git_model_security.guard.policies import names_a_path
from git_model_security.policy import attributes, pinned
from git_model_security.policy.content import HEAD_BYTES, model_format
from git_model_security.policy_change.track import Plan, ground, patterns_of
from git_model_security.provenance import recording
from git_model_security.setup import sealing, storage_choice, write_policy

if TYPE_CHECKING:
    from collections.abc import Sequence

    from git_model_security.clone.clone import Clone
    from git_model_security.git.index import Entry

LIMIT_BYTES = storage_choice.INLINE_LIMIT_BYTES
"""Clear content goes back as a blob: Git holds a longer one in memory as a whole, and a
pointer of git-lfs would need attributes that the pinned policy takes away."""


def plan(clone: Clone, words: Sequence[str]) -> Plan:
    """Decides what `untrack` will do; opens all that will be clear, and writes nothing.

    Raises:
        PolicyError: see `track.ground` and `patterns_of`; or a file is too long for
            Git, or a model that no pattern names.
        NotFetchedError: an object is not here.
        EnvelopeError: one does not open.
    """
    start = ground(clone)
    patterns = patterns_of(words, start, is_anchored=True)
    old = start.policy
    new = old._replace(
        include=tuple(one for one in old.include if one not in patterns),
        untracked=tuple(dict.fromkeys((*old.untracked, *patterns))),
    )
    less = start.protected(old) - start.protected(new)
    named = start.matched(filter(names_a_path, new.untracked), less)
    changed = [entry for entry in start.entries if entry.path in less]
    for entry in changed:
        _require_fit(clone, entry, is_named=entry.path in named)
    tracked = {entry.path for entry in start.entries}
    alike = start.matched(patterns, start.paths) - start.protected(old)
    return Plan(new, old, changed, sorted(less - tracked), sorted(alike))


def _require_fit(clone: Clone, entry: Entry, *, is_named: bool) -> None:
    """Opens a file to its end, and raises where it cannot go back into Git in clear."""
    length, head = 0, b""
    for piece in reader.open_content(clone, entry.oid):
        length += len(piece)
        head = head or bytes(piece[:HEAD_BYTES])
        if length > LIMIT_BYTES:
            raise PolicyError(
                f"{shown(entry.path)}: longer than the {LIMIT_BYTES} bytes that go into Git"
                " as they are",
                hint="publish it elsewhere, or leave it encrypted",
            )
    if (title := model_format(head, length, entry.path)) and not is_named:
        pattern = shlex.quote(attributes.literal(shown(entry.path)))
        raise PolicyError(
            f"{shown(entry.path)}: a model file ({title}), which the guards let out only by"
            " its name",
            hint=f"`git model untrack {pattern}` if that is meant",
        )


def untrack(clone: Clone, planned: Plan, reason: str = "") -> list[bytes]:
    """Does what was planned; returns what is clear in the index now.

    1. It is in the audit log before anything is clear.
    2. The index gets the opened content, `.gitmodel` its record, and the clone its
       pinned policy: in this order, so that what is done by half is refused by the guards.
    3. Where only a pointer or ciphertext stood in the work tree, Git writes the content.

    Raises:
        Error: an object is missing or damaged, or Git refused a step.
    """
    repo = clone.repo
    audit_log.record(
        repo,
        "untrack",
        commits=filter(None, [index.resolve(repo, "HEAD")]),
        reason=reason,
        findings=[*planned.policy.untracked, *(shown(one.path) for one in planned.changed)],
    )
    sealed = {one.path: one.oid for one in planned.changed}
    sizes, pointers = blob.survey(repo, sealed.values())
    unwritten = [
        path
        for path, oid in sealed.items()
        if blob.is_in_place(repo, path, oid, pointers.get(oid), sizes.get(oid))
    ]
    doubts = recording.judge_index(clone).doubts
    clear = sealing.open_staged(clone, planned.changed)
    clone.provenance.adopt(one[:3] for one in clear if one.path not in doubts)
    write_policy.write(repo, planned.policy)
    pinned.pin(repo, planned.policy)
    worktree.rewrite(repo, unwritten)
    index.refresh(repo)
    return sorted(one.path for one in clear if one.oid != sealed[one.path])
