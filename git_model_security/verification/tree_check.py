"""Verifies what a commit holds: no work tree is looked at, and no file written."""

from __future__ import annotations

import functools
from itertools import takewhile
from typing import TYPE_CHECKING

from git_model_security import telemetry
from git_model_security.clone import missing_policy
from git_model_security.content import blob
from git_model_security.errors import ConfigError, Error, Reason
from git_model_security.git import index
from git_model_security.policy import gitmodel, identity
from git_model_security.policy.gitmodel import CIPHERTEXT_SIGNATURE
from git_model_security.signing.roles import (
    CIPHERTEXT,
    PLAINTEXT,
    TREE_ITEM,
)
from git_model_security.trust import pinned_trust
from git_model_security.trust.verdict import (
    COVERS_CIPHERTEXT,
    COVERS_COMMIT,
    Finding,
    Verdict,
    earliest,
)
from git_model_security.verification import malformed_trees, manifests
from git_model_security.verification.compare import Found, compare, tell
from git_model_security.verification.kinds import Kind
from git_model_security.verification.model_roots import under
from git_model_security.verification.root import Root

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from git_model_security.clone.clone import Clone
    from git_model_security.git.index import Entry
    from git_model_security.signing.manifest import Manifest
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
        # Nor is one read of a tree that is another one than was signed.
        halves = (
            check(clone, tree, verifiers, sealed_only=half, may_be_absent=True, is_brief=True)
            for half in (True, False)
        )
        held = list(takewhile(lambda half: half.good, halves)) if verifiers else []
    except ConfigError:  # a .gitmodel that is refused: nothing holds under it
        return False
    if len(held) < 2:
        return False
    pinned_trust.remember_good(clone, tree, earliest(*(verdict.ends for verdict in held)))
    return True


_ELSEWHERE = "its .gitmodel is not of this one"
_ELSEWHERE_HINT = (
    "find out who brought it here; where it is this repository all the same,"
    " `git model track --accept` takes its .gitmodel over"
)


@telemetry.span("verify")
def check(
    clone: Clone,
    revision: str,
    verifiers: Sequence[Verifier],
    *,
    sealed_only: bool = False,
    may_be_absent: bool = False,
    is_brief: bool = False,
    roots: Collection[str] = (),
    entries: Sequence[Entry] | None = None,
    chosen: Collection[bytes] | None = None,
) -> Verdict:
    """Verifies the signatures of a commit or tree against its content.

    1. `.gitmodel` of that tree names the model roots, and the repository: this one.
    2. Each root's bundle over ciphertext is signed by one of `verifiers`, is for
       this root and role, and lists exactly the blobs of the tree, and the tree.
    3. With a key, the same of each root's bundle over plaintext: every blob opens,
       and to the digest that was signed.

    Args:
        revision: what to verify.
        verifiers: who may have signed.
        sealed_only: leave out step 3, as a locked clone has to.
        may_be_absent: in step 3 pass over objects of git-lfs that are not here. Step 2
            has shown that just these objects, and this bundle over plaintext, are what
            the signer signed.
        is_brief: of a tree that lists other blobs than were signed, say that and no more.
        roots: the model roots to look at; empty for all.
        entries: what the revision holds, where the caller has read it.
        chosen: the paths whose content to look at; None for all. That the tree is the one
            that was signed is asked in any case.

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
    listed = f"the model roots of .gitmodel are {', '.join(policy.roots)}"
    verdict.findings += (
        Finding(Reason.UNSIGNED, one, "is no model root", hint=listed)
        for one in roots
        if one not in policy.roots
    )
    if malformed := list(malformed_trees.find(clone.repo, revision, entries)):
        verdict.findings += malformed
        return verdict
    is_ours = identity.is_of(policy, clone.repositories)
    for name in policy.roots:
        if roots and name not in roots:
            continue
        root = Root(clone, policy, name, entries, verifiers, chosen)
        verdict.findings += _check_ciphertext(root, verdict, is_brief)
        if is_ours and not sealed_only:
            known = {(one.reason, one.names) for one in verdict.findings}
            verdict.findings += (
                one
                for one in _check_plaintext(root, verdict, may_be_absent)
                if (one.reason, one.names) not in known
            )
    if not is_ours and verdict.good:
        # Nothing is wrong with the signature: it says nothing of this repository.
        found = Finding(Reason.ELSEWHERE, ".", _ELSEWHERE, hint=_ELSEWHERE_HINT)
        verdict.findings.append(found)
    return verdict


def _check_ciphertext(root: Root, verdict: Verdict, is_brief: bool) -> Iterator[Finding]:
    """Yields how the blobs of a root differ from what was signed (step 2)."""
    try:
        opened = root.open(CIPHERTEXT)
        if is_brief and not manifests.lists(opened.manifest, root.policy, root.entries):
            yield Kind.COMMITTED.finding((), root.name)
            return
        signed = root.part(opened.manifest)
        found = _compare_ciphertext(signed, _ciphertext(root, signed))
        if Kind.CHANGED in found and _forget(root, found[Kind.CHANGED]):
            found = _compare_ciphertext(signed, _ciphertext(root, signed))
    except Error as error:
        yield root.failure(CIPHERTEXT, error)
        return
    verdict.took(root.name, CIPHERTEXT_SIGNATURE, opened)
    verdict.files += len(signed.items) - 1
    yield from _differences(root, found)


def _ciphertext(root: Root, signed: Manifest) -> Manifest:
    """Returns the manifest over the ciphertext that a root has.

    What no one can look at here has the root that was signed: its SHA-256 is signed as well.
    """

    @functools.cache
    def claimed() -> dict[str, bytes]:
        return manifests.by_oid(root.name, root.entries, signed.roots)

    return manifests.make_ciphertext(
        root.clone,
        root.policy,
        root.name,
        root.entries,
        root.chosen,
        lambda oid: claimed().get(oid),
    )


def _compare_ciphertext(signed: Manifest, made: Manifest) -> Found:
    """Returns what differs; a root that was not signed, as none was before, is none."""
    found = _compare(signed, made)
    if not signed.roots.items() <= made.roots.items():
        wrong = {
            name.encode()
            for name, value in signed.roots.items()
            if name in made.items and made.roots.get(name) != value
        }
        found[Kind.CHANGED] = found.get(Kind.CHANGED, set()) | wrong
    return found


def list_signed(
    clone: Clone, entries: Sequence[Entry], verifiers: Sequence[Verifier]
) -> Iterator[Entry]:
    """Yields the entries whose ciphertext was signed, whatever else a bundle says.

    Raises:
        ConfigError: the `.gitmodel` among the entries cannot be used.
    """
    policy = gitmodel.find(entries, clone.objects)
    if policy is None or not identity.is_of(policy, clone.repositories):
        return
    for name in policy.roots:
        root = Root(clone, policy, name, entries, verifiers)
        try:
            signed = root.open(CIPHERTEXT).manifest.by_path()
            made = manifests.make_ciphertext(clone, policy, name, entries).by_path()
        except Error:
            continue
        same = signed.items() & made.items()
        names = {path for path, _ in same}
        yield from (entry for path, entry in under(name, entries) if path in names)


def _check_plaintext(root: Root, verdict: Verdict, may_be_absent: bool) -> Iterator[Finding]:
    """Yields how what the blobs open to differs from what was signed (step 3)."""
    try:
        opened = root.open(PLAINTEXT)
        signed = root.part(opened.manifest)
        found = _compare(signed, _plaintext(root, signed, may_be_absent))
        changed = found.get(Kind.CHANGED)
        if changed and _forget(root, changed):
            found = _compare(signed, _plaintext(root, signed, may_be_absent))
    except Error as error:
        if error.unverified is not Reason.UNSIGNED or not root.is_empty:
            yield root.failure(PLAINTEXT, error)
        return
    verdict.took(root.name, root.policy.signature, opened)
    yield from _differences(root, found)


def _plaintext(root: Root, signed: Manifest, may_be_absent: bool) -> Manifest | None:
    """Returns the manifest over what a root holds, which may be nothing any more."""
    known = None
    if may_be_absent:
        known = manifests.by_oid(root.name, root.entries, signed.items).get
    return manifests.make_plaintext(
        root.clone, root.policy, root.name, root.listed(), signed.digest, known
    )


def _compare(signed: Manifest, made: Manifest | None) -> Found:
    if made is not None and signed.files() == made.items:
        return {}  # mostly, and then no path is needed
    return compare(signed.by_path(), made.by_path() if made else {})


def _forget(root: Root, names: Collection[bytes]) -> bool:
    """Has objects that seem to differ opened again, and tells whether there are any.

    What was remembered may be of a file that stood in an object's place.
    """
    pairs = [(name, one.oid) for name, one in under(root.name, root.entries) if name in names]
    found = {name for name, _ in blob.pointers(root.clone.repo, pairs)}
    root.clone.digests.forget(oid for name, oid in pairs if name in found)
    return bool(found)


def _differences(root: Root, found: Found) -> Iterator[Finding]:
    changed = found.pop(Kind.CHANGED, set())
    found[Kind.COMMITTED] = changed - {TREE_ITEM.encode()}
    if changed and not any(found.values()):
        beside = Kind.COMMITTED_BESIDE if root.chosen is None else Kind.COMMITTED_ELSEWHERE
        yield beside.finding((), root.name)
    yield from tell(found, root.name)
