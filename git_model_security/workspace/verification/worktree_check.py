"""Verifies the files of the work tree against the bundle over plaintext.

Every byte is read again: what Git remembers of a file is not asked.
"""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING

from git_model_security import telemetry
from git_model_security.envelope import HEADER_BYTES
from git_model_security.errors import Error, GitError, Reason, VerificationError, counted
from git_model_security.filter import blobs
from git_model_security.git import index, worktree
from git_model_security.git.paths import shown
from git_model_security.policy import gitmodel
from git_model_security.policy.gitmodel import within
from git_model_security.signing import bundle
from git_model_security.signing.roles import PLAINTEXT, Subject, is_ignored
from git_model_security.storage import behind
from git_model_security.workspace.manifests import under
from git_model_security.workspace.verification import file_digests, tree_check, unlike_head
from git_model_security.workspace.verification.tree_check import MAX_BUNDLE_BYTES
from git_model_security.workspace.verification.verdict import COVERS_WORK_TREE, Finding, Verdict

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence
    from pathlib import Path

    from git_model_security.filter.clone import Clone
    from git_model_security.git.index import Entry
    from git_model_security.policy.gitmodel import Policy
    from git_model_security.signing.bundle import Opened
    from git_model_security.signing.methods import Verifier
    from git_model_security.workspace.verification.file_digests import Progress

_EDITED = (
    "your own change: `git add` and commit it, or `git restore PATH` takes it back; somebody"
    " else's: find out whose"
)


@telemetry.span("verify")
def check(
    clone: Clone,
    verifiers: Sequence[Verifier],
    *,
    ignore_unsigned_files: bool = False,
    roots: Collection[str] = (),
    progress: Progress | None = None,
) -> Verdict:
    """Verifies the work tree.

    1. HEAD's bundle over ciphertext holds: it covers `.gitmodel`, which names the
       model roots, and would else be believed although nobody signed it.
    2. Each root's bundle, as it lies in the work tree, is signed by one of
       `verifiers` and is for this root and role.
    3. Every file under the root is hashed again and compared with it.
    4. Each difference is told apart: content that is just what HEAD holds means
       that the *signature* is stale; everything else, that the *file* is not the
       one that was signed.
    5. So is each file's executable bit, where the file system has one.

    Args:
        clone: the clone.
        verifiers: who may have signed.
        ignore_unsigned_files: let files pass that are not signed (model_signing's
            option of that name).
        roots: the model roots to look at; empty for all.
        progress: told how far the hashing of a root is.

    Raises:
        GitError: there is no work tree.
    """
    verdict = Verdict("the work tree", covers=COVERS_WORK_TREE, unit="model file")
    if index.head_tree(clone.repo) is None:
        detail = "there is no commit yet"
        verdict.findings.append(Finding(Reason.UNSIGNED, ".", detail))
        return verdict
    committed = index.tree(clone.repo, "HEAD")
    policy = gitmodel.find(committed, clone.objects)
    sealed = tree_check.check(clone, "HEAD", verifiers, sealed_only=True, roots=roots)
    if policy is None:
        return sealed
    tracked = {entry.path for entry in (*index.staged(clone.repo), *committed)}
    present = tracked | set(index.untracked(clone.repo))
    chosen = [root for root in policy.roots if not roots or root in roots]
    for root in chosen:
        try:
            opened = _bundle(clone, policy, root, verifiers)
        except VerificationError as error:
            said = f"{policy.signature}: {error}"
            verdict.findings.append(Finding(error.reason, root, said, hint=error.hint))
            continue
        verdict.took(root, policy.signature, opened)
        verdict.files += len(opened.manifest.items)
        findings = _compare(clone, policy, root, opened, committed, present, progress)
        verdict.findings += (
            finding
            for finding in findings
            if not (ignore_unsigned_files and finding.reason is Reason.EXTRA)
        )
    verdict.findings += _unsaid(verdict, sealed)
    verdict.findings += unlike_head.left_out(clone, policy, chosen, committed)
    verdict.findings += unlike_head.modes(clone, chosen, committed)
    ignored = index.untracked(clone.repo, ignored=True)
    if ignored:
        verdict.notes.append(
            f"not verified: {counted(len(ignored), 'file')} that Git ignores,"
            f" such as {shown(ignored[0])}"
        )
    return verdict


def _unsaid(verdict: Verdict, sealed: Verdict) -> list[Finding]:
    """Returns what HEAD's bundle shows beyond what the work tree showed, file by file."""
    reasons = {(finding.root, finding.reason) for finding in verdict.findings}
    files = {(finding.root, name) for finding in verdict.findings for name in finding.names}
    found = []
    for finding in sealed.findings:
        names = tuple(name for name in finding.names if (finding.root, name) not in files)
        if (finding.root, finding.reason) not in reasons and bool(names) == bool(finding.names):
            found.append(replace(finding, names=names))
    return found


def _bundle(clone: Clone, policy: Policy, root: str, verifiers: Sequence[Verifier]) -> Opened:
    """Opens the bundle in the work tree (step 2)."""
    path = within(root, policy.signature)
    file = clone.repo.top / os.fsdecode(path)
    try:
        data = _read_small(file)
    except FileNotFoundError as error:
        raise VerificationError(
            Reason.UNSIGNED, "there is no signature", hint="`git model sign`"
        ) from error
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise VerificationError(Reason.UNREADABLE, f"cannot read it: {reason}") from error
    if blobs.is_sealed(data[:HEADER_BYTES]):
        raise VerificationError(
            Reason.NO_KEY,
            "the signature is still encrypted: this clone is locked",
            hint="`git model unlock`, or `git model verify --encrypted`, which needs no key",
        )
    return bundle.open_bundle(
        data,
        verifiers,
        expected=Subject(PLAINTEXT, root),
        signature_name=policy.signature,
    )


def _compare(
    clone: Clone,
    policy: Policy,
    root: str,
    opened: Opened,
    committed: Sequence[Entry],
    present: Iterable[bytes],
    progress: Progress | None,
) -> Iterator[Finding]:
    """Hashes a root's files and tells the differences apart (steps 3 and 4)."""
    signed = opened.manifest
    prefix = b"" if root == "." else root.encode() + b"/"
    names = {
        name
        for name in (path.removeprefix(prefix) for path in present if path.startswith(prefix))
        if not is_ignored(name, policy.signature)
    }
    names |= {name.encode() for name in signed.items}
    actual = file_digests.digests(
        clone.repo.top / os.fsdecode(prefix), names, signed.digest, progress
    )
    head = {name: entry for name, entry in under(root, committed) if entry.is_file}
    stale: list[str] = []
    groups: dict[Reason, list[str]] = {
        Reason.TAMPERED: [],
        Reason.MISSING: [],
        Reason.EXTRA: [],
        Reason.NOT_FETCHED: [],
        Reason.NOT_MATERIALISED: [],
    }
    for name in sorted(names):
        text = name.decode("utf-8", "surrogateescape")
        here, wanted = actual.get(name), signed.items.get(text)
        if here == wanted:
            continue
        # HEAD's content is looked at only now: it may have to be opened for that.
        entry = head.get(name)
        unwritten = None if here is None or entry is None else _unwritten(clone, entry)
        if unwritten is not None:
            groups[unwritten].append(text)
        elif here == (None if entry is None else _blob_digest(clone, entry, signed.digest)):
            stale.append(text)
        elif here is None:
            groups[Reason.MISSING].append(text)
        else:
            groups[Reason.EXTRA if wanted is None else Reason.TAMPERED].append(text)
    if stale:
        detail = "HEAD has changed since it was signed"
        yield Finding(Reason.STALE, root, detail, tuple(stale))
    details = {
        Reason.TAMPERED: "not the content that was signed",
        Reason.MISSING: "signed and not there",
        Reason.EXTRA: "there and not signed",
        Reason.NOT_FETCHED: "only a pointer is in the work tree",
        Reason.NOT_MATERIALISED: "only its ciphertext is in the work tree",
    }
    tampered = groups[Reason.TAMPERED]
    known = (head.get(os.fsencode(name)) for name in tampered)
    changed = _modified(clone, [entry for entry in known if entry is not None])
    edited = [name for name in tampered if prefix + os.fsencode(name) in changed]
    groups[Reason.TAMPERED] = [name for name in tampered if name not in set(edited)]
    if edited:
        detail = "not the content that was signed, as `git status` shows too"
        yield Finding(Reason.TAMPERED, root, detail, tuple(edited), hint=_EDITED)
    for reason, found in groups.items():
        if found:
            yield Finding(reason, root, details[reason], tuple(found))


def _modified(clone: Clone, entries: Sequence[Entry]) -> set[bytes]:
    """Returns which files Git, too, takes for changed: an honest edit does not hide."""
    try:
        return set(index.unlike(clone.repo, "HEAD", entries))
    except GitError:  # the filter refuses what stands there
        return set()


def _unwritten(clone: Clone, entry: Entry) -> Reason | None:
    """Tells why a work tree file is not decrypted; None where it is not just what HEAD has."""
    pointer = behind.pointer_of(clone.objects.stream(entry.oid))
    if pointer is not None and worktree.holds_blob(clone.repo, entry.path, entry.oid):
        return Reason.NOT_FETCHED
    try:
        found = worktree.head(clone.repo.top, entry.path, HEADER_BYTES)
    except OSError:
        return None
    if found is None or not blobs.is_sealed(found[1]):
        return None
    is_sealed = behind.is_in_place(clone.repo, entry.path, entry.oid, pointer)
    return Reason.NOT_MATERIALISED if is_sealed else None


def _blob_digest(clone: Clone, entry: Entry, digest: str) -> bytes | None:
    try:
        return blobs.digests(clone, entry.oid, digest).by_name(digest)
    except Error:
        return None


def _read_small(file: Path) -> bytes:
    with open(file, "rb", opener=_no_follow) as source:
        # One byte more: who opens the bundle says that it is too long.
        return source.read(MAX_BUNDLE_BYTES + 1)


def _no_follow(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK)
