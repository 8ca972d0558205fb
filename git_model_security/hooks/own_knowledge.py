"""What a guard that runs in a clone knows beforehand: its keys, its memory, whom it trusts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_model_security.guard.knowledge import Knowledge
from git_model_security.provenance.inherited import Inherited

if TYPE_CHECKING:
    from collections.abc import Sequence

    from git_model_security.clone.clone import Clone


def gather(clone: Clone, commits: Sequence[str], *, decisions: bool = False) -> Knowledge:
    """Returns what this clone knows of blobs.

    Args:
        clone: the clone.
        commits: where trusted signatures may vouch for objects that are not here.
        decisions: see `Knowledge`.
    """
    return Knowledge(
        clone.ring.keys,
        clone.knows,
        clone.digests.seals,
        vouched=Inherited(clone, commits, clone.digest).vouches,
        decisions=decisions,
    )
