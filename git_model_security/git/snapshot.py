"""What a command has read of a repository, until it may have changed that.

A command sees one state of a repository: what it has read once it does not read again,
and another process that moves a branch meanwhile does not split its view. Commands of its
own that may change that state end the snapshot, unless they are known to change nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_model_security.git.objects import is_oid

if TYPE_CHECKING:
    from collections.abc import Sequence

    from git_model_security.git.config import Variable
    from git_model_security.git.index import Entry
    from git_model_security.git.refs import Ref

_READING = frozenset(
    {
        *("cat-file", "check-attr", "check-ignore", "check-ref-format", "diff", "diff-files"),
        *("diff-index", "diff-tree", "for-each-ref", "hash-object", "log"),
        *("ls-files", "ls-remote", "ls-tree", "merge-base", "rev-list", "rev-parse"),
        *("show-ref", "var", "version", "write-tree"),
    }
)
"""Commands that change neither the index nor a ref, whatever their options."""
_ASKING = {"reflog": "show", "remote": "--verbose", "symbolic-ref": "--quiet"}
"""Options with which commands only tell; ours change nothing beside."""
_GETTING = frozenset({"--get", "--get-all", "--get-regexp", "--get-urlmatch", "--list"})
_OF_INDEX = frozenset({"update-index"})
"""Commands that change the index alone."""
_WITH_VALUE = frozenset({"-c", "-C"})


class Snapshot:
    """One state of the index, the refs, the configuration and the attributes.

    Attributes:
        staged: the entries of the index; None where they were not read yet.
        changed: what the index has otherwise than HEAD; None where it was not read yet.
        tree: the tree that the index is; None where it was not written yet.
        names: oids by the revision that names them; None of one that names nothing.
        refs: all refs; None where they were not read yet.
        settings: the configuration; None where it was not read yet.
        filters: the `filter` attribute by path, of the paths that were asked for.
    """

    def __init__(self) -> None:
        self.staged: list[Entry] | None = None
        self.changed: list[tuple[Entry, Entry]] | None = None
        self.tree: str | None = None
        self.names: dict[str, str | None] = {}
        self.refs: list[Ref] | None = None
        self.settings: list[Variable] | None = None
        self.filters: dict[bytes, bytes] = {}

    def heed(self, arguments: Sequence[str | bytes]) -> bool:
        """Forgets what a git command with these arguments may change.

        Returns:
            Whether it may be anything.
        """
        command = _command(arguments)
        if command in _READING or _ASKING.get(command) in arguments:
            return False
        if command == "config":
            if not _GETTING & set(arguments):
                self.settings = None
            return False
        self.staged = self.changed = self.tree = None
        self.filters.clear()
        self.names = {name: oid for name, oid in self.names.items() if name[:1] != ":"}
        if command in _OF_INDEX:
            return False
        self.settings = self.refs = None
        self.names = {name: oid for name, oid in self.names.items() if oid and _is_fixed(name)}
        return True


def _command(arguments: Sequence[str | bytes]) -> str:
    words = iter(arguments)
    for word in words:
        if word in _WITH_VALUE:
            next(words, None)
        elif not str(word).startswith("-"):
            return str(word)
    return ""


def _is_fixed(revision: str) -> bool:
    """Tells whether a revision begins with an oid, and so names the same object for ever."""
    return is_oid(revision.partition("^")[0])
