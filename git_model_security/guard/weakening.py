"""Does a `.gitmodel` protect less than the one before it.

A guard that reads the policy before each push would else be led away from it in two
steps: first the policy, in which nothing is in clear, then the model.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_model_security.guard.finding import BROKEN_POLICY, Finding
from git_model_security.policy import gitmodel
from git_model_security.policy.profiles import ALL, ALL_BUT_SOURCE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from git_model_security.git.objects import ObjectReader
    from git_model_security.policy.gitmodel import Policy


LESS = "protects less"
"""What the details of these findings begin with."""

_NOT_COVERED = {
    "all": "what begins with a dot, or is in a directory that does, is no longer covered",
    "all-but-source": "what begins with a dot, is in a directory that does, or is known to be"
    " source text, is no longer covered",
    "weights": "what is not named as a model's files are is no longer covered",
}
"""What each profile leaves out that another may protect."""


def findings(
    reader: ObjectReader, steps: Iterable[tuple[str, str | None]]
) -> dict[tuple[str, str | None], Finding]:
    """Returns a finding for each step in which a policy takes protection away.

    Args:
        reader: reads the blobs.
        steps: blob of a policy, and of the one after it, or None when it is gone.

    Raises:
        GitError: a blob is missing or corrupt.
    """
    read: dict[str, Policy | None] = {}
    found = {}
    for old, new in dict.fromkeys(steps):
        if old == new:
            continue
        for oid in filter(None, (old, new)):
            if oid not in read:
                read[oid] = gitmodel.readable(reader, oid)
        before, after = read[old], read[new] if new else None
        if before is None or (new and after is None):
            continue  # what cannot be read is a finding of its own, or was one
        if said := lost(before, after) if after else ["the file is gone"]:
            detail = f"{LESS} than before, under no trusted signature: {'; '.join(said)}"
            blob = new or old
            size = reader.stream(blob).size
            found[old, new] = Finding(BROKEN_POLICY, gitmodel.NAME, blob, size, detail)
    return found


def lost(old: Policy, new: Policy) -> list[str]:
    """Returns what a new policy protects or signs less, in a few words each."""
    said = []
    # `weights` protects in directories that begin with a dot, too, which no other does.
    if new.profile != old.profile and (new.profile, old.profile) != (ALL, ALL_BUT_SOURCE):
        said.append(
            f"profile {old.profile} became {new.profile}, so that"
            f" {_NOT_COVERED[new.profile]} (`include` may name it)"
        )
    lists = {
        "no longer included": set(old.include) - set(new.include),
        "now excluded": set(new.exclude) - set(old.exclude),
        "now untracked": set(_untracked(new)) - set(_untracked(old)),
        "no longer a signed model root": set(old.roots) - set(new.roots),
    }
    said += [f"{pattern!r} {what}" for what, more in lists.items() for pattern in sorted(more)]
    return said


def _untracked(policy: Policy) -> Iterable[str]:
    return map(str, getattr(policy, "untracked", ()))
