"""Before a push: what leaves is ciphertext, judged before anything is uploaded."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from git_model_security.guard import outgoing
from git_model_security.hooks.commit import refuse

if TYPE_CHECKING:
    from collections.abc import Sequence

    from git_model_security.filter.clone import Clone


def pushed(clone: Clone, arguments: Sequence[str], stdin: bytes) -> int:
    """pre-push: a line per ref, with local ref and oid, remote ref and oid (githooks).

    Raises:
        PolicyError: something in clear would leave.
    """
    refs = [
        outgoing.Pushed(*os.fsdecode(line).split(" ")) for line in stdin.splitlines() if line
    ]
    found = outgoing.findings(
        clone.repo,
        refs,
        remote=arguments[0] if arguments else None,
        keys=clone.ring.keys,
        known=clone.knows,
    )
    refuse(found, "nothing was pushed; see `git model audit`")
    return 0
