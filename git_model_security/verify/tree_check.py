"""Verifies what a commit holds: no work tree is looked at, and no file written."""

from __future__ import annotations

from itertools import takewhile
from typing import TYPE_CHECKING

from git_model_security import telemetry
from git_model_security.clone import missing_policy
from git_model_security.content import blob, blobs
from git_model_security.errors import (
    UNCHECKED,
    ConfigError,
    Error,
    KeyNotFoundError,
    NotFetchedError,
    Reason,
    VerificationError,
)
from git_model_security.git import index
from git_model_security.policy import gitmodel
from git_model_security.policy.gitmodel import CIPHERTEXT_SIGNATURE, within
from git_model_security.signing import dsse
from git_model_security.signing.manifest import Manifest, compare
from git_model_security.signing.roles import (
    CIPHERTEXT,
    PLAINTEXT,
    TREE_ITEM,
    Subject,
    is_ignored,
)
from git_model_security.trust import pinned_trust
from git_model_security.trust.verdict import (
    COVERS_CIPHERTEXT,
    COVERS_COMMIT,
    Finding,
    Verdict,
    earliest,
)
from git_model_security.verify import manifests, model_roots

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from git_model_security.clone.clone import Clone
    from git_model_security.git.index import Entry
    from git_model_security.policy.gitmodel import Policy
    from git_model_security.signing.bundle import Opened
    from git_model_security.signing.methods import Verifier


def holds(clone: Clone, tree: str) -> bool:
    """Tells whether a tree's signatures hold now, under the pinned trust; remembers a yes.

    Only for as long as it is one: a certificate that expired signs nothing any more.
    """
    if pinned_trust.is_known_good(clone, tree):
        return True
    verifiers = pinned_trust.pinned(clone.repo).verifiers()
    try:
        # The cheap half first: it opens no blob, and a commit without signatures fails it.
        halves = (
            check(clone, tree, verifiers, sealed_only=half, may_be_absent=True)
            for half in (True, False)
        )
        held = list(takewhile(_is_good, halves)) if verifiers else []
    except ConfigError:  # a .gitmodel that is refused: nothing holds under it
        return False
    if len(held) < 2:
        return False
    pinned_trust.remember_good(clone, tree, earliest(*(verdict.ends for verdict in held)))
    return True


def _is_good(verdict: Verdict) -> bool:
    return verdict.good


@telemetry.span("verify")
def check(
    clone: Clone,
    revision: str,
    verifiers: Sequence[Verifier],
    *,
    sealed_only: bool = False,
    may_be_absent: bool = False,
    roots: Collection[str] = (),
    entries: Sequence[Entry] | None = None,
) -> Verdict:
    """Verifies the signatures of a commit or tree against its content.

    1. `.gitmodel` of that tree names the model roots.
    2. Each root's bundle over ciphertext is signed by one of `verifiers`, is for
       this root and role, and lists exactly the blobs of the tree, and the tree.
    3. With a key, the same of each root's bundle over plaintext: every blob opens,
       and to the digest that was signed.

    Args:
        clone: the clone.
        revision: what to verify.
        verifiers: who may have signed.
        sealed_only: leave out step 3, as a locked clone has to.
        may_be_absent: in step 3 pass over objects of git-lfs that are not here. Step 2
            has shown that just these objects, and this bundle over plaintext, are what
            the signer signed.
        roots: the model roots to look at; empty for all.
        entries: what the revision holds, where the caller has read it.

    Raises:
        GitError: there is no such revision.
        ConfigError: its `.gitmodel` cannot be used.
    """
    if entries is None:
        entries = index.tree(clone.repo, index.require(clone.repo, f"{revision}^{{tree}}"))
    sealed_only = sealed_only or clone.ring.locked
    verdict = Verdict(revision, unit="committed file")
    verdict.covers = COVERS_CIPHERTEXT if sealed_only else COVERS_COMMIT
    policy = gitmodel.find(entries, clone.objects)
    if policy is None:
        detail = "there is no .gitmodel: not a git-model repository"
        tree = index.resolve(clone.repo, f"{revision}^{{tree}}")
        hint = missing_policy.hint(clone.repo) if tree == index.head_tree(clone.repo) else None
        verdict.findings.append(Finding(Reason.UNSIGNED, ".", detail, hint=hint))
        return verdict
    # A link or an executable in a signature's place is no signature.
    found = {entry.path: entry for entry in entries if entry.mode == index.REGULAR}
    for root in roots:
        if root not in policy.roots:
            listed = f"the model roots of .gitmodel are {', '.join(policy.roots)}"
            detail = "is no model root"
            verdict.findings.append(Finding(Reason.UNSIGNED, root, detail, hint=listed))
    for root in policy.roots:
        if roots and root not in roots:
            continue
        round_ = _Root(clone, policy, root, entries, found, verifiers, may_be_absent)
        verdict.findings += round_.sealed(verdict)
        if not sealed_only:
            known = {(one.reason, one.names) for one in verdict.findings}
            verdict.findings += (
                one for one in round_.plaintext(verdict) if (one.reason, one.names) not in known
            )
    return verdict


class _Root:
    """The check of one model root."""

    def __init__(
        self,
        clone: Clone,
        policy: Policy,
        root: str,
        entries: Sequence[Entry],
        found: dict[bytes, Entry],
        verifiers: Sequence[Verifier],
        may_be_absent: bool,
    ) -> None:
        self._may_be_absent = may_be_absent
        self._clone = clone
        self._policy = policy
        self._root = root
        self._entries = entries
        self._found = found
        self._verifiers = verifiers

    def sealed(self, verdict: Verdict) -> Iterator[Finding]:
        """Checks the bundle over ciphertext (step 2)."""
        entry = self._found.get(within(self._root, CIPHERTEXT_SIGNATURE))
        if entry is None:
            yield self._unsigned(CIPHERTEXT_SIGNATURE)
            return
        try:
            data = self._clone.objects.read(entry.oid, limit_bytes=dsse.MAX_BYTES)
            opened = self._open(data, CIPHERTEXT)
            actual = manifests.sealed(self._clone, self._policy, self._root, self._entries)
        except Error as error:
            yield self._failure(CIPHERTEXT_SIGNATURE, error)
            return
        verdict.took(self._root, CIPHERTEXT_SIGNATURE, opened)
        verdict.files += len(opened.manifest.items) - 1
        yield from differences(opened.manifest, actual, self._root, Reason.STALE)

    def plaintext(self, verdict: Verdict) -> Iterator[Finding]:
        """Checks the bundle over plaintext (step 3)."""
        entry = self._found.get(within(self._root, self._policy.signature))
        if entry is None:
            if not self._is_empty():
                yield self._unsigned(self._policy.signature)
            return
        try:
            data = blobs.plaintext(self._clone, entry.oid, dsse.MAX_BYTES)
            opened = self._open(data, PLAINTEXT)
            actual = self._plaintext(opened.manifest)
            if self._forgot(compare(opened.manifest, actual).changed):
                actual = self._plaintext(opened.manifest)
        except Error as error:
            yield self._failure(self._policy.signature, error)
            return
        verdict.took(self._root, self._policy.signature, opened)
        yield from differences(opened.manifest, actual, self._root, Reason.STALE)

    def _forgot(self, names: Sequence[str]) -> bool:
        """Has objects that seem to differ opened again, and tells whether there are any.

        What was remembered may be of a file that stood in an object's place.
        """
        changed = {name.encode("utf-8", "surrogateescape") for name in names}
        pairs = [
            (name, entry.oid)
            for name, entry in model_roots.under(self._root, self._entries)
            if name in changed
        ]
        found = {name for name, _ in blob.pointers(self._clone.repo, pairs)}
        self._clone.digests.forget(oid for name, oid in pairs if name in found)
        return bool(found)

    def _open(self, data: bytes, role: str) -> Opened:
        from git_model_security.signing import bundle  # most trees are known to hold

        return bundle.open_bundle(
            data,
            self._verifiers,
            expected=Subject(role, self._root),
            signature_name=self._policy.signature,
        )

    def _is_empty(self) -> bool:
        names = (name for name, _ in model_roots.under(self._root, self._entries))
        return all(is_ignored(name, self._policy.signature) for name in names)

    def _plaintext(self, signed: Manifest) -> Manifest:
        """Returns what the root holds, which may be nothing any more."""
        found = None
        if self._may_be_absent:
            found = manifests.by_oid(self._root, self._entries, signed).get
        where = (self._policy, self._root, self._entries)
        made = manifests.plaintext(self._clone, *where, signed.digest, found)
        return made or Manifest(str(Subject(PLAINTEXT, self._root)), signed.digest, {})

    def _failure(self, name: str, error: Error) -> Finding:
        """Returns why the bundle of a name, or what it signs, could not be opened."""
        if isinstance(error, VerificationError):
            said = f"{name}: {error}"
            why = (error.reason, self._root, said)
            return Finding(*why, hint=error.hint, claimed=error.claimed)
        return Finding(reason_of(error), self._root, str(error), hint=error.hint)

    def _unsigned(self, name: str) -> Finding:
        return Finding(Reason.UNSIGNED, self._root, f"there is no {name}")


def reason_of(error: Error) -> Reason:
    """Returns why what was signed cannot be compared."""
    if isinstance(error, NotFetchedError):
        return Reason.NOT_FETCHED
    if isinstance(error, KeyNotFoundError):
        return Reason.NO_KEY
    return Reason.UNREADABLE if error.gate_status == UNCHECKED else Reason.TAMPERED


def differences(
    signed: Manifest, actual: Manifest, root: str, changed: Reason
) -> Iterator[Finding]:
    """Yields how the content differs from what was signed.

    Args:
        signed: the manifest in the bundle.
        actual: the manifest of what is there.
        root: the model root.
        changed: the reason to give for differences in content.
    """
    found = compare(signed, actual)
    names = tuple(name for name in found.changed if name != TREE_ITEM)
    if names:
        yield Finding(changed, root, "not the content that was signed", names)
    elif found.changed and not (found.missing or found.extra):
        detail = "modes, links, or files outside of the model are not what was signed"
        yield Finding(changed, root, detail)
    if found.missing:
        yield Finding(Reason.MISSING, root, "signed and not there", found.missing)
    if found.extra:
        yield Finding(Reason.EXTRA, root, "there and not signed", found.extra)
