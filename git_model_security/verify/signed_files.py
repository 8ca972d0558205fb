"""What the bundles over plaintext of a tree sign, of all its model roots together."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from git_model_security import messages
from git_model_security.content import blobs
from git_model_security.errors import Error, Reason, VerificationError
from git_model_security.git import worktree
from git_model_security.git.paths import shown
from git_model_security.policy.gitmodel import CIPHERTEXT_SIGNATURE, within
from git_model_security.signing import bundle, dsse
from git_model_security.signing.roles import CIPHERTEXT, PLAINTEXT, Subject, is_ignored
from git_model_security.trust.verdict import Finding
from git_model_security.verify.model_roots import under
from git_model_security.verify.tree_check import reason_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from git_model_security.clone.clone import Clone
    from git_model_security.git.index import Entry
    from git_model_security.policy.gitmodel import Policy
    from git_model_security.signing.bundle import Opened
    from git_model_security.signing.methods import Verifier
    from git_model_security.trust.verdict import Verdict


@dataclass
class SignedFiles:
    """The files of the model roots whose bundle was opened.

    Attributes:
        clone: the clone.
        policy: names the roots.
        verifiers: who may have signed.
        digests: what was signed, by path.
        roots: whose bundle was opened, or has nothing to sign yet.
    """

    clone: Clone
    policy: Policy
    verifiers: Sequence[Verifier]
    digests: dict[bytes, bytes] = field(default_factory=dict)
    roots: list[str] = field(default_factory=list)

    def open(self, entries: Sequence[Entry], roots: Collection[str], verdict: Verdict) -> None:
        """Opens the bundle of each root; a verdict gets what fails, and who signed.

        Args:
            entries: what has the bundles.
            roots: the model roots to look at; empty for all.
            verdict: on these entries.
        """
        held = {entry.path: entry for entry in entries if entry.is_file}
        for root in self.policy.roots:
            if roots and root not in roots:
                continue
            if self._is_empty(root, held.values()):
                self.roots.append(root)  # there is nothing to sign yet
                continue
            try:
                opened = self._opened(root, held)
            except VerificationError as error:
                said = f"{self.policy.signature}: {error}"
                verdict.findings.append(Finding(error.reason, root, said, hint=error.hint))
                continue
            except Error as error:
                why = reason_of(error)
                verdict.findings.append(Finding(why, root, str(error), hint=error.hint))
                continue
            verdict.took(root, self.policy.signature, opened)
            verdict.files += len(opened.manifest.items)
            self.roots.append(root)
            for name, digest in opened.manifest.items.items():
                self.digests[within(root, name)] = digest

    def _is_empty(self, root: str, entries: Iterable[Entry]) -> bool:
        name = self.policy.signature
        return all(is_ignored(one, name) for one, _ in under(root, entries))

    def _opened(self, root: str, held: Mapping[bytes, Entry]) -> Opened:
        entry = held.get(within(root, self.policy.signature))
        if entry is None:
            hint = "`git model sign`"
            raise VerificationError(Reason.UNSIGNED, "there is no signature", hint=hint)
        if self.clone.ring.locked:
            raise VerificationError(
                Reason.NO_KEY,
                "the signature is still encrypted: this clone is locked",
                hint="`git model unlock`, or `git model verify --encrypted` without a key",
            )
        return bundle.open_bundle(
            blobs.plaintext(self.clone, entry.oid, dsse.MAX_BYTES),
            self.verifiers,
            expected=Subject(PLAINTEXT, root),
            signature_name=self.policy.signature,
        )

    def covers(self, path: bytes) -> bool:
        """Tells whether a path belongs to what a bundle is over, signed or not."""
        return any(
            is_in(path, root) and not is_ignored(below(path, root), self.policy.signature)
            for root in self.roots
        )

    def fault(self, path: bytes) -> Finding | None:
        """Returns why what stands in a bundle's place is none that is trusted.

        None where it is one.
        """
        root, subject = self._subjects[path]
        name = self.policy.signature
        try:
            data = _read(self.clone, path)
            bundle.open_bundle(data, self.verifiers, expected=subject, signature_name=name)
        except VerificationError as error:
            said = f"{shown(below(path, root))}: {error}"
            return Finding(error.reason, root, said, hint=error.hint)
        except OSError as error:
            reason = messages.reason(error)
            said = f"{shown(below(path, root))}: cannot read it: {reason}"
            return Finding(Reason.UNREADABLE, root, said)
        return None

    @cached_property
    def _subjects(self) -> dict[bytes, tuple[str, Subject]]:
        names = {PLAINTEXT: self.policy.signature, CIPHERTEXT: CIPHERTEXT_SIGNATURE}
        return {
            within(root, name): (root, Subject(role, root))
            for root in self.policy.roots
            for role, name in names.items()
        }


def is_in(path: bytes, root: str) -> bool:
    """Tells whether a path lies in a model root."""
    return root == "." or path.startswith(root.encode() + b"/")


def below(path: bytes, root: str) -> bytes:
    """Returns a path of a model root as its bundle has it."""
    return path if root == "." else path[len(root.encode()) + 1 :]


def _read(clone: Clone, path: bytes) -> bytes:
    with os.fdopen(worktree.open_file(clone.repo.top, path), "rb") as source:
        # One byte more: who opens the bundle says that it is too long.
        return source.read(dsse.MAX_BYTES + 1)
