"""A model root of a tree and its bundles: which are read, opened and compared."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from git_model_security.content import reader
from git_model_security.errors import Reason, VerificationError
from git_model_security.git import index
from git_model_security.policy.gitmodel import CIPHERTEXT_SIGNATURE, within
from git_model_security.signing import dsse
from git_model_security.signing.roles import CIPHERTEXT, TREE_ITEM, Subject, is_ignored
from git_model_security.trust.verdict import Finding
from git_model_security.verification.model_roots import under

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from git_model_security.clone.clone import Clone
    from git_model_security.errors import Error
    from git_model_security.git.index import Entry
    from git_model_security.policy.gitmodel import Policy
    from git_model_security.signing.bundle import Opened
    from git_model_security.signing.manifest import Manifest
    from git_model_security.signing.methods import Verifier


class Root(NamedTuple):
    """A model root of a tree, all of whose entries it has, and its two bundles.

    Attributes:
        chosen: the paths of the tree whose content is looked at; None for all.
    """

    clone: Clone
    policy: Policy
    name: str
    entries: Sequence[Entry]
    verifiers: Sequence[Verifier]
    chosen: Collection[bytes] | None = None

    @property
    def is_empty(self) -> bool:
        """Whether no bundle over plaintext is needed: there is nothing to sign yet."""
        names = (name for name, _ in under(self.name, self.entries))
        return all(is_ignored(name, self.policy.signature) for name in names)

    def open(self, role: str, data: bytes | None = None) -> Opened:
        """Opens the bundle of a role: the one of the tree, or another in its place.

        Raises:
            Error: there is none, it cannot be read, or it does not hold.
        """
        data = self._read(role) if data is None else data
        from git_model_security.signing import bundle  # most trees are known to hold

        return bundle.open_bundle(
            data,
            self.verifiers,
            expected=Subject(role, self.name),
            signature_name=self.policy.signature,
        )

    def _read(self, role: str) -> bytes:
        path = within(self.name, self.signature(role))
        # A link or an executable in a signature's place is no signature.
        held = (one for one in self.entries if one.path == path and one.mode == index.REGULAR)
        entry = next(held, None)
        if entry is None:
            raise VerificationError(Reason.UNSIGNED, "there is no signature")
        if role == CIPHERTEXT:
            return self.clone.objects.read(entry.oid, limit_bytes=dsse.MAX_BYTES)
        if self.clone.ring.locked:
            raise VerificationError(
                Reason.NO_KEY,
                "the signature is still encrypted: this clone is locked",
                hint="`git model unlock`, or `git model verify --encrypted` without a key",
            )
        return reader.plaintext(self.clone, entry.oid, dsse.MAX_BYTES)

    def part(self, signed: Manifest) -> Manifest:
        """Returns what is looked at of a manifest: the chosen files, and the listing."""
        if self.chosen is None:
            return signed
        items = {
            name: digest
            for name, digest in signed.items.items()
            if name == TREE_ITEM or within(self.name, name) in self.chosen
        }
        roots = {name: value for name, value in signed.roots.items() if name in items}
        return signed._replace(items=items, roots=roots)

    def listed(self) -> Sequence[Entry]:
        """Returns the entries that are looked at."""
        if self.chosen is None:
            return self.entries
        return [entry for entry in self.entries if entry.path in self.chosen]

    def signature(self, role: str) -> str:
        """Returns the file name of the bundle of a role."""
        return CIPHERTEXT_SIGNATURE if role == CIPHERTEXT else self.policy.signature

    def failure(self, role: str, error: Error) -> Finding:
        """Returns why the bundle of a role, or what it signs, could not be opened."""
        return Finding.of_error(error, self.name, self.signature(role))
