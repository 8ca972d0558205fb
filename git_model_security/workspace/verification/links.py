"""Links in a directory that is verified, followed as far as they stay below one root.

The cache of the Hugging Face Hub links each file of a snapshot to its content beside it,
and Kubernetes a mounted file to `..data`, which it replaces as a whole. What is hashed is
the file that a name leads to; what lies on the way there belongs to it.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from git_model_security.errors import ConfigError
from git_model_security.git.paths import shown
from git_model_security.workspace.verification import directory_listing
from git_model_security.workspace.verification.worktree_files import above

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_MOST = 40
"""Links on one way, as Linux has it (path_resolution(7))."""


class Links:
    """The links below a directory.

    Args:
        directory: what is verified; lies below the root.
        root: no link may lead out of it.

    Raises:
        ConfigError: the directory does not lie below the root.
    """

    def __init__(self, directory: Path, root: Path) -> None:
        self._top = os.fsencode(os.path.realpath(directory))
        self.root = os.fsencode(os.path.realpath(root))
        self._passed: set[bytes] = set()
        self._places: dict[bytes, bytes] = {}
        if self._below_root(self._top) is None:
            raise ConfigError(
                f"{shown(os.fsencode(directory))}: is not below"
                f" {shown(os.fsencode(root))}, the root of --follow-links",
                hint="name a directory that holds it, and all that its links lead to",
            )

    def file(self, name: bytes) -> bytes | None:
        """Returns the regular file that a name leads to, relative to the root.

        None where it leads to none, or out of the root.
        """
        place = self._traced(name, stat.S_ISREG)
        return None if place is None else self._below_root(place)

    def followed(self, present: dict[bytes, int], wanted: Iterable[bytes]) -> dict[bytes, int]:
        """Returns what lies below the directory, where some names are followed.

        Args:
            present: what lies there behind no link, with its modes.
            wanted: the names that may be links, or lie behind one.
        """
        names = set(wanted)
        found = dict(present)
        waiting = [path for path, mode in present.items() if stat.S_ISLNK(mode)]
        parents = {one for name in names for one in above(name)}
        while waiting:
            link = waiting.pop()
            if link not in parents:
                continue
            place = self._traced(link, stat.S_ISDIR)
            if place is None:
                continue
            del found[link]
            for path, mode in directory_listing.files(Path(os.fsdecode(place))).items():
                name = link + b"/" + path
                self._places[name] = place + b"/" + path
                found[name] = mode
                if stat.S_ISLNK(mode):
                    waiting.append(name)
        for name in names & found.keys():
            is_behind = stat.S_ISLNK(found[name]) or name in self._places
            if is_behind and self.file(name) is not None:
                found[name] = stat.S_IFREG
        return {
            name: mode for name, mode in found.items() if not self._is_on_the_way(name, names)
        }

    def _is_on_the_way(self, name: bytes, wanted: set[bytes]) -> bool:
        """Tells whether something lies only between a name that is wanted and its content."""
        place = self._places.get(name, self._top + b"/" + name)
        return name not in wanted and place in self._passed

    def _traced(self, name: bytes, is_kind: Callable[[int], bool]) -> bytes | None:
        """Returns where a name leads, below the root, and notes what is passed."""
        try:
            place, links = _resolved(self._top + b"/" + name)
            mode = os.lstat(place).st_mode
        except OSError:
            return None
        if self._below_root(place) is None or not is_kind(mode):
            return None
        if links:
            self._passed |= {*links, place}
        return place

    def _below_root(self, place: bytes) -> bytes | None:
        if place == self.root:
            return b""
        prefix = self.root.rstrip(b"/") + b"/"
        return place[len(prefix) :] if place.startswith(prefix) else None


def _resolved(path: bytes) -> tuple[bytes, set[bytes]]:
    """Returns where an absolute path leads, and the links on the way (path_resolution(7)).

    Raises:
        OSError: something is not there, or too many links are.
    """
    done, links, count = b"", set(), 0
    waiting = path.split(b"/")[::-1]
    while waiting:
        part = waiting.pop()
        if part == b"..":
            done = done.rpartition(b"/")[0]
        if part in {b"", b".", b".."}:
            continue
        here = done + b"/" + part
        if not stat.S_ISLNK(os.lstat(here).st_mode):
            done = here
            continue
        links.add(here)
        count += 1
        if count > _MOST:
            raise OSError("too many links")
        target = os.readlink(here)  # noqa: PTH115 - bytes
        done = b"" if target.startswith(b"/") else done
        waiting += target.split(b"/")[::-1]
    return done or b"/", links
