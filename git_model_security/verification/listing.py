"""What lies below a directory that nobody vouches for; no link is followed.

Git passes over repositories in a work tree, and over what flags in its index say of a
file; whoever loads a model does not. So the file system is asked.
"""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING, NamedTuple

from git_model_security import messages
from git_model_security.errors import ConfigError
from git_model_security.git import excludes
from git_model_security.git.index import GITLINK
from git_model_security.git.paths import shown
from git_model_security.git.replacement import descend

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
    from pathlib import Path

    from git_model_security.git.index import Entry
    from git_model_security.git.repository import Repository


def list_files(
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
            for path, mode in _list_one(top, parent):
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


def _list_one(top: Path, parent: bytes) -> Iterator[tuple[bytes, int]]:
    directory = open_directory(top, parent)
    try:
        for name in map(os.fsencode, os.listdir(directory)):  # noqa: PTH208 - a descriptor
            mode = os.stat(name, dir_fd=directory, follow_symlinks=False).st_mode
            yield (parent + b"/" + name if parent else name), mode
    finally:
        os.close(directory)


def open_directory(top: Path, path: bytes) -> int:
    """Opens a directory below another, the top one by no name; see `descend`."""
    return descend(top, path.split(b"/") if path else ())


def list_worktree(repo: Repository) -> dict[bytes, int]:
    """Returns what lies in the work tree, with its modes; of directories only closed ones.

    The repository itself is left out, and nothing else that is called `.git`.

    Raises:
        ConfigError: the top cannot be read.
    """
    inside = (
        os.fsencode(directory.relative_to(repo.top))
        for directory in (repo.git_dir, repo.common_dir)
        if directory.is_relative_to(repo.top) and directory != repo.top
    )
    return list_files(repo.top, {b".git", *inside}, closed=True)


def models(paths: Collection[bytes], signature: str) -> list[bytes]:
    """Returns the directories that have a bundle of this name, the top one as empty."""
    name = os.fsencode(signature)
    return sorted({parent for parent, last in map(os.path.split, paths) if last == name})


def link_at(path: bytes, modes: Mapping[bytes, int]) -> bytes | None:
    """Returns the link that stands at a path, or where a directory above it should."""
    places = (*above(path), path)
    return next((one for one in places if stat.S_ISLNK(modes.get(one, 0))), None)


def above(path: bytes) -> Iterator[bytes]:
    """Yields the directories above a path, the outermost first."""
    at = path.find(b"/")
    while at >= 0:
        yield path[:at]
        at = path.find(b"/", at + 1)


class Beyond(NamedTuple):
    """What lies in a work tree and no commit holds.

    Attributes:
        extra: files; a repository of its own is one, its directory.
        ignored: those of them that exclude patterns match.
        submodules: submodules that have files.
    """

    extra: set[bytes]
    ignored: set[bytes]
    submodules: set[bytes]


def find_beyond(
    repo: Repository,
    there: Collection[bytes],
    entries: Sequence[Entry],
    holds: Callable[[bytes], bool],
) -> Beyond:
    """Returns what lies in a work tree beside the entries that are to be, where one looks."""
    expected = {entry.path for entry in entries}
    modules = {entry.path for entry in entries if entry.mode == GITLINK}
    unexpected = [path for path in there if path not in expected]
    nested = {path[:at] for path in unexpected if (at := (path + b"/").find(b"/.git/")) > 0}
    extra, submodules = set(), set()
    for path in unexpected:
        module = _first_above(path, modules)
        if module is not None:
            submodules.add(module)
        else:
            extra.add(_first_above(path, nested) or path)
    # The patterns of a repository below are its own: of that, its directory is asked.
    ignored = excludes.match_ignored(repo, sorted(extra))
    named = ({_name(path, nested) for path in paths} for paths in (extra - ignored, ignored))
    return Beyond(*(set(filter(holds, paths)) for paths in (*named, submodules)))


def _name(path: bytes, directories: Collection[bytes]) -> bytes:
    return path + b"/" if path in directories else path


def _first_above(path: bytes, places: Collection[bytes]) -> bytes | None:
    return next((one for one in above(path) if one in places), None) if places else None
