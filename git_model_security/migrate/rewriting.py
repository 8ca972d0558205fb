"""What becomes of each entry of each commit: a function of path, mode and blob alone.

And of the commit's own `.gitmodel`, where something was untracked on purpose. So the tree
of a commit can be told before it is made, and is the same however the history came to it.
A commit keeps the `.gitmodel` it has, and the attributes that were generated from one: its
signature goes on to hold where nothing else changed.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from git_model_security.git.attributes import FILE
from git_model_security.git.index import REGULAR, REMOVED, Entry
from git_model_security.git.objects import ObjectReader
from git_model_security.policy import attributes, gitmodel

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from git_model_security.git.repository import Repository
    from git_model_security.policy.gitmodel import Policy


@dataclass
class Rewriting:
    """The function, and what it needs to know.

    Attributes:
        protected: the paths whose files must be ciphertext.
        sealed: blobs in clear at those paths, with what they become.
        policy: oid of the `.gitmodel` for commits that have none that can be read.
        kept: `.gitmodel`s that commits keep.
        block: oid of the `.gitattributes` for commits that have none.
        attributes: `.gitattributes` of the history, with what each becomes.
        guarded: more such paths in commits that have a `.gitmodel`, by its blob.
    """

    protected: set[bytes]
    sealed: Mapping[str, str]
    policy: str
    kept: set[str]
    block: str
    attributes: Mapping[str, str]
    guarded: Mapping[str, frozenset[bytes]] = field(default_factory=dict)
    _defaults: list[Entry] = field(init=False)

    def __post_init__(self) -> None:
        self._defaults = [
            Entry(FILE, REGULAR, self.block),
            Entry(gitmodel.NAME, REGULAR, self.policy),
        ]

    def entry(self, entry: Entry, more: Collection[bytes] = ()) -> Entry:
        """Returns what an entry becomes; of one that is removed, what stands there then.

        Args:
            entry: the entry.
            more: what else is protected in its commit: see `guarded`.
        """
        if entry.path == gitmodel.NAME:
            is_kept = entry.mode == REGULAR and entry.oid in self.kept
            return entry if is_kept else self._defaults[1]
        if entry.path == FILE:
            oid = self.attributes.get(entry.oid) if entry.is_file else None
            return self._defaults[0] if oid is None else replace(entry, oid=oid)
        is_protected = entry.path in self.protected or entry.path in more
        if entry.mode != REMOVED and entry.is_file and is_protected:
            return replace(entry, oid=self.sealed.get(entry.oid, entry.oid))
        return entry

    def defaults(self) -> list[Entry]:
        """Returns what is put into each commit that has no parent, before its own entries."""
        return list(self._defaults)

    def tree(self, entries: Iterable[Entry]) -> dict[bytes, Entry]:
        """Returns what all entries of a commit become, by path."""
        old = {entry.path: entry for entry in entries}
        policy = old.get(gitmodel.NAME)
        more = self.guarded.get(policy.oid, ()) if policy and policy.mode == REGULAR else ()
        found = {entry.path: entry for entry in self._defaults}
        return found | {path: self.entry(entry, more) for path, entry in old.items()}


def kept_policies(repo: Repository, oids: Iterable[str]) -> dict[str, Policy]:
    """Returns those `.gitmodel`s that can be read."""
    with ObjectReader(repo) as reader:
        found = {oid: gitmodel.readable(reader, oid) for oid in oids}
    return {oid: policy for oid, policy in found.items() if policy is not None}


def spliced(text: bytes, own: str, others: Iterable[str]) -> bytes:
    """Returns a `.gitattributes` with a generated block at its end.

    Args:
        text: the file.
        own: the block that it gets, unless it ends in
        others: one of these.
    """
    read = text.decode("utf-8", "surrogateescape")
    for block in (own, *others):
        if read.endswith(block) and attributes.spliced(read, block) == read:
            return text
    return attributes.spliced(read, own).encode("utf-8", "surrogateescape")
