"""Verifies the files of the work tree against the bundle over plaintext.

Every byte is read again, and the file system says what is there: what Git remembers of a
file is not asked.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from git_model_security import telemetry
from git_model_security.errors import Reason
from git_model_security.git import index
from git_model_security.messages import counted
from git_model_security.policy import gitmodel
from git_model_security.trust.verdict import COVERS_WORK_TREE, Finding, Verdict
from git_model_security.verify import basis as bases
from git_model_security.verify import kinds, models_check, worktree_files
from git_model_security.verify.contents import Contents
from git_model_security.verify.differences import Differences
from git_model_security.verify.signed_files import SignedFiles, below, is_in

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from git_model_security.clone.clone import Clone
    from git_model_security.policy.gitmodel import Policy
    from git_model_security.signing.methods import Verifier
    from git_model_security.verify.basis import Basis
    from git_model_security.verify.file_digests import Progress
    from git_model_security.verify.worktree_files import Beyond


@dataclass(frozen=True)
class Scope:
    """What of a work tree is verified.

    Attributes:
        roots: the model roots to look at, and nothing beside them; empty for all of it.
        all_models: look also at models that have a bundle and are no model root.
        ignore_unsigned_files: let files pass that are not signed (model_signing's option
            of that name).
        strict: what no signature covers is a finding.
        committed_only: HEAD is what has to be there, whatever is staged and signed.
    """

    roots: Sequence[str] = ()
    all_models: bool = False
    ignore_unsigned_files: bool = False
    strict: bool = False
    committed_only: bool = False

    def holds(self, path: bytes, policy: Policy) -> bool:
        """Tells whether a path is looked at."""
        chosen = set(self.roots).intersection(policy.roots)
        return not self.roots or any(is_in(path, root) for root in chosen)


@telemetry.span("verify")
def check(
    clone: Clone,
    verifiers: Sequence[Verifier],
    scope: Scope | None = None,
    *,
    progress: Progress | None = None,
) -> Verdict:
    """Verifies the work tree.

    1. The bundles over ciphertext hold, of HEAD or of an index that is signed as it is
       (`basis`): they sign the listing of the whole tree. It has `.gitmodel`, which names
       the model roots, and would else be believed although nobody signed it.
    2. Each root's bundle over plaintext there is signed by one of `verifiers` and is for
       this root and role.
    3. Every file that it signs is hashed again; every other file of the listing is
       compared with its blob, the bundles in the work tree among them.
    4. What lies there beside that is told: nobody signed it.
    5. Each difference is told apart (`differences`).

    Args:
        clone: the clone.
        verifiers: who may have signed.
        scope: what to look at; None for the work tree as a whole.
        progress: told how far the hashing is.

    Raises:
        GitError: there is no work tree.
        ConfigError: HEAD's `.gitmodel` cannot be used, or the top cannot be read.
    """
    scope = scope or Scope()
    basis = bases.of(
        clone,
        verifiers,
        roots=scope.roots,
        committed_only=scope.committed_only or scope.strict,
    )
    head = index.resolve(clone.repo, "HEAD^{commit}") or ""
    if basis.policy is None:
        return replace(basis.sealed, commit=head, covers=COVERS_WORK_TREE)
    staged = ", as it is staged (not committed yet)" if basis.is_index else ""
    verdict = Verdict(
        f"the work tree{staged}",
        covers=COVERS_WORK_TREE,
        unit="model file",
        strict=scope.strict,
    )
    signed = SignedFiles(clone, basis.policy, verifiers)
    signed.open(basis.entries, scope.roots, verdict)
    # An empty model root has the bundle over ciphertext alone.
    for root in signed.roots:
        if root in basis.sealed.signers:
            verdict.signers.setdefault(root, basis.sealed.signers[root])
            verdict.methods.setdefault(root, basis.sealed.methods[root])
    if not clone.ring.locked:
        compare(basis, signed, scope, verdict, progress)
    verdict.findings += _unsaid(verdict, basis.sealed)
    verdict.commit = "" if basis.is_index else head
    return verdict


def add_locked_files(
    clone: Clone, verdict: Verdict, verifiers: Sequence[Verifier], scope: Scope
) -> None:
    """Adds to a verdict on HEAD what the work tree of a locked clone shows.

    Each file must be, byte for byte, the blob that was verified, or the object behind it.
    An unlocked clone has plaintext there: `check` is for that.
    """
    if not clone.ring.locked or clone.repo.work_tree is None:
        return
    head = index.tree(clone.repo, verdict.commit)
    policy = gitmodel.find(head, clone.objects)
    if policy is not None:
        basis = bases.Basis(head, policy, verdict, index.staged(clone.repo))
        compare(basis, SignedFiles(clone, policy, verifiers), scope, verdict)
        verdict.others = 0  # all of them count as committed


def compare(
    basis: Basis,
    signed: SignedFiles,
    scope: Scope,
    verdict: Verdict,
    progress: Progress | None = None,
) -> None:
    """Adds to a verdict how the work tree differs from what is to be there.

    In a locked clone files are to be what Git holds.

    Args:
        basis: what is to be there.
        signed: what of it bundles over plaintext sign.
        scope: what to look at.
        verdict: gets the findings.
        progress: told how far the hashing is.
    """
    clone, policy = signed.clone, signed.policy
    there = worktree_files.modes(clone.repo)
    beyond = worktree_files.beyond(clone.repo, there, basis.entries)
    entries = [entry for entry in basis.entries if scope.holds(entry.path, policy)]
    beyond = beyond.within(lambda path: scope.holds(path, policy))
    extra = beyond.extra
    if scope.all_models:
        beside = models_check.Beside(clone, policy, there.keys() - beyond.ignored)
        extra = set(beside.outside(extra))
        beside.add(verdict, signed.verifiers, scope.ignore_unsigned_files, progress)
    contents = Contents(clone, policy.digest)
    found = Differences(basis, there, signed, contents)
    found.look(entries, extra, progress)
    absent = found.found.pop(kinds.SPARSE, set())
    verdict.files -= len(absent & signed.digests.keys())
    verdict.others += len({entry.path for entry in entries} - signed.digests.keys() - absent)
    verdict.findings += (*found.faults, *_findings(policy, found, scope))
    _tell_uncovered(verdict, beyond, absent)


def _findings(policy: Policy, found: Differences, scope: Scope) -> Iterator[Finding]:
    """Yields what was found, root by root, and beside them."""
    for kind in kinds.ORDER:
        if scope.ignore_unsigned_files and kind.reason is Reason.EXTRA:
            continue
        left = set(found.found.get(kind, ()))
        for root in (*policy.roots, "."):
            here = sorted(path for path in left if is_in(path, root))
            left.difference_update(here)
            if here:
                names = tuple(_text(below(path, root)) for path in here)
                yield Finding(kind.reason, root, kind.detail, names, kind.hint)


def _tell_uncovered(verdict: Verdict, beyond: Beyond, absent: Collection[bytes]) -> None:
    """Tells what lies there, or should, and was not verified."""
    for kind, paths, before, noun, after in (
        (kinds.IGNORED, beyond.ignored, "", "file", " that Git ignores"),
        (kinds.SUBMODULE, beyond.submodules, "the files of ", "submodule", ""),
        (kinds.SPARSE, absent, "", "file", " that this sparse checkout leaves out"),
    ):
        if paths:
            names = tuple(map(_text, sorted(paths)))
            finding = Finding(kind.reason, ".", kind.detail, names, kind.hint)
            verdict.leave_out(finding, f"{before}{counted(len(names), noun)}{after}")


def _text(path: bytes) -> str:
    return path.decode("utf-8", "surrogateescape")


def _unsaid(verdict: Verdict, sealed: Verdict) -> list[Finding]:
    """Returns what the bundles over ciphertext show beyond the work tree, file by file."""
    reasons = {(finding.root, finding.reason) for finding in verdict.findings}
    files = {(finding.root, name) for finding in verdict.findings for name in finding.names}
    found = []
    for finding in sealed.findings:
        names = tuple(name for name in finding.names if (finding.root, name) not in files)
        if (finding.root, finding.reason) not in reasons and bool(names) == bool(finding.names):
            found.append(replace(finding, names=names))
    return found
