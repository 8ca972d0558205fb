"""What is clear in Git, in a deploy clone: it passes as it is, out once it is verified."""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_model_security.content.sealed import Spooled

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from git_model_security.clone.clone import Clone
    from git_model_security.envelope.layout import BytesLike
    from git_model_security.git.pktline import Content


def clean(clone: Clone, content: Content) -> Iterable[BytesLike]:
    """Returns a work tree file as it is: the policy leaves it clear."""
    return _spooled(clone, content).chunks()


def smudge(clone: Clone, content: Content, admit: Callable[[str], None]) -> Iterable[BytesLike]:
    """Returns a blob as it is.

    Args:
        clone: the clone.
        content: the blob.
        admit: raises for a blob that must not be written.

    Raises:
        Error: see `admit`.
    """
    spooled = _spooled(clone, content)
    admit(spooled.oid())
    return spooled.chunks()


def _spooled(clone: Clone, content: Content) -> Spooled:
    # Git reads no answer before it has sent everything.
    spooled = Spooled(clone)
    for piece in content:
        spooled.write(piece)
    return spooled
