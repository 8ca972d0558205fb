"""Links in a directory that is verified, followed as far as they stay below one root.

The cache of the Hugging Face Hub links each file of a snapshot to its content beside it,
and Kubernetes a mounted file to `..data`, which it replaces as a whole. What is hashed is
the file that a name leads to; what lies on the way there belongs to it, as long as nothing
is seen there by a name that nobody judges.
"""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from git_model_security import messages
from git_model_security.errors import ConfigError, Reason
from git_model_security.git.paths import shown
from git_model_security.verification import listing
from git_model_security.verification.kinds import FOLLOW
from git_model_security.verification.listing import above

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

    from git_model_security.trust.verdict import Finding

_REPLACE = "put the file itself in its place, as the signer published it"
_MOST = 40
"""Links on one way, as Linux has it (path_resolution(7))."""


class Links:
    """The links below a directory, of which none may lead out of a root above it.

    Raises:
        ConfigError: the directory does not lie below the root.
    """

    def __init__(self, directory: Path, root: Path) -> None:
        self._top = os.fsencode(os.path.realpath(directory))
        self.root = os.fsencode(os.path.realpath(root))
        self._passed: set[bytes] = set()
        self._names: dict[bytes, set[bytes]] = {}
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
        place = self._trace(name, stat.S_ISREG)
        return None if place is None else self._below_root(place)

    def follow(
        self,
        present: Mapping[bytes, int],
        signed: Collection[bytes],
        left_out: Mapping[bytes, int],
    ) -> dict[bytes, int]:
        """Returns what lies below the directory, where some names are followed.

        Args:
            present: what lies there behind no link, with its modes.
            signed: the names that may be links, or lie behind one.
            left_out: what else lies there, may be a link, and is not judged.
        """
        wanted = {*signed, *left_out}
        found = {**present, **left_out}
        waiting = [path for path, mode in found.items() if stat.S_ISLNK(mode)]
        parents = {one for name in wanted for one in above(name)}
        while waiting:
            link = waiting.pop()
            if link not in parents:
                continue
            place = self._trace(link, stat.S_ISDIR)
            if place is None:
                continue
            del found[link]
            for path, mode in listing.list_files(Path(os.fsdecode(place))).items():
                name = link + b"/" + path
                self._places[name] = place + b"/" + path
                found[name] = mode
                if stat.S_ISLNK(mode):
                    waiting.append(name)
        for name in wanted & found.keys():
            is_behind = stat.S_ISLNK(found[name]) or name in self._places
            if is_behind and self.file(name) is not None:
                found[name] = stat.S_IFREG
        judged = {self._place(name) for name in found if name not in left_out}
        return {
            name: mode
            for name, mode in found.items()
            if name in wanted or not self._is_on_the_way(name, mode, judged)
        }

    def fault(self, name: bytes) -> tuple[str, str]:
        """Returns why a link is not followed, and a hint."""
        try:
            place, _ = _resolve(self._place(name))
        except OSError as error:
            if error.errno == errno.ELOOP:
                return "a symbolic link that loops", _REPLACE
            if error.errno in {errno.ENOENT, errno.ENOTDIR}:
                return "a symbolic link that leads nowhere", _REPLACE
            reason = messages.reason(error)
            return f"a symbolic link that cannot be followed: {reason}", _REPLACE
        if self._below_root(place) is None:
            hint = f"name a ROOT that holds what it leads to, or {_REPLACE}"
            if self.root == self._top:  # the bundle said to follow, and no further than this
                hint = f"{FOLLOW}, or {_REPLACE}"
            return f"a symbolic link that leaves {shown(self.root)}", hint
        return "a symbolic link that leads to another kind of file", _REPLACE

    def tell(self, finding: Finding) -> Iterator[Finding]:
        """Yields a finding; one on links apart by why they are not followed."""
        if finding.reason is not Reason.LINK:
            yield finding
            return
        names: dict[tuple[str, str], list[str]] = {}
        for name in finding.names:
            why = self.fault(name.encode("utf-8", "surrogateescape"))
            names.setdefault(why, []).append(name)
        for (detail, hint), some in names.items():
            yield finding._replace(detail=detail, names=tuple(some), hint=hint)

    def _place(self, name: bytes) -> bytes:
        return self._places.get(name, self._top + b"/" + name)

    def _is_on_the_way(self, name: bytes, mode: int, judged: Collection[bytes]) -> bool:
        """Tells whether something lies only between names and their content.

        Nothing may be seen there that nobody judges: a directory link shows all that lies
        behind it, also what is no content of any name.
        """
        place = self._place(name)
        if not stat.S_ISLNK(mode):
            return self._is_content(name, place)
        if place not in self._passed:
            return False
        try:
            place, _ = _resolve(place)
        except OSError:  # changed meanwhile
            return False
        if self._below_root(place) is None:
            return False
        if not Path(os.fsdecode(place)).is_dir():
            return self._is_content(name, place)
        return all(
            place + b"/" + path in judged
            or self._is_content(name + b"/" + path, place + b"/" + path)
            for path in listing.list_files(Path(os.fsdecode(place)))
        )

    def _is_content(self, seen: bytes, place: bytes) -> bool:
        """Tells whether a file is the content of the name by which it is seen, further down.

        By another name it would be another file: who can link `config.json` to `json.py`
        must not choose what is imported.
        """
        return any(seen.endswith(b"/" + name) for name in self._names.get(place, ()))

    def _trace(self, name: bytes, is_kind: Callable[[int], bool]) -> bytes | None:
        """Returns where a name leads, below the root, and notes what is passed."""
        try:
            place, links = _resolve(self._top + b"/" + name)
            mode = os.lstat(place).st_mode
        except OSError:
            return None
        if self._below_root(place) is None or not is_kind(mode):
            return None
        if links:
            self._passed |= links
            self._names.setdefault(place, set()).add(name)
        return place

    def _below_root(self, place: bytes) -> bytes | None:
        if place == self.root:
            return b""
        prefix = self.root.rstrip(b"/") + b"/"
        return place[len(prefix) :] if place.startswith(prefix) else None


def _resolve(path: bytes) -> tuple[bytes, set[bytes]]:
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
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
        target = os.readlink(here)  # noqa: PTH115 - bytes
        done = b"" if target.startswith(b"/") else done
        waiting += target.split(b"/")[::-1]
    return done or b"/", links
