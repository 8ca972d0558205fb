"""Why a segment or footer did not authenticate, as well as that can be told.

Called only when an envelope is refused already, so that a person learns
whether it was cut, extended, reordered or damaged. The work is bounded (some
tens of milliseconds), and nothing that is opened here is given out. Must not
decide whether to refuse.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from git_model_security.envelope.layout import (
    CUT_SHORT_HINT,
    DAMAGED_HINT,
    FOOTER_BYTES,
    Role,
)
from git_model_security.envelope.segment import name, open_segment
from git_model_security.errors import AuthenticationError, EnvelopeError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from git_model_security.envelope.key import Key

_TRIED_INDICES: Final = 128
_TRIED_FOOTER_INDICES: Final = 2048
_TRIED_EXTRA_BYTES: Final = 2048


def of_segment(
    key: Key, header: bytes, index: int, role: Role, sealed: memoryview
) -> EnvelopeError:
    """Return the error for a data segment whose tag is wrong (R13)."""
    other = Role.LAST if role is Role.MORE else Role.MORE
    if _opens(key, header, index, other, sealed):
        if role is Role.MORE:
            return EnvelopeError(f"bytes after its end: segment {index} is the last one")
        return EnvelopeError(
            f"truncated: segment {index} is not the last one", hint=CUT_SHORT_HINT
        )
    for sealed_at in _nearest(index, _TRIED_INDICES):
        if any(_opens(key, header, sealed_at, tried, sealed) for tried in (role, other)):
            return AuthenticationError(
                f"reordered: segment {sealed_at} stands in the place of segment {index}",
                hint=DAMAGED_HINT,
            )
    return AuthenticationError(
        f"{name(index, role)} does not authenticate: it was altered or cut", hint=DAMAGED_HINT
    )


def of_footer(key: Key, header: bytes, index: int, rest: memoryview) -> EnvelopeError:
    """Return the error for an envelope whose last 88 bytes are not its footer (R15).

    Args:
        index: the index that the footer should have.
        rest: the last data segment and what should be the footer.
    """
    footer = rest[-FOOTER_BYTES:]
    for sealed_at in _nearest(index, _TRIED_FOOTER_INDICES):
        if _opens(key, header, sealed_at, Role.FOOTER, footer):
            return EnvelopeError(
                f"it should have {sealed_at} segments and has {index}: "
                "segments were removed or added",
                hint=DAMAGED_HINT,
            )
    extra_limit = min(_TRIED_EXTRA_BYTES, len(rest) - FOOTER_BYTES)
    for extra_bytes in range(1, extra_limit + 1):
        tried = rest[-FOOTER_BYTES - extra_bytes : -extra_bytes]
        if _opens(key, header, index, Role.FOOTER, tried):
            return EnvelopeError(f"bytes after its footer: {extra_bytes}")
    return AuthenticationError(
        "its footer is missing or altered: it was cut short, extended or damaged",
        hint=DAMAGED_HINT,
    )


def _opens(key: Key, header: bytes, index: int, role: Role, sealed: memoryview) -> bool:
    try:
        return open_segment(key, header, index, role, sealed) is not None
    except AuthenticationError:
        return False


def _nearest(index: int, count: int) -> Iterator[int]:
    """Yield about `count` other indices, the nearest first."""
    for distance in range(1, count // 2 + 1):
        yield index + distance
        if distance <= index:
            yield index - distance
