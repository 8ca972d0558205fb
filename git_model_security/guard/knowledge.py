"""What the caller of a guard knows, so that blobs can be told apart."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
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
    """What is known beforehand.

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
