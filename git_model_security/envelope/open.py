"""From an envelope to its plaintext (docs/SPEC.md, "Opening a file").

Must not know files by name, Git, or how keys are found.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO, Final

from git_model_security.envelope import diagnosis, primitives
from git_model_security.envelope.header import Header, find_key, require_header
from git_model_security.envelope.layout import (
    FOOTER_BYTES,
    HEADER_BYTES,
    SEALED_SEGMENT_BYTES,
    SIV_BYTES,
    BytesLike,
    Role,
    plaintext_length,
)
from git_model_security.envelope.segment import check_footer, open_segment
from git_model_security.envelope.window import Window, pump, push

if TYPE_CHECKING:
    from collections.abc import Mapping

    from git_model_security.envelope.key import Key


class Opener:
    """Opens an envelope that is pushed in pieces; holds one segment in memory.

    `update` takes bytes; or read straight into `room()` and say how many with
    `advance`. Both return the plaintext's next pieces, often none.

    What is returned before `finish` has returned is authentic segment by
    segment, and may still be the head of a truncated or the half of a spliced
    file: the caller must be able to take it back (a temporary file that is
    renamed after, a filter that can still say status=error) and must not
    commit it before.

    Args:
        keys: the keys that may be used, by key id.
    """

    def __init__(self, keys: Mapping[str, Key]) -> None:
        self._keys: Final = keys
        self._seen_bytes = 0
        self._head = memoryview(bytearray(HEADER_BYTES))
        self._header: Header | None = None
        self._key: Key | None = None
        # A sealed segment is not the last one when more than a footer follows.
        self._window = Window(SEALED_SEGMENT_BYTES, FOOTER_BYTES + 1)
        self._sivs = primitives.digest_of_sivs()
        self._index = 0
        self._finished = False

    @property
    def header(self) -> Header | None:
        """The header, authenticated, or None before its 64 bytes were seen."""
        return self._header

    def room(self) -> memoryview:
        """Return where the next envelope bytes go, never empty."""
        return self._window.room() if self._key else self._head[self._seen_bytes :]

    def advance(self, count_bytes: int) -> list[BytesLike]:
        """Take so many bytes from `room`; return the plaintext pieces now ready.

        Raises:
            KeyNotFoundError: the header names a key that is not held.
            AuthenticationError: the header or a segment is not authentic.
            EnvelopeError: these bytes are the beginning of no envelope.
        """
        assert not self._finished
        self._seen_bytes += count_bytes
        if self._key is None:
            if self._seen_bytes == HEADER_BYTES:
                self._begin()
            return []
        self._window.advance(count_bytes)
        if not self._window.full():
            return []
        content = self._open(Role.MORE, self._window.unit())
        self._window.shift()
        return [content]

    def update(self, data: BytesLike) -> list[BytesLike]:
        """Take more of the envelope; return and raise as `advance` does."""
        return push(self, data)

    def finish(self) -> bytes:
        """Take the end of the envelope and return the rest of the plaintext.

        The footer is opened before the last segment, since it is what says
        that this is the end:

        1. an envelope of this length exists (R8 to R12);
        2. the last 88 bytes are its footer (R15, R16);
        3. the last segment is authentic as the last one (R13, R14);
        4. plaintext length and synthetic values are the footer's (R17, R18).

        Raises:
            AuthenticationError: steps 2 to 4.
            EnvelopeError: step 1, and where step 2 shows a cut or extended end.
        """
        assert not self._finished
        self._finished = True
        if self._key is None or self._header is None:
            require_header(bytes(self._head[: self._seen_bytes]))
            raise AssertionError("64 bytes are a header")
        plaintext_bytes = plaintext_length(self._seen_bytes)
        rest = self._window.rest()
        segment, footer = rest[:-FOOTER_BYTES], rest[-FOOTER_BYTES:]
        args = (self._key, self._header.raw, self._index + 1)
        sealed_facts = open_segment(*args, Role.FOOTER, footer)
        if sealed_facts is None:
            raise diagnosis.of_footer(*args, rest)
        content = self._open(Role.LAST, segment)
        check_footer(sealed_facts, plaintext_bytes, self._sivs.digest())
        return bytes(content)

    def _begin(self) -> None:
        """Read the header; from here on `room` is the window's."""
        header = require_header(bytes(self._head))
        self._key = find_key(header, self._keys)
        self._header = header

    def _open(self, role: Role, sealed: memoryview) -> bytearray:
        assert self._key is not None
        assert self._header is not None
        args = (self._key, self._header.raw, self._index, role)
        content = open_segment(*args, sealed)
        if content is None:
            raise diagnosis.of_segment(*args, sealed)
        self._sivs.update(sealed[:SIV_BYTES])
        self._index += 1
        return content


def decrypt(keys: Mapping[str, Key], source: BinaryIO, sink: BinaryIO) -> Header:
    """Write the plaintext of the envelope in `source` to `sink`.

    Raises:
        KeyNotFoundError, AuthenticationError, EnvelopeError: as `Opener` does;
            `sink` may then hold a part of the plaintext, and whoever gave it
            throws that away.
    """
    opener = Opener(keys)
    pump(opener, source, sink)
    assert opener.header is not None
    return opener.header
