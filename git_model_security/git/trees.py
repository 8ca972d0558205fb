"""Trees of many commits: what they have in common is read once (gitformat-pack, "tree")."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

from git_model_security.errors import GitError
from git_model_security.git.index import EXECUTABLE, GITLINK, REGULAR, SYMLINK, Entry

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import TypeGuard

    from git_model_security.git.repository import Repository

_DIRECTORY = 0o40000
_MODE_BITS = 0o177777
_MAX_DEPTH = 200
"""Who can push can nest deeper than a program has room to follow."""
_MAX_KEPT = 50_000
"""Trees of some hundred bytes each: a walk over a long history keeps no more."""


class Trees:
    """Reads trees through one git process and keeps them."""

    def __init__(self, repo: Repository) -> None:
        self._objects = repo.objects
        self._oid_bytes = 32 if repo.object_format == "sha256" else 20
        self._kept: dict[str, list[Entry]] = {}
        self._whole: dict[tuple[str, bytes], list[Entry]] = {}

    def entries(self, oid: str) -> list[Entry]:
        """Returns all entries of a tree, recursively, as `index.tree` does.

        Raises:
            GitError: a tree is missing or corrupt, or they are nested too deep.
        """
        if len(self._kept) > _MAX_KEPT:
            self._kept.clear()
            self._whole.clear()
        unread = [oid]
        for _ in range(_MAX_DEPTH):
            unread = [one for one in dict.fromkeys(unread) if one not in self._kept]
            unread = [below for one in self._read(unread) for below in one]
            if not unread:
                break
        else:
            raise GitError(f"directories are nested deeper than {_MAX_DEPTH} in a tree")
        return self._unfolded(oid, b"")

    def at(self, oid: str, path: bytes) -> Entry | None:
        """Returns what a tree has at a path; None where there is no file.

        Raises:
            GitError: a tree is missing or corrupt.
        """
        *above, name = path.split(b"/")
        for part in above:
            found = self._named(oid, part)
            if found is None or found.mode != _DIRECTORY:
                return None
            oid = found.oid
        found = self._named(oid, name)
        if found is None or found.mode == _DIRECTORY:
            return None
        return found._replace(path=path)

    def _named(self, oid: str, name: bytes) -> Entry | None:
        self._read_all([oid])
        return next((one for one in self._kept[oid] if one.path == name), None)

    def changes(self, old: str | None, new: str) -> Iterator[tuple[Entry | None, Entry | None]]:
        """Yields what two trees have otherwise: the entries at one path, None for no file.

        Args:
            old: None stands for the empty tree.

        Raises:
            GitError: a tree is missing or corrupt, or they are nested too deep.
        """
        unread: list[tuple[bytes, str | None, str | None]] = [(b"", old, new)]
        for _ in range(_MAX_DEPTH):
            self._read_all([oid for _, *both in unread for oid in both if oid])
            below: list[tuple[bytes, str | None, str | None]] = []
            for prefix, *both in unread:
                before, after = (self._kept[oid] if oid else [] for oid in both)
                differ = {one.path for one in {*before} ^ {*after}}
                named = [{one.path: one for one in held} for held in (before, after)]
                for name in sorted(differ):
                    pair = [held.get(name) for held in named]
                    trees = [one.oid if _is_tree(one) else None for one in pair]
                    files = [
                        None
                        if one is None or _is_tree(one)
                        else one._replace(path=prefix + name)
                        for one in pair
                    ]
                    if any(trees):
                        below.append((prefix + name + b"/", trees[0], trees[1]))
                    if any(files):
                        yield files[0], files[1]
            if not below:
                return
            unread = below
        raise GitError(f"directories are nested deeper than {_MAX_DEPTH} in a tree")

    def _read_all(self, oids: Iterable[str]) -> None:
        """Reads those trees that are not kept."""
        if len(self._kept) > _MAX_KEPT:
            self._kept.clear()
            self._whole.clear()
        for _ in self._read([one for one in dict.fromkeys(oids) if one not in self._kept]):
            pass

    def _read(self, oids: list[str]) -> Iterator[list[str]]:
        """Reads trees; yields the directories in each."""
        for oid, (kind, content) in zip(oids, self._objects.read_many(oids), strict=True):
            if kind != "tree":
                raise GitError(f"object {oid} is a {kind}, not a tree", hint="see `git fsck`")
            try:
                held = self._kept[oid] = list(self._parsed(content))
            except ValueError as error:
                raise GitError(f"tree {oid} is corrupt", hint="see `git fsck`") from error
            yield [entry.oid for entry in held if entry.mode == _DIRECTORY]

    def _parsed(self, content: bytes) -> Iterator[Entry]:
        at = 0
        while at < len(content):
            named = content.index(b"\0", at) + 1
            mode, _, name = content[at : named - 1].partition(b" ")
            at = named + self._oid_bytes
            if at > len(content):
                raise ValueError("an object name is cut off")
            yield Entry(name, _canonical(int(mode, 8)), content[named:at].hex())

    def _unfolded(self, oid: str, prefix: bytes) -> list[Entry]:
        whole = self._whole.get((oid, prefix))
        if whole is None:
            whole = self._whole[oid, prefix] = []
            for entry in self._kept[oid]:
                if entry.mode == _DIRECTORY:
                    whole += self._unfolded(entry.oid, prefix + entry.path + b"/")
                else:
                    whole.append(Entry(prefix + entry.path, entry.mode, entry.oid))
        return whole


def _is_tree(entry: Entry | None) -> TypeGuard[Entry]:
    return entry is not None and entry.mode == _DIRECTORY


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
