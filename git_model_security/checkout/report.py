"""What became of the files of a checkout."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from git_model_security import messages
from git_model_security.git.paths import shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from git_model_security.errors import Error

_SHOWN_FILES = 12


@dataclass(frozen=True)
class Failure:
    """A file that was not written, and why."""

    path: bytes
    error: Error


@dataclass
class Report:
    """What a checkout did.

    Attributes:
        kept: how many were left alone: decrypted already, or changed.
        pointers: files left as they are because that was asked for.
        warnings: what the user should know; lower case, no full stop.
    """

    written: list[bytes] = field(default_factory=list)
    kept: int = 0
    pointers: list[bytes] = field(default_factory=list)
    failed: list[Failure] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def complaints(self) -> Iterator[tuple[str, Error]]:
        """Yields each reason for failures once, after the names of the files."""
        groups: dict[tuple[str, str | None], list[Failure]] = {}
        for failure in self.failed:
            reason = (str(failure.error), failure.error.hint)
            groups.setdefault(reason, []).append(failure)
        for (said, _), same in groups.items():
            names = [shown(one.path) for one in same if one.path]
            # What an error says of its own file need not be said twice.
            is_named = len(names) == 1 and said.startswith(f"{names[0]}: ")
            place = "" if is_named else messages.listed(names, _SHOWN_FILES)
            yield place, same[0].error
