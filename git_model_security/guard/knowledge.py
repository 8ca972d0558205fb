"""What the caller of a guard knows of blobs beforehand, and what was seen of them then."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from git_model_security.envelope import Key

Known = Callable[[str], bool]
"""Says of a blob's oid that this clone itself sealed it, or opened all of it."""

SealedBefore = Callable[[int, "Mapping[str, bytes] | None"], bool]
"""Says of a length in bytes and digests by name whether this clone ever sealed or
opened such a plaintext; with None, whether any of that length: most blobs need no
hashing."""


@dataclass(frozen=True)
class Knowledge:
    """What the caller of a guard knows beforehand.

    Attributes:
        keys: held keys by key id.
        known: says which blobs need not be read again.
        sealed_before: finds clear copies of what is encrypted elsewhere.
        key_ids: ids of the keys that the repository names, held or not.
        vouched: says of a pointer whose object is not here that it is ciphertext by a
            trusted signature.
        decisions: a large binary in clear is a finding, too, unless a pattern lets it out.
    """

    keys: Mapping[str, Key] | None = None
    known: Known | None = None
    sealed_before: SealedBefore | None = None
    key_ids: frozenset[str] = frozenset()
    vouched: Known | None = None
    decisions: bool = False

    def with_key_ids(self, key_ids: Iterable[str]) -> Knowledge:
        """Returns the same with the ids of these keys, and of those that are held."""
        return replace(self, key_ids=self.key_ids | {*key_ids, *(self.keys or ())})


@dataclass
class Tally:
    """What was seen of blobs, by their oids.

    Attributes:
        proven: at protected paths, and known to be ciphertext.
        unproven: those that only have the shape of it, for want of the key, and
            `absent` and `missing`.
        absent: pointers at any path whose objects are not here.
        missing: blobs of a partial clone that are not here.
        pointers: pointers of git-lfs, canonical ones, at any path.
        unread: known beforehand; there can be pointers among them.
        envelopes: what begins as an envelope does, at any path.
    """

    proven: set[str] = field(default_factory=set)
    unproven: set[str] = field(default_factory=set)
    absent: set[str] = field(default_factory=set)
    missing: set[str] = field(default_factory=set)
    pointers: set[str] = field(default_factory=set)
    unread: set[str] = field(default_factory=set)
    envelopes: set[str] = field(default_factory=set)

    @property
    def _lasting(self) -> tuple[set[str], ...]:
        return self.proven, self.unproven, self.pointers, self.envelopes

    def fact(self, oid: str) -> int | None:
        """Returns what was seen of a blob, for `recall`; None where it must be seen again."""
        if oid in self.absent or oid in self.missing or oid in self.unread:
            return None
        return sum(1 << bit for bit, oids in enumerate(self._lasting) if oid in oids)

    def recall(self, oid: str, fact: int) -> None:
        """Takes what was seen of a blob, at the same places, for seen now."""
        for bit, oids in enumerate(self._lasting):
            if fact >> bit & 1:
                oids.add(oid)

    def forget(self, oids: Iterable[str]) -> None:
        """Forgets that blobs, or what is behind them, were not here."""
        for seen in (self.absent, self.missing, self.unproven):
            seen.difference_update(oids)
