"""What a newly seen list is to one that is believed.

A list is believed only if it begins with the bytes that were believed before: so nobody
takes back a change, a squash or a shallow clone hides none, and of two that part from each
other the first one stays. No clock is asked. Where the bytes come from, and what a command
does about a fork, is not decided here. docs/SPEC.md, "Team: belief".
"""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, NamedTuple

from git_model_security.errors import TeamError
from git_model_security.team.document import parse_fingerprint
from git_model_security.team.replay import Replayed, replay

if TYPE_CHECKING:
    from git_model_security.team.document import Entry


class Standing(enum.Enum):
    """A list beside the believed one."""

    SAME = "the same list"
    NEWER = "newer"
    OLDER = "older"
    """The believed one begins with it. On the branch that a clone goes by: rolled back."""
    FORK = "forked"
    """It parts from the believed one, or is another list altogether."""


class Comparison(NamedTuple):
    """What a list is to the believed one.

    Attributes:
        standing: only `NEWER` may become believed.
        candidate: the list that was compared.
        common: how many entries both begin with.
        changes: those entries of it that are not believed.
    """

    standing: Standing
    candidate: Replayed
    common: int
    changes: tuple[Entry, ...]


def compare(believed: bytes, data: bytes) -> Comparison:
    """Judges a list, and compares it with the bytes that are believed.

    What is believed is not judged again where the list begins with it.

    Raises:
        TeamError: the list does not hold; see `replay`.
    """
    begins = data.startswith(believed)
    candidate = replay(data, believed_bytes=len(believed) if begins else 0)
    # A proposal is no part of what is compared: it goes when its signatures have come.
    complete = candidate.complete
    if complete == believed:
        standing = Standing.SAME
    elif begins:
        standing = Standing.NEWER
    elif believed.startswith(complete):
        standing = Standing.OLDER
    else:
        standing = Standing.FORK
    common = _common(believed, candidate)
    return Comparison(standing, candidate, common, candidate.entries[common:])


def _common(believed: bytes, candidate: Replayed) -> int:
    start = 0
    for number, entry in enumerate(candidate.entries):
        if believed[start : entry.end] != candidate.complete[start : entry.end]:
            return number
        start = entry.end
    return len(candidate.entries)


def require_anchor(found: Replayed, text: str) -> None:
    """Refuses a list that is not the one of a fingerprint, nor grew from it.

    This is how a list is first believed, by what a colleague said (`--team`); a list that
    is held back or rolled back to before it does not pass.

    Raises:
        TeamError: the fingerprint is none, or the list does not pass through it.
    """
    number, digest = parse_fingerprint(text)
    if found.passes_through(number, digest):
        return
    if number > len(found.entries):
        raise TeamError(
            f"the team's list has {len(found.entries)} changes; the one that was named has"
            f" {number}: an older list is shown",
            hint="fetch again; if that changes nothing, ask the colleague who named it",
        )
    raise TeamError(
        f"the team's list is another one than {number}:{digest.hex()[:16]}…",
        hint="compare the fingerprint with your colleague: this repository may not be yours",
    )
