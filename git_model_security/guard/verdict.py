"""What one blob at a protected path is: ciphertext, proven or not, or something else.

Must not know Git: a blob is a stream and its size.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from git_model_security.errors import AuthenticationError, EnvelopeError, NewerFormatError
from git_model_security.policy.content import HEAD_BYTES, model_format
from git_model_security.storage.pointer import is_alike

if TYPE_CHECKING:
    import io
    from collections.abc import Mapping

    from git_model_security.envelope import Key


class Verdict(enum.Enum):
    """What a blob is.

    `SEALED` was opened to its end under a held key, which proves it. `FRAMED`
    has the shape of an envelope; without its key no more can be said. The empty
    file stays the empty blob. A `POINTER` is one that git-lfs may follow, and that is
    not written as git-lfs writes them; a canonical one is judged by its object. `NEWER`
    begins as an envelope that only a newer git-model can judge.
    """

    SEALED = "sealed"
    FRAMED = "framed"
    EMPTY = "empty"
    POINTER = "pointer"
    PLAINTEXT = "plaintext"
    NEWER = "newer"
    DAMAGED = "damaged"


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict, and what else a person may want to know: lower case, no full stop."""

    verdict: Verdict
    detail: str = ""


def judge(
    source: io.BufferedReader[Any], size: int, keys: Mapping[str, Key] | None = None
) -> Judgement:
    """Judges a blob at a protected path.

    Reads all of an envelope and only the head of anything else. Which of the
    `keys` is tried is what the header names; another key proves nothing.

    1. The empty blob is the empty file.
    2. What does not begin as an envelope does is a pointer or plaintext.
    3. A header that is cut is a damaged envelope: behind a copied one can stand
       plaintext. Of an unknown version or suite nothing can be said here.
    4. With the key that the header names the whole envelope must open.
    5. Without it, framing and randomness of each segment are checked.

    Args:
        source: the blob from its beginning, buffered by `HEAD_BYTES` or more.
        size: length of the blob in bytes.
        keys: held keys by key id.
    """
    # Importing the envelope costs time that a commit without ciphertext need not pay.
    from git_model_security.envelope import (
        HEADER_BYTES,
        check_framing,
        decrypt,
        read_header,
    )

    if size == 0:
        return Judgement(Verdict.EMPTY)
    head = source.peek(HEAD_BYTES)[:HEAD_BYTES]
    stream = cast("BinaryIO", source)
    try:
        header = read_header(head[:HEADER_BYTES])
        if header is None:
            return _clear(head, size)
        if keys and header.key_id in keys:
            decrypt(keys, stream, cast("BinaryIO", _Nowhere()))
            return Judgement(Verdict.SEALED)
        check_framing(stream)
    except NewerFormatError as error:
        return Judgement(Verdict.NEWER, f"{error}: a newer git-model is needed to check it")
    except AuthenticationError as error:
        return Judgement(Verdict.DAMAGED, f"envelope does not authenticate: {error}")
    except EnvelopeError as error:
        return Judgement(Verdict.DAMAGED, f"damaged envelope: {error}")
    return Judgement(Verdict.FRAMED, f"sealed under key id {header.key_id}, not opened")


def _clear(head: bytes, size: int) -> Judgement:
    if is_alike(head, size):
        return Judgement(Verdict.POINTER, "a pointer that is not written as git-lfs does")
    found = model_format(head, size, b"")
    shown = f" ({found})" if found else ""
    return Judgement(Verdict.PLAINTEXT, f"plaintext at a protected path{shown}")


class _Nowhere:
    """Where the plaintext goes that nobody wants."""

    def write(self, data: bytes) -> int:
        return len(data)
