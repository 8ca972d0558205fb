"""What stays clear, as a person has to see it before it is decided."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Final, NamedTuple

from git_model_security.git import worktree
from git_model_security.policy.content import is_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from git_model_security.clone.clone import Clone
    from git_model_security.git.index import Entry

NOTED_BYTES: Final = 64 * 1024
"""Hardly a file of source code is longer."""


class Glimpse(NamedTuple):
    """How long a file is, in bytes, and whether it is text."""

    size: int
    is_text: bool

    @property
    def is_notable(self) -> bool:
        """Whether a person has to see it."""
        return self.size > NOTED_BYTES or not self.is_text


def noted(
    clone: Clone, entries: Iterable[Entry], paths: Iterable[bytes]
) -> dict[bytes, Glimpse]:
    """Returns those of the paths that stay clear which are binary, or longer than source code.

    What the work tree has not stands in `entries`, of the index.
    """
    staged = {entry.path: entry.oid for entry in entries if not entry.stage}
    looked = ((path, _content(clone, path, staged.get(path))) for path in paths)
    return {path: one for path, one in looked if one is not None and one.is_notable}


def noted_in_history(
    clone: Clone, blobs: Mapping[bytes, Iterable[str]], paths: Iterable[bytes]
) -> dict[bytes, Glimpse]:
    """Returns the same for all `blobs` that ever stood at paths, each with the worst of it."""
    glimpse = functools.cache(functools.partial(_blob, clone))
    looked = (
        (path, max(map(glimpse, blobs[path]), key=lambda one: (not one.is_text, one)))
        for path in paths
    )
    return {path: worst for path, worst in looked if worst.is_notable}


def _content(clone: Clone, path: bytes, oid: str | None) -> Glimpse | None:
    try:
        there = worktree.head(clone.repo.top, path, NOTED_BYTES)
    except OSError:
        there = None
    if there is not None:
        return _told(there[0].st_size, there[1])
    return None if oid is None else _blob(clone, oid)


def _blob(clone: Clone, oid: str) -> Glimpse:
    stream = clone.objects.stream(oid)
    return _told(stream.size, stream.read(NOTED_BYTES))


def _told(size: int, head: bytes) -> Glimpse:
    return Glimpse(size, is_text([head], is_cut=size > len(head)))
