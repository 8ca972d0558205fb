"""Trees of many commits: what they have in common is read once (gitformat-pack, "tree")."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

from git_model_security.errors import GitError
from git_model_security.git.index import EXECUTABLE, GITLINK, REGULAR, SYMLINK, Entry

if TYPE_CHECKING:
    from git_model_security.git.objects import ObjectReader
    from git_model_security.git.repository import Repository

_DIRECTORY = 0o40000
_MAX_DEPTH = 200
"""Who can push can nest deeper than a program has room to follow."""


class Trees:
    """Reads trees through one git process and keeps them.

    Args:
        repo: the repository.
        objects: reads its objects.
    """

    def __init__(self, repo: Repository, objects: ObjectReader) -> None:
        self._objects = objects
        self._oid_bytes = 32 if repo.object_format == "sha256" else 20
        self._kept: dict[tuple[str, bytes], list[Entry]] = {}

    def entries(self, oid: str, prefix: bytes = b"") -> list[Entry]:
        """Returns all entries of a tree, recursively, as `index.tree` does.

        Args:
            oid: of the tree.
            prefix: what its paths begin with.

        Raises:
            GitError: a tree is missing or corrupt, or they are nested too deep.
        """
        if prefix.count(b"/") > _MAX_DEPTH:
            raise GitError(f"directories are nested deeper than {_MAX_DEPTH} in a tree")
        kept = self._kept.get((oid, prefix))
        if kept is None:
            kept = self._kept[oid, prefix] = self._read(oid, prefix)
        return kept

    def _read(self, oid: str, prefix: bytes) -> list[Entry]:
        stream = self._objects.stream(oid)
        if stream.kind != "tree":
            raise GitError(
                f"object {oid} is a {stream.kind}, not a tree", hint="see `git fsck`"
            )
        try:
            return self._parsed(stream.read(), prefix)
        except ValueError as error:
            raise GitError(f"tree {oid} is corrupt", hint="see `git fsck`") from error

    def _parsed(self, content: bytes, prefix: bytes) -> list[Entry]:
        found: list[Entry] = []
        at = 0
        while at < len(content):
            named = content.index(b"\0", at) + 1
            mode, _, name = content[at : named - 1].partition(b" ")
            at = named + self._oid_bytes
            path, below = prefix + name, content[named:at].hex()
            kind = _canonical(int(mode, 8))
            if kind == _DIRECTORY:
                found += self.entries(below, path + b"/")
            else:
                found.append(Entry(path, kind, below))
        return found


def _canonical(mode: int) -> int:
    """Returns what Git takes a mode of a tree for (cache.h, `canon_mode`).

    Who can push can write others: they are the same tree to Git, and to a signature.
    """
    if stat.S_ISREG(mode):
        return EXECUTABLE if mode & stat.S_IXUSR else REGULAR
    if stat.S_ISLNK(mode):
        return SYMLINK
    return _DIRECTORY if stat.S_ISDIR(mode) else GITLINK
