"""What lies in a work tree: the file system is asked, and follows no link.

Git passes over repositories in the work tree, and over what flags in its index say of a
file; whoever loads a model does not.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from git_model_security.git import excludes
from git_model_security.git.index import GITLINK
from git_model_security.verify import directory_listing

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
    from pathlib import Path

    from git_model_security.git.index import Entry
    from git_model_security.git.repository import Repository


@dataclass
class Beyond:
    """What lies there and no commit holds.

    Attributes:
        extra: files; a repository of its own is one, its directory.
        ignored: those of them that exclude patterns match.
        submodules: submodules that have files.
    """

    extra: set[bytes] = field(default_factory=set)
    ignored: set[bytes] = field(default_factory=set)
    submodules: set[bytes] = field(default_factory=set)

    def within(self, holds: Callable[[bytes], bool]) -> Beyond:
        """Returns what of it lies where one looks."""
        parts = (self.extra, self.ignored, self.submodules)
        return Beyond(*(set(filter(holds, part)) for part in parts))


def modes(repo: Repository) -> dict[bytes, int]:
    """Returns what lies in the work tree, with its modes; of directories only closed ones.

    The repository itself is left out, and nothing else that is called `.git`.

    Raises:
        ConfigError: the top cannot be read.
    """
    own = {b".git", *_inside(repo.top, repo.git_dir), *_inside(repo.top, repo.common_dir)}
    return directory_listing.files(repo.top, own, closed=True)


def _inside(top: Path, directory: Path) -> Iterator[bytes]:
    if directory.is_relative_to(top) and directory != top:
        yield os.fsencode(directory.relative_to(top))


def beyond(repo: Repository, there: Collection[bytes], entries: Sequence[Entry]) -> Beyond:
    """Tells what lies in the work tree beside what is to be there.

    Args:
        repo: the repository.
        there: paths of what lies there.
        entries: what is to be there.
    """
    expected = {entry.path for entry in entries}
    modules = {entry.path for entry in entries if entry.mode == GITLINK}
    unexpected = [path for path in there if path not in expected]
    nested = {path[:at] for path in unexpected if (at := (path + b"/").find(b"/.git/")) > 0}
    found = Beyond()
    for path in unexpected:
        module = _first_above(path, modules)
        if module is not None:
            found.submodules.add(module)
        else:
            found.extra.add(_first_above(path, nested) or path)
    # The patterns of a repository below are its own: of that, its directory is asked.
    ignored = excludes.ignored(repo, sorted(found.extra))
    found.ignored = {_named(path, nested) for path in ignored}
    found.extra = {_named(path, nested) for path in found.extra - ignored}
    return found


def _named(path: bytes, directories: Collection[bytes]) -> bytes:
    return path + b"/" if path in directories else path


def _first_above(path: bytes, places: Collection[bytes]) -> bytes | None:
    return next((one for one in above(path) if one in places), None) if places else None


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
