"""Before a push: what leaves is ciphertext, judged before anything is uploaded."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from git_model_security.errors import ProtocolError
from git_model_security.git.paths import shown
from git_model_security.guard import outgoing
from git_model_security.hooks.commit import refuse

if TYPE_CHECKING:
    from collections.abc import Sequence

    from git_model_security.filter.clone import Clone


def pushed(clone: Clone, arguments: Sequence[str], stdin: bytes) -> int:
    """pre-push: a line per ref, with local ref and oid, remote ref and oid (githooks).

    Raises:
        PolicyError: something in clear would leave.
        ProtocolError: what git says is not understood, so nothing may leave.
    """
    found = outgoing.findings(
        clone.repo,
        [_parsed(line) for line in stdin.split(b"\n") if line],
        remote=arguments[0] if arguments else None,
        keys=clone.ring.keys,
        known=clone.knows,
        sealed_before=clone.digests.seals,
    )
    refuse(found, "nothing was pushed; see `git model audit`")
    return 0


def _parsed(line: bytes) -> outgoing.Pushed:
    # From the right: the local ref is whatever the user wrote, `HEAD@{1 day ago}` too.
    words = os.fsdecode(line).rsplit(" ", 3)
    if len(words) != 4 or not all(map(_is_oid, words[1::2])):
        raise ProtocolError(
            f"pre-push was given a line that it does not understand: {shown(line)}",
            hint="push with `git push`, or see `git model doctor`",
        )
    return outgoing.Pushed(*words)


def _is_oid(text: str) -> bool:
    return len(text) in {40, 64} and set(text) <= set("0123456789abcdef")
