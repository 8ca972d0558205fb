"""From a plaintext to its envelope (docs/SPEC.md, "Sealing a file").

Deterministic: nothing but the key and the plaintext goes in. Must not know
files by name, Git, or how keys are found.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO, Final

from git_model_security.envelope import primitives
from git_model_security.envelope.header import write_header
from git_model_security.envelope.layout import (
    SEGMENT_BYTES,
    SIV_BYTES,
    BytesLike,
    Role,
    check_limit,
)
from git_model_security.envelope.segment import footer_content, seal_segment
from git_model_security.envelope.window import Window, pump, push
from git_model_security.errors import EnvelopeError

if TYPE_CHECKING:
    from git_model_security.envelope.key import Key


class Sealer:
    """Seals a plaintext that is pushed in pieces; holds one segment in memory.

    `update` takes bytes; or read straight into `room()` and say how many with
    `advance`. Both return the envelope's next pieces, often none. `finish`
    returns its end. The envelope does not depend on how the input was cut.
    """

    def __init__(self, key: Key) -> None:
        self._key: Final = key
        self._header: Final = write_header(key)
        # One byte beyond: a full segment is the last one or not, and that is
        # sealed into it, so it waits until the stream has gone on.
        self._window = Window(SEGMENT_BYTES, 1)
        self._sivs = primitives.digest_of_sivs()
        self._index = 0
        self._finished = False

    def room(self) -> memoryview:
        """Return where the next plaintext goes, never empty."""
        return self._window.room()

    def advance(self, count_bytes: int) -> list[BytesLike]:
        """Take so many bytes from `room`; return the envelope pieces now ready."""
        assert not self._finished
        self._window.advance(count_bytes)
        if not self._window.full():
            return []
        pieces = self._seal(Role.MORE, self._window.unit())
        self._window.shift()
        return pieces

    def update(self, data: BytesLike) -> list[BytesLike]:
        """Take more plaintext; return the envelope pieces now ready."""
        return push(self, data)

    def segment(self, content: BytesLike, room: bytearray | None = None) -> list[BytesLike]:
        """Take a whole segment that is not the last; return the pieces now ready.

        As `update` does, with no copy of it: it is sealed from where it lies, into
        `room`, where that has the length of a sealed segment.
        """
        assert len(content) == SEGMENT_BYTES
        assert not self._window.rest(), "segments and updates do not mix"
        return self._seal(Role.MORE, content, room)

    def finish(self) -> bytes:
        """Return the end of the envelope: the last segment and the footer.

        Raises:
            EnvelopeError: no plaintext came (the empty file has no envelope),
                or more than 1 TiB.
        """
        assert not self._finished
        self._finished = True
        rest = self._window.rest()
        if not rest:
            raise EnvelopeError("the empty file has no envelope")
        plaintext_bytes = self._index * SEGMENT_BYTES + len(rest)
        pieces = self._seal(Role.LAST, rest)
        content = footer_content(plaintext_bytes, self._sivs.digest())
        pieces.append(seal_segment(self._key, self._header, self._index, Role.FOOTER, content))
        return b"".join(pieces)

    def _seal(
        self, role: Role, content: BytesLike, room: bytearray | None = None
    ) -> list[BytesLike]:
        check_limit(self._index * SEGMENT_BYTES + len(content))
        sealed = seal_segment(self._key, self._header, self._index, role, content, room)
        self._sivs.update(sealed[:SIV_BYTES])
        self._index += 1
        return [self._header, sealed] if self._index == 1 else [sealed]


def encrypt(key: Key, source: BinaryIO, sink: BinaryIO) -> None:
    """Write the envelope of all that `source` has to `sink`.

    Raises:
        EnvelopeError: `source` is empty or over 1 TiB; what `sink` then holds
            is not an envelope.
    """
    pump(Sealer(key), source, sink)
