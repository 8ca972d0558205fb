"""The moves of refs that Git names to the hook reference-transaction."""

from __future__ import annotations

import os
from typing import NamedTuple

from git_model_security.errors import ProtocolError
from git_model_security.git.objects import is_oid
from git_model_security.git.paths import shown


class Moved(NamedTuple):
    """One line of the hook's standard input (githooks, "reference-transaction")."""

    old: str
    new: str
    ref: str

    @property
    def is_head(self) -> bool:
        """Whether it is the HEAD of a work tree."""
        return self.ref == "HEAD" or self.ref.endswith("/HEAD")

    @property
    def brings(self) -> bool:
        """Whether the ref gets an object that it did not hold."""
        return is_oid(self.new) and bool(self.new.strip("0")) and self.new != self.old


def moves(stdin: bytes) -> list[Moved]:
    """Returns the lines of the hook's standard input.

    Raises:
        ProtocolError: one is not understood, so nothing may change.
    """
    return [_parse(line) for line in stdin.splitlines()]


def _parse(line: bytes) -> Moved:
    words = os.fsdecode(line).split(" ", 2)
    # A symbolic ref that is moved itself names another (`ref:refs/heads/main`, git 2.46).
    values = [word for word in words[:2] if not word.startswith("ref:")]
    if len(words) != 3 or not all(map(is_oid, values)):
        raise ProtocolError(
            f"reference-transaction was given a line it does not understand: {shown(line)}",
            hint="see `git model doctor`; is this git newer than git-model?",
        )
    return Moved(*words)
