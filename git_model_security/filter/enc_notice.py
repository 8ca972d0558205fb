"""What is said where ciphertext of IBM's model-encryption is added: it is encrypted again.

Only what a key of this clone authenticates is told, and once for a command. It is no
refusal: nothing leaks, and what was encrypted twice opens twice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from weakref import WeakSet

from git_model_security import messages
from git_model_security.content import enc_file
from git_model_security.git.paths import shown
from git_model_security.keyring import ring

if TYPE_CHECKING:
    from collections.abc import Iterator

    from git_model_security.clone.clone import Clone
    from git_model_security.envelope.layout import BytesLike

_TOLD: WeakSet[Clone] = WeakSet()


def begin(clone: Clone, path: bytes, head: bytes) -> Notice | None:
    """Returns what looks at a file that is being cleaned; None where there is no need.

    What the index has at this path already was told when it was added.

    Args:
        head: how the file begins.
    """
    if clone in _TOLD or path in clone.staged:
        return None
    return Notice(clone, path, head[: enc_file.HEAD_BYTES])


class Notice:
    """Looks at a file as it passes."""

    def __init__(self, clone: Clone, path: bytes, head: bytes) -> None:
        self._clone = clone
        self._path = path
        held = (ring.material_of(key_id) for key_id in clone.ring.keys)
        self._checks = [enc_file.Check(one, head) for one in held if one is not None]

    def taking_in(self, segments: Iterator[BytesLike]) -> Iterator[BytesLike]:
        """Yields the segments of the file, whose first one has the head whole."""
        skipped = enc_file.HEAD_BYTES
        for segment in segments:
            for check in self._checks:
                check.update(memoryview(segment)[skipped:])
            skipped = 0
            yield segment

    def tell(self) -> None:
        """Tells of it, if all that passed is authentic under a key of the clone."""
        if not any(check.holds() for check in self._checks):
            return
        _TOLD.add(self._clone)
        messages.warn(
            f"{shown(self._path)}: model-encryption encrypted it already, with a key of this"
            " clone; now it is encrypted a second time",
            "to undo it: `git restore --staged .`, `git model import-enc .` and `git model"
            " decrypt .`, then add again",
        )
