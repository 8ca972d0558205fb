"""By what a work tree is judged: HEAD's tree, or the index when that is signed as it is.

`git model sign` signs the index. Until it is committed, HEAD is not what was signed.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

from git_model_security import messages
from git_model_security.errors import ConfigError, Error, Reason, VerificationError
from git_model_security.git import index, worktree
from git_model_security.policy import gitmodel
from git_model_security.policy.gitmodel import CIPHERTEXT_SIGNATURE, within
from git_model_security.signing import dsse
from git_model_security.signing.roles import PLAINTEXT, ROLES, is_ignored
from git_model_security.trust.verdict import Finding, Verdict
from git_model_security.verification import part, tree_check
from git_model_security.verification.model_roots import below, is_in
from git_model_security.verification.root import Root

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from git_model_security.clone.clone import Clone
    from git_model_security.git.index import Entry
    from git_model_security.policy.gitmodel import Policy
    from git_model_security.signing.methods import Verifier
    from git_model_security.verification.scope import Scope

_SIGNER = {Reason.UNTRUSTED, Reason.WRONG_KEY, Reason.WRONG_IDENTITY}
"""What is wrong with somebody's signature, and may be nothing but that nobody trusts them."""


@dataclass
class Basis:
    """What is to be in the work tree.

    Attributes:
        verifiers: who may have signed.
        entries: just what the bundles over ciphertext were looked at for.
        policy: names the model roots.
        sealed: what was found of the bundles over ciphertext.
        is_index: it is the index that is signed, and not HEAD.
        chosen: which of the entries are to be looked at; None for all.
        digests: what the bundles over plaintext sign, by path; see `open`.
        roots: whose bundle was opened, or has nothing to sign yet.
    """

    clone: Clone
    verifiers: Sequence[Verifier]
    entries: Sequence[Entry]
    policy: Policy
    sealed: Verdict
    is_index: bool = False
    chosen: Collection[bytes] | None = None
    digests: dict[bytes, bytes] = field(default_factory=dict)
    roots: list[str] = field(default_factory=list)

    @cached_property
    def conflicts(self) -> set[bytes]:
        """Paths in conflict."""
        return {entry.path for entry in index.staged(self.clone.repo) if entry.stage}

    @cached_property
    def staged(self) -> dict[bytes, Entry]:
        """Entries of the index that are in no conflict, by path."""
        return {one.path: one for one in index.staged(self.clone.repo) if not one.stage}

    def open(self, roots: Collection[str], verdict: Verdict) -> None:
        """Opens the bundles over plaintext of model roots, of all where none is named.

        The verdict on the work tree gets what fails, and who signed.
        """
        for name in self.policy.roots:
            if roots and name not in roots:
                continue
            root = self._root(name)
            if not root.is_empty:
                try:
                    opened = root.open(PLAINTEXT)
                except Error as error:
                    verdict.findings.append(root.failure(PLAINTEXT, error))
                    continue
                verdict.took(name, self.policy.signature, opened)
                signed = root.part(opened.manifest).items
                verdict.files += len(signed)
                for item, digest in signed.items():
                    self.digests[within(name, item)] = digest
            elif name in self.sealed.signers:  # it has the bundle over ciphertext alone
                verdict.signers[name] = self.sealed.signers[name]
                verdict.methods[name] = self.sealed.methods[name]
            self.roots.append(name)

    def covers(self, path: bytes) -> bool:
        """Tells whether a path belongs to what a bundle is over, signed or not."""
        return any(
            is_in(path, root) and not is_ignored(below(path, root), self.policy.signature)
            for root in self.roots
        )

    def judge_bundle(self, path: bytes) -> Finding | None:
        """Returns why what stands in a bundle's place is none that is trusted; or None."""
        root, role = self._bundles[path]
        try:
            with os.fdopen(worktree.open_file(self.clone.repo.top, path), "rb") as source:
                # One byte more: who opens the bundle says that it is too long.
                root.open(role, source.read(dsse.MAX_BYTES + 1))
        except VerificationError as error:
            return root.failure(role, error)
        except OSError as error:
            said = f"{root.signature(role)}: cannot read it: {messages.reason(error)}"
            return Finding(Reason.UNREADABLE, root.name, said)
        return None

    @cached_property
    def _bundles(self) -> dict[bytes, tuple[Root, str]]:
        roots = map(self._root, self.policy.roots)
        return {
            within(root.name, root.signature(role)): (root, role)
            for root in roots
            for role in ROLES
        }

    def _root(self, name: str) -> Root:
        root = Root(self.clone, self.policy, name, self.entries, self.verifiers)
        return root._replace(chosen=self.chosen)


def find_basis(clone: Clone, verifiers: Sequence[Verifier], scope: Scope) -> Basis | Verdict:
    """Returns what a work tree is judged by; a verdict where there is nothing.

    Raises:
        ConfigError: HEAD's `.gitmodel` cannot be used.
    """
    repo = clone.repo
    staged = index.staged(repo)
    head = index.tree(repo, "HEAD") if index.head_tree(repo) is not None else None
    is_signed = bundles(staged) not in (set(), bundles(head or ()))
    if is_signed and not scope.is_of_head and not any(entry.stage for entry in staged):
        try:
            found = _judge(clone, "the index", staged, verifiers, scope)
        except ConfigError:  # a .gitmodel that is refused signs nothing
            found = None
        if isinstance(found, Basis) and all(
            one.reason in _SIGNER for one in found.sealed.findings
        ):
            return replace(found, is_index=True)
    if head is None:
        nothing = Finding(
            Reason.UNSIGNED, ".", index.NO_COMMIT, hint=f"{index.FIRST_COMMIT}, signed"
        )
        return Verdict("the work tree", findings=[nothing])
    return _judge(clone, "HEAD", head, verifiers, scope)


def _judge(
    clone: Clone,
    revision: str,
    entries: Sequence[Entry],
    verifiers: Sequence[Verifier],
    scope: Scope,
) -> Basis | Verdict:
    chosen = part.choose(clone.repo, scope.pathspecs, entries)
    sealed = tree_check.check(
        clone,
        revision,
        verifiers,
        sealed_only=True,
        roots=scope.roots,
        entries=entries,
        chosen=chosen,
    )
    policy = gitmodel.find(entries, clone.objects)
    if policy is None:
        return sealed
    return Basis(clone, verifiers, entries, policy, sealed, chosen=chosen)


def bundles(entries: Sequence[Entry]) -> set[tuple[bytes, str]]:
    """Returns the bundles over ciphertext among entries, with their blobs."""
    name = CIPHERTEXT_SIGNATURE.encode()
    return {(one.path, one.oid) for one in entries if one.path.rpartition(b"/")[2] == name}
