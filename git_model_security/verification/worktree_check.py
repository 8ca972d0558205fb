"""Verifies the files of the work tree against the bundle over plaintext.

Every byte is read again, and the file system says what is there: what Git remembers of a
file is not asked.
"""

from __future__ import annotations

import operator
from functools import partial
from typing import TYPE_CHECKING

from git_model_security import telemetry
from git_model_security.errors import Reason
from git_model_security.git import index, pathspec
from git_model_security.messages import counted
from git_model_security.policy import gitmodel
from git_model_security.trust.verdict import COVERS_WORK_TREE, Finding, Verdict
from git_model_security.verification import listing, models_check, part
from git_model_security.verification.basis import Basis, find_basis
from git_model_security.verification.kinds import Kind
from git_model_security.verification.listing import Beyond
from git_model_security.verification.model_roots import below, is_in
from git_model_security.verification.worktree_kinds import Differences

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from git_model_security.clone.clone import Clone
    from git_model_security.signing.methods import Verifier
    from git_model_security.verification.compare import Found
    from git_model_security.verification.file_digests import Progress
    from git_model_security.verification.scope import Scope


@telemetry.span("verify")
def check(
    clone: Clone, verifiers: Sequence[Verifier], scope: Scope, progress: Progress | None = None
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
    5. Each difference is told apart (`worktree_kinds`).

    Raises:
        GitError: there is no work tree.
        ConfigError: HEAD's `.gitmodel` cannot be used, or the top cannot be read.
    """
    basis = find_basis(clone, verifiers, scope)
    head = index.resolve(clone.repo, "HEAD^{commit}") or ""
    if isinstance(basis, Verdict):
        basis.commit, basis.covers = head, COVERS_WORK_TREE
        return basis
    staged = ", as it is staged (not committed yet)" if basis.is_index else ""
    verdict = Verdict(
        f"the work tree{staged}",
        covers=COVERS_WORK_TREE,
        unit="model file",
        strict=scope.strict,
    )
    basis.open(scope.roots, verdict)
    if not clone.ring.locked:
        _add_files(basis, scope, verdict, progress)
    verdict.findings += _unsaid(verdict, basis.sealed)
    _tell_part(basis, scope, verdict)
    verdict.commit = "" if basis.is_index else head
    return verdict


def add_locked_files(
    clone: Clone, verdict: Verdict, verifiers: Sequence[Verifier], scope: Scope
) -> bool:
    """Adds to a verdict on HEAD what the work tree of a locked clone shows; tells whether.

    Each file must be, byte for byte, the blob that was verified, or the object behind it.
    An unlocked clone has plaintext there: `check` is for that.
    """
    if not clone.ring.locked or clone.repo.work_tree is None:
        return False
    head = index.tree(clone.repo, verdict.commit)
    policy = gitmodel.find(head, clone.objects)
    if policy is None:
        return False
    chosen = part.choose(clone.repo, scope.pathspecs, head)
    basis = Basis(clone, verifiers, head, policy, verdict, chosen=chosen)
    _add_files(basis, scope, verdict)
    verdict.others = 0  # all of them count as committed
    return True


def _add_files(
    basis: Basis, scope: Scope, verdict: Verdict, progress: Progress | None = None
) -> None:
    """Adds to a verdict how the work tree differs from what is to be there.

    In a locked clone files are to be what Git holds.
    """
    repo = basis.clone.repo
    there = listing.list_worktree(repo)
    holds = partial(scope.holds, basis.policy)
    beyond = listing.find_beyond(repo, there, basis.entries, holds)
    if basis.chosen is not None:
        chosen = _chosen(basis, scope, beyond, there)
        holds = partial(operator.contains, chosen)
        beyond = Beyond(*(set(filter(holds, paths)) for paths in beyond))
    entries = [entry for entry in basis.entries if holds(entry.path)]
    extra = beyond.extra
    if scope.all_models:
        paths = there.keys() - beyond.ignored
        models = models_check.add_beside_roots(basis, verdict, paths, scope, progress)
        extra = {path for path in extra if not models_check.is_in(path, models)}
    differences = Differences(basis, there)
    found = differences.look(entries, extra, progress)
    absent = found.pop(Kind.SPARSE, set())
    verdict.files -= len(absent & basis.digests.keys())
    verdict.others += len({entry.path for entry in entries} - basis.digests.keys() - absent)
    # A conflict leaves the file of one side where neither can be merged, such as weights.
    found[Kind.CONFLICT] = set(filter(holds, basis.conflicts))
    verdict.findings += (*differences.faults, *_findings(basis, found, scope))
    _tell_uncovered(verdict, beyond, absent)


def _chosen(basis: Basis, scope: Scope, beyond: Beyond, there: Collection[bytes]) -> set[bytes]:
    """Returns what pathspecs choose: of the entries, and of what lies beside them.

    A repository below is chosen with any untracked file in it: by a `.git` nobody hides one.

    Raises:
        GitError: one of them matches nothing.
    """
    tracked = {entry.path for entry in basis.entries}
    names = {path.rstrip(b"/"): path for paths in beyond for path in paths}
    nested = tuple(path for path in names.values() if path.endswith(b"/"))
    inside = {path for path in there if path.startswith(nested)} - tracked
    listings = (tracked, names, inside, basis.conflicts)
    entries, others, files, conflicts = pathspec.choose(
        basis.clone.repo, scope.pathspecs, *listings
    )
    above = {path for path in nested if any(one.startswith(path) for one in files)}
    return entries | {names[name] for name in others} | above | conflicts


def _tell_part(basis: Basis, scope: Scope, verdict: Verdict) -> None:
    if basis.chosen is not None:
        paths = {one.path for one in basis.entries if scope.holds(basis.policy, one.path)}
        part.tell(verdict, basis.chosen, paths, part.UNTRACKED)


def _findings(basis: Basis, found: Found, scope: Scope) -> Iterator[Finding]:
    """Yields what was found, root by root, and beside them."""
    for kind in Kind:
        if scope.ignore_unsigned_files and kind.reason is Reason.EXTRA:
            continue
        left = set(found.get(kind, ()))
        for root in (*basis.policy.roots, "."):
            here = {path for path in left if is_in(path, root)}
            left -= here
            if here:
                yield kind.finding({below(path, root) for path in here}, root)


def _tell_uncovered(verdict: Verdict, beyond: Beyond, absent: Collection[bytes]) -> None:
    """Tells what lies there, or should, and was not verified."""
    for kind, paths, before, noun, after in (
        (Kind.IGNORED, beyond.ignored, "", "file", " that Git ignores"),
        (Kind.SUBMODULE, beyond.submodules, "the files of ", "submodule", ""),
        (Kind.SPARSE, absent, "", "file", " that this sparse checkout leaves out"),
    ):
        if paths:
            what = f"{before}{counted(len(paths), noun)}{after}"
            verdict.leave_out(kind.finding(paths), what)


def _unsaid(verdict: Verdict, sealed: Verdict) -> list[Finding]:
    """Returns what the bundles over ciphertext show beyond the work tree, file by file."""
    reasons = {(finding.root, finding.reason) for finding in verdict.findings}
    files = {(finding.root, name) for finding in verdict.findings for name in finding.names}
    found = []
    for finding in sealed.findings:
        names = tuple(name for name in finding.names if (finding.root, name) not in files)
        if (finding.root, finding.reason) not in reasons and bool(names) == bool(finding.names):
            found.append(finding._replace(names=names))
    return found
