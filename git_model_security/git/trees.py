"""Trees of many commits: what they have in common is read once (gitformat-pack, "tree")."""

from __future__ import annotations

import re
import stat
from typing import TYPE_CHECKING

from git_model_security.errors import GitError
from git_model_security.git.index import EXECUTABLE, GITLINK, REGULAR, SYMLINK, Entry
from git_model_security.git.paths import shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from git_model_security.git.repository import Repository

_DIRECTORY = 0o40000
_MODES = {b"100644": REGULAR, b"100755": EXECUTABLE, b"40000": _DIRECTORY}
"""What Git itself writes, of files and directories."""
_RECORD_BYTES = len(b" \0")
"""Of an entry, beside its mode, name and oid."""
_MODE_BITS = 0o177777
_MAX_DEPTH = 2048
"""As deep as Git goes (git-config, `core.maxTreeDepth`), and deeper than any path it writes."""
_FOLDED_DEPTH = 64
"""So deep below the top what a tree holds is kept for itself: other commits have it as well."""
_NO_NAMES = {b"", b".", b".."}
_MAX_KEPT = 50_000
"""Trees of some hundred bytes each: a walk over a long history keeps no more."""


Fact = tuple[int, str]
"""Mode and oid of what stands at a path."""


def facts(entries: Iterable[Entry]) -> dict[bytes, Fact]:
    """Returns entries by their paths."""
    return {entry.path: (entry.mode, entry.oid) for entry in entries}


class Trees:
    """Reads trees through one git process and keeps them."""

    def __init__(self, repo: Repository) -> None:
        self._objects = repo.objects
        oid_bytes = 32 if repo.object_format == "sha256" else 20
        self._entry = re.compile(rb"([0-7]+) ([^\0]*)\0(.{%d})" % oid_bytes, re.DOTALL)
        self._kept: dict[str, list[tuple[bytes, int, str]]] = {}
        self._whole: dict[tuple[str, bytes], list[Entry]] = {}
        self._complete: set[str] = set()
        self._named: dict[str, dict[bytes, Fact]] = {}
        self._odd: dict[str, bytes] = {}

    def entries(self, oid: str) -> list[Entry]:
        """Returns all entries of a tree, recursively, as `index.tree` does.

        Raises:
            GitError: a tree is missing or corrupt, or they are nested too deep.
        """
        below, found = [oid], set[str]()
        for _ in range(_MAX_DEPTH):
            below = [one for one in dict.fromkeys(below) if one not in self._complete]
            if not below:
                break
            self._read(below)
            found.update(below)
            held = (entry for one in below for entry in self._kept[one])
            below = [under for _, mode, under in held if mode == _DIRECTORY]
        else:
            raise GitError(f"directories are nested deeper than {_MAX_DEPTH} in a tree")
        self._complete |= found
        return self._unfolded(oid, b"", _FOLDED_DEPTH)

    def odd_names(self, oid: str) -> list[bytes]:
        """Returns names that no tree may have (git-fsck, "fullPathname" and "hasDot…").

        Git reads `a/b`, as the name of one entry, like a file `b` in a directory `a`.

        Raises:
            GitError: see `entries`.
        """
        self.entries(oid)
        below = [oid] if self._odd else []
        seen = dict.fromkeys(below)
        while below:
            one = below.pop()
            under = [held for _, mode, held in self._kept[one] if mode == _DIRECTORY]
            new = [held for held in under if held not in seen]
            seen.update(dict.fromkeys(new))
            below += new
        return [self._odd[one] for one in seen if one in self._odd]

    def at(self, oid: str, path: bytes) -> Fact | None:
        """Returns mode and oid of what a tree has at a path; None where there is no file.

        Raises:
            GitError: a tree is missing or corrupt, or has a name that none may have.
        """
        found: Fact | None = (_DIRECTORY, oid)
        for name in path.split(b"/"):
            if found is None or found[0] != _DIRECTORY:
                return None
            found = self._by_name(found[1]).get(name)
        return None if found is None or found[0] == _DIRECTORY else found

    def changes(
        self, old: str | None, new: str
    ) -> Iterator[tuple[bytes, Fact | None, Fact | None]]:
        """Yields what two trees have otherwise: path, and mode and oid in each.

        Args:
            old: None stands for the empty tree.

        Raises:
            GitError: a tree is missing or corrupt, has a name that none may have, or they are
                nested too deep.
        """
        unread: list[tuple[bytes, str | None, str | None]] = [(b"", old, new)]
        for _ in range(_MAX_DEPTH):
            self._require_sound([oid for _, *both in unread for oid in both if oid])
            below: list[tuple[bytes, str | None, str | None]] = []
            for prefix, *both in unread:
                held = [self._kept[oid] if oid else [] for oid in both]
                differ = {name for name, _, _ in {*held[0]} ^ {*held[1]}}
                facts = [{name: (mode, oid) for name, mode, oid in one} for one in held]
                for name in sorted(differ):
                    pair = [one.get(name) for one in facts]
                    trees = [one[1] if one and one[0] == _DIRECTORY else None for one in pair]
                    files = [one if one and one[0] != _DIRECTORY else None for one in pair]
                    if any(trees):
                        below.append((prefix + name + b"/", trees[0], trees[1]))
                    if any(files):
                        yield prefix + name, files[0], files[1]
            if not below:
                return
            unread = below
        raise GitError(f"directories are nested deeper than {_MAX_DEPTH} in a tree")

    def _by_name(self, oid: str) -> dict[bytes, Fact]:
        """Returns what a tree has, by name; of a name that it has twice the first."""
        held = self._named.get(oid)
        if held is None:
            self._require_sound([oid])
            entries = reversed(self._kept[oid])
            held = self._named[oid] = {name: (mode, below) for name, mode, below in entries}
        return held

    def _require_sound(self, oids: Iterable[str]) -> None:
        named = list(oids)
        self._read(named)
        odd = next((one for one in named if one in self._odd), None) if self._odd else None
        if odd is not None:
            raise GitError(
                f"tree {odd} has {shown(self._odd[odd])!r}, a name that no tree may have",
                hint="see `git fsck`",
            )

    def _read(self, oids: Iterable[str]) -> None:
        """Reads those trees that are not kept."""
        if len(self._kept) > _MAX_KEPT:
            self._kept.clear()
            self._whole.clear()
            self._named.clear()
            self._complete.clear()
            self._odd.clear()
        unread = [oid for oid in dict.fromkeys(oids) if oid not in self._kept]
        for oid, (kind, content) in zip(unread, self._objects.read_many(unread), strict=True):
            if kind != "tree":
                raise GitError(f"object {oid} is a {kind}, not a tree", hint="see `git fsck`")
            try:
                held = self._kept[oid] = self._parse(content)
            except ValueError as error:
                raise GitError(f"tree {oid} is corrupt", hint="see `git fsck`") from error
            odd = next((name for name, _, _ in held if _is_odd(name)), None)
            if odd is not None:
                self._odd[oid] = odd

    def _parse(self, content: bytes) -> list[tuple[bytes, int, str]]:
        """Returns name, mode and oid of each entry of one tree.

        Raises:
            ValueError: something in it is no entry.
        """
        found = self._entry.findall(content)
        if sum(_RECORD_BYTES + sum(map(len, record)) for record in found) != len(content):
            raise ValueError("it holds what is no entry")
        return [
            (name, _MODES.get(mode) or _canonical(int(mode, 8)), oid.hex())
            for mode, name, oid in found
        ]

    def _unfolded(self, oid: str, prefix: bytes, folds: int) -> list[Entry]:
        whole = self._whole.get((oid, prefix))
        if whole is None and not folds:
            whole = self._whole[oid, prefix] = list(self._walk(oid, prefix))
        if whole is None:
            whole = self._whole[oid, prefix] = []
            for name, mode, below in self._kept[oid]:
                if mode == _DIRECTORY:
                    whole += self._unfolded(below, prefix + name + b"/", folds - 1)
                else:
                    whole.append(Entry(prefix + name, mode, below))
        return whole

    def _walk(self, oid: str, prefix: bytes) -> Iterator[Entry]:
        """Yields what a tree holds, however deep: a program calls itself only so often."""
        waiting = [(prefix, iter(self._kept[oid]))]
        while waiting:
            above, entries = waiting[-1]
            for name, mode, below in entries:
                if mode == _DIRECTORY:
                    waiting.append((above + name + b"/", iter(self._kept[below])))
                    break
                yield Entry(above + name, mode, below)
            else:
                waiting.pop()


def _is_odd(name: bytes) -> bool:
    return b"/" in name or name in _NO_NAMES or (len(name) == 4 and name.lower() == b".git")


def _canonical(mode: int) -> int:
    """Returns what Git takes a mode of a tree for (cache.h, `canon_mode`).

    Who can push can write others: they are the same tree to Git, and to a signature. Of one
    that is longer Git keeps the last digits, and so does this.
    """
    mode &= _MODE_BITS
    if stat.S_ISREG(mode):
        return EXECUTABLE if mode & stat.S_IXUSR else REGULAR
    if stat.S_ISLNK(mode):
        return SYMLINK
    return _DIRECTORY if stat.S_ISDIR(mode) else GITLINK
