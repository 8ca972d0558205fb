"""Ciphertext of IBM's model-encryption that lies where a repository is set up."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from git_model_security.content import enc_file
from git_model_security.directories import enc_check

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


class Found(NamedTuple):
    """What there is.

    Attributes:
        paths: files that may be such by their names and lengths, the shortest first.
        is_proven: whether a key that is held authenticates the first of them.
    """

    paths: list[bytes]
    is_proven: bool = False


def find(top: Path, paths: Iterable[bytes], material: bytes | None) -> Found:
    """Looks for such files among paths; of them all one is read.

    Args:
        material: the 32 bytes of a key that may have encrypted them; None for none.
    """
    sizes = {path: _size(top, path) for path in paths if path.endswith(enc_file.SUFFIX)}
    possible = [path for path, size in sizes.items() if enc_file.is_possible(path, size)]
    possible.sort(key=lambda path: (sizes[path], path))
    return Found(possible, material is not None and _is_proven(top, possible[:1], material))


def _size(top: Path, path: bytes) -> int:
    try:
        return os.lstat(os.fsencode(top) + b"/" + path).st_size
    except OSError:
        return 0


def _is_proven(top: Path, paths: Iterable[bytes], material: bytes) -> bool:
    try:
        return any(enc_check.is_proven(top, path, material) for path in paths)
    except OSError:  # a link, or nothing that can be read: then nothing is proven
        return False
