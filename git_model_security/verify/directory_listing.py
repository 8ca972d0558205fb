"""What lies below a directory that nobody vouches for; no link is followed."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

from git_model_security import messages
from git_model_security.errors import ConfigError
from git_model_security.git.paths import shown
from git_model_security.git.replacement import descend

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path


def files(
    top: Path,
    left_out: Collection[bytes] = (),
    met: dict[bytes, int] | None = None,
    *,
    closed: bool = False,
) -> dict[bytes, int]:
    """Returns what lies below a directory, directories not, with the mode (`st_mode`).

    Args:
        top: the directory.
        left_out: paths to pass over, with all that lies below them.
        met: gets those of them that are there, with their modes.
        closed: return a directory that cannot be read as what it is; the top has to be.

    Raises:
        ConfigError: a directory cannot be read.
    """
    found: dict[bytes, int] = {}
    waiting = [b""]
    while waiting:
        parent = waiting.pop()
        try:
            for path, mode in _listed(top, parent):
                if path in left_out:
                    if met is not None:
                        met[path] = mode
                elif stat.S_ISDIR(mode):
                    waiting.append(path)
                else:
                    found[path] = mode
        except OSError as error:
            if closed and parent:
                found[parent] = stat.S_IFDIR
                continue
            place = os.fsencode(top) + (b"/" + parent if parent else b"")
            reason = messages.reason(error)
            raise ConfigError(f"{shown(place)}: cannot be listed: {reason}") from error
    return found


def models(present: Collection[bytes], signature: str) -> list[bytes]:
    """Returns the directories that have a bundle of this name, the top one as empty.

    Args:
        present: what `files` found.
        signature: the name of the bundles.
    """
    name = os.fsencode(signature)
    return sorted(parent for parent, last in map(os.path.split, present) if last == name)


def _listed(top: Path, parent: bytes) -> Iterator[tuple[bytes, int]]:
    directory = descend(top, parent.split(b"/") if parent else ())
    try:
        for name in map(os.fsencode, os.listdir(directory)):  # noqa: PTH208 - a descriptor
            mode = os.stat(name, dir_fd=directory, follow_symlinks=False).st_mode
            yield (parent + b"/" + name if parent else name), mode
    finally:
        os.close(directory)
