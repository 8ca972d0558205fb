"""What was untracked on purpose: where clear content may follow an envelope.

A release speaks of paths and of single contents, never of everything: a model by content
passes only where a record names just its path, and a clear copy of what is encrypted only
where `untrack` made that very blob clear. That a large binary may be clear any pattern
can say. docs/SPEC.md, "Pinned policy".
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from git_model_security.git import attributes
from git_model_security.guard.finding import COPY, MODEL, UNDECIDED
from git_model_security.policy.attributes import matching

if TYPE_CHECKING:
    from collections.abc import Iterable

    from git_model_security.guard.finding import Finding

_WILD = frozenset("*?[\\")
_ESCAPED = re.compile(r"\\[*?[\\]")


@dataclass(frozen=True)
class Releases:
    """What records that are trusted here let out.

    Attributes:
        patterns: of paths where clear content may stand.
        contents: blobs that were made clear in this clone, or in what it took over.
        decided: patterns of what is clear on purpose, `exclude` as well; None where no
            policy can say so, and nobody need be asked.
    """

    patterns: tuple[str, ...] = ()
    contents: frozenset[str] = frozenset()
    decided: tuple[str, ...] | None = None

    def paths(self, paths: Iterable[bytes]) -> set[bytes]:
        """Returns those of `paths` where clear content may follow an envelope."""
        if not self.patterns:
            return set()
        return attributes.protected_by(matching(self.patterns), paths)

    def kept(self, found: list[Finding]) -> list[Finding]:
        """Returns what is a finding in spite of the releases."""
        if self.contents:
            found = [
                one for one in found if not (one.rule == COPY and one.oid in self.contents)
            ]
        named = tuple(filter(names_a_path, self.patterns))
        models = {one.path for one in found if one.rule == MODEL} if named else set()
        if models:
            let_out = attributes.protected_by(matching(named), models)
            found = [one for one in found if one.rule != MODEL or one.path not in let_out]
        asked = {one.path for one in found if one.rule == UNDECIDED}
        if asked:
            decided = asked
            if self.decided is not None:
                decided = attributes.protected_by(matching(self.decided), asked)
            found = [one for one in found if one.rule != UNDECIDED or one.path not in decided]
        return found


def names_a_path(pattern: str) -> bool:
    """Tells whether a pattern matches one path only (gitignore, "PATTERN FORMAT")."""
    # What is special is not where a backslash stands before it; see `attributes.literal`.
    return "/" in pattern.rstrip("/") and not _WILD & set(_ESCAPED.sub("", pattern))
