"""What one blob at a protected path is: ciphertext, proven or not, or something else."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO, NamedTuple, cast

from git_model_security.content.blob import Kind
from git_model_security.errors import AuthenticationError, EnvelopeError, NewerFormatError
from git_model_security.guard import finding
from git_model_security.policy.content import model_format

if TYPE_CHECKING:
    from collections.abc import Mapping

    from git_model_security.content.blob import Blob
    from git_model_security.envelope import Key

LOOKALIKE = "a pointer that is not written as git-lfs does"


class Judgement(NamedTuple):
    """What a blob at a protected path is.

    Attributes:
        rule: what it breaks; None for ciphertext.
        detail: what it is, for a person: lower case, no full stop.
        is_proven: it was opened to its end, or is the empty file.
    """

    rule: str | None
    detail: str = ""
    is_proven: bool = False


def judge(blob: Blob, keys: Mapping[str, Key] | None = None) -> Judgement:
    """Judges a blob at a protected path, that is here.

    Reads all of an envelope and only the head of anything else. Which of the
    `keys` is tried is what the header names; another key proves nothing.

    1. The empty blob is the empty file.
    2. What does not begin as an envelope does is a pointer or plaintext.
    3. A header that is cut is a damaged envelope: behind a copied one can stand
       plaintext. Of an unknown version or suite nothing can be said here.
    4. With the key that the header names the whole envelope must open.
    5. Without it, framing and randomness of each segment are checked.
    """
    if blob.kind is Kind.EMPTY:
        return Judgement(None, is_proven=True)
    if blob.kind.is_pointer:
        return Judgement(finding.POINTER, LOOKALIKE)
    if blob.kind is Kind.CLEAR:
        found = model_format(blob.head, blob.size, b"")
        shown = f" ({found})" if found else ""
        return Judgement(finding.PLAINTEXT, f"plaintext at a protected path{shown}")
    # Importing the ciphers costs time that a commit without ciphertext need not pay.
    from git_model_security.envelope import (
        HEADER_BYTES,
        check_framing,
        decrypt,
        read_header,
    )

    stream = cast("BinaryIO", blob.file)
    try:
        header = read_header(blob.head[:HEADER_BYTES])
        assert header is not None
        if keys and header.key_id in keys:
            decrypt(keys, stream, cast("BinaryIO", _Nowhere()))
            return Judgement(None, is_proven=True)
        check_framing(stream)
    except NewerFormatError as error:
        said = f"{error}: a newer git-model is needed to check it"
        return Judgement(finding.NEWER, said)
    except AuthenticationError as error:
        return Judgement(finding.DAMAGED, f"envelope does not authenticate: {error}")
    except EnvelopeError as error:
        return Judgement(finding.DAMAGED, f"damaged envelope: {error}")
    return Judgement(None, f"sealed under key id {header.key_id}, not opened")


class _Nowhere:
    """Where the plaintext goes that nobody wants."""

    def write(self, data: bytes) -> int:
        return len(data)
