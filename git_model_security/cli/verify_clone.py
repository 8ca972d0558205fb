"""`git model verify` in a clone: of the work tree, a commit, or each commit of a range."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from git_model_security.cli import verify_report
from git_model_security.cli.progress import Bar
from git_model_security.cli.verify_report import Unvouched
from git_model_security.clone import missing_policy
from git_model_security.clone.clone import Clone
from git_model_security.git import config, index
from git_model_security.provenance import telling
from git_model_security.trust import verifiers
from git_model_security.verification import (
    events,
    models_check,
    part,
    range_check,
    tree_check,
    worktree_check,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from git_model_security.signing.methods import Verifier
    from git_model_security.signing.sources import Asked
    from git_model_security.trust.verdict import Verdict
    from git_model_security.verification.expected import Expected
    from git_model_security.verification.range_check import RangeVerdict
    from git_model_security.verification.scope import Scope


def judge(
    revision: str | None, asked: Asked, scope: Scope, expected: Expected
) -> tuple[Verdict, Unvouched]:
    """Verifies a commit, or the work tree; where that does not hold, says who is to be asked.

    Args:
        revision: the commit; None is the work tree, or HEAD's ciphertext.
        asked: who must have signed.
        scope: what is looked at.
        expected: which commit it has to be.
    """
    clone = Clone()
    if not (revision or scope.encrypted):
        clone.repo.require_work_tree()
    _require_ours(clone, revision or "", asked)
    with clone.objects:
        accepted = verifiers.of(clone.repo, asked)
        if revision:
            verdict = _judge_commit(clone, revision, accepted, scope)
            part.tell_commit(clone.repo, verdict, scope)
        else:
            verdict = _judge_here(clone, accepted, scope)
        if verdict.commit:
            verdict.findings += expected.differences(clone.repo, verdict.commit)
        events.record_verdict(clone.repo, verdict)
        is_asked = not (verdict.good or asked.given())
        return verdict, _find_unvouched(clone, verdict.commit if is_asked else "")


def judge_range(
    revisions: Sequence[str], asked: Asked, scope: Scope
) -> tuple[RangeVerdict, Unvouched]:
    """Verifies each commit of a range; see `judge`."""
    clone = Clone()
    _require_ours(clone, revisions[-1].rpartition("..")[2], asked)
    with clone.objects, Bar("Verifying", is_bytes=False) as bar:
        accepted = verifiers.of(clone.repo, asked)
        found = range_check.check(
            clone,
            revisions,
            accepted,
            sealed_only=scope.encrypted,
            roots=scope.roots,
            remembers=not any(verifier.explicit for verifier in accepted),
            progress=bar,
        )
        events.record_range(clone.repo, found)
        return found, _find_unvouched(clone, "" if asked.given() else _newest_bad(found))


def _require_ours(clone: Clone, tip: str, asked: Asked) -> None:
    if not asked.given():
        # Nobody is trusted there either, which would be said first and miss the point.
        missing_policy.require_ours(clone.repo, tip or "HEAD")


def _newest_bad(found: RangeVerdict) -> str:
    """Returns the newest commit of a range, which has all doubts there are; if it is bad."""
    newest = found.rows[0]
    return "" if newest.verdict.good else newest.commit.oid


def _find_unvouched(clone: Clone, commit: str) -> Unvouched:
    """Returns what of a commit that does not hold nobody vouches for, as this clone knows."""
    if not commit or clone.ring.locked or clone.is_deploy:
        return verify_report.NOBODY_ASKED
    is_head = commit == index.resolve(clone.repo, "HEAD^{commit}")
    return Unvouched(telling.describe(clone, commit), is_head=is_head)


def _judge_here(clone: Clone, accepted: Sequence[Verifier], scope: Scope) -> Verdict:
    """Verifies the work tree; or HEAD's ciphertext, which a locked clone has there too."""
    # A deploy clone is always strict.
    is_deploy = config.is_deploy(config.read(clone.repo))
    scope = replace(scope, strict=scope.strict or is_deploy)
    if not scope.encrypted:
        with Bar("Hashing") as bar:
            return worktree_check.check(clone, accepted, scope, bar)
    verdict = _judge_commit(clone, "HEAD", accepted, scope)
    if worktree_check.add_locked_files(clone, verdict, accepted, scope):
        verdict.subject += " and the work tree"
    part.tell_commit(clone.repo, verdict, scope)
    return verdict


def _judge_commit(
    clone: Clone, revision: str, accepted: Sequence[Verifier], scope: Scope
) -> Verdict:
    commit = index.unambiguous(clone.repo, revision)
    chosen = part.choose_of(clone.repo, commit, scope)
    verdict = tree_check.check(
        *(clone, commit, accepted),
        sealed_only=scope.encrypted,
        roots=scope.roots,
        chosen=chosen,
    )
    verdict.subject = f"{revision} ({commit[:12]})"
    verdict.commit = commit
    if scope.all_models and not scope.encrypted:
        models_check.add_beside_roots_of(clone, commit, verdict, accepted)
    is_tip = commit == index.resolve(clone.repo, "HEAD^{commit}")
    verify_report.add_hints(verdict, is_tip=is_tip)
    return verdict
