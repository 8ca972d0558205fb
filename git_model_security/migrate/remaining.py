"""What a migration leaves in clear, or has nobody's word for: told before it begins."""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_model_security import messages
from git_model_security.errors import PolicyError
from git_model_security.git import attributes as git_attributes
from git_model_security.git import index, pushes
from git_model_security.git.paths import shown
from git_model_security.guard import history as audit
from git_model_security.guard.finding import BROKEN_POLICY, COPY, Finding
from git_model_security.migrate import rewriting
from git_model_security.policy import attributes, gitmodel
from git_model_security.verify import tree_check

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from git_model_security.clone.clone import Clone
    from git_model_security.git.repository import Repository
    from git_model_security.guard.walk import Progress
    from git_model_security.migrate.plan import Plan
    from git_model_security.migrate.refs import Ref
    from git_model_security.migrate.survey import Survey
    from git_model_security.migrate.untracked_history import LetOut

_SHOWN = 50


def require_one_policy(
    repo: Repository, there: list[Ref], rules: str, seen: Survey, let_out: LetOut
) -> None:
    """Raises where another ref protects what HEAD's policy leaves clear.

    What is sealed there would stand at paths that no filter opens. What was untracked on
    purpose is each commit's own.
    """
    refs = [ref for ref in there if ref.is_moved]
    held = pushes.blobs(repo, (ref.target for ref in refs), gitmodel.NAME.decode())
    policies = rewriting.kept_policies(repo, dict.fromkeys(filter(None, held.values())))
    ours = git_attributes.protected_by(rules, seen.files) | let_out.paths
    more = {
        oid: git_attributes.protected_by(attributes.render(policy), seen.files) - ours
        for oid, policy in policies.items()
    }
    paths = {path for found in more.values() for path in found}
    if paths:
        holders = sorted(ref.name for ref in refs if more.get(held[ref.target] or ""))
        said = [shown(name.encode("utf-8", "surrogateescape")) for name in holders]
        raise PolicyError(
            f"{len(paths)} paths that the policy here does not protect, such as"
            f" {shown(min(paths))}, are protected by {messages.listed(said, _SHOWN)}",
            hint="`git model track PATTERN` protects them here too\n"
            "or remove these refs, then migrate",
        )


def found_now(
    repo: Repository, clone: Clone, plan: Plan, rules: str, progress: Progress | None
) -> Sequence[Finding]:
    """Returns what an audit of all refs finds as they are, by the policy to be.

    And of all stashes: a ref names the newest alone.
    """
    older = plan.stash.oids[1:]
    if plan.initial is not None and plan.initial.history is not None and not older:
        return plan.initial.history.findings
    return audit.audit(
        repo,
        ("--all", *older),
        rules=rules,
        untracked=plan.let_out.patterns,
        keys=clone.ring.keys,
        known=clone.knows,
        progress=progress,
    ).findings


def findings(repo: Repository, plan: Plan, found: Sequence[Finding]) -> list[Finding]:
    """Returns what the audit would find afterwards, of what it finds now."""
    named = {ref.target for ref in plan.pathless}
    return [one for one in found if _stays(plan, one, named)] + list(_named(repo, plan))


def _named(repo: Repository, plan: Plan) -> Iterator[Finding]:
    """Yields what refs name, past all commits, of the content that will be sealed."""
    for ref in plan.pathless:
        oids = {ref.target}
        if ref.target_kind == "tree":
            oids = {entry.oid for entry in index.tree(repo, ref.target)}
        for oid in sorted(oids & plan.content.clear.keys()):
            detail = f"{ref.name} names content in clear that is encrypted everywhere else"
            size = plan.content.clear[oid]
            yield Finding(COPY, plan.content.paths[oid], oid, size, detail, ref.target)


def _stays(plan: Plan, finding: Finding, named: set[str]) -> bool:
    # What has no path is a note, or named by a ref itself.
    if finding.commit in named or not finding.path:
        return True
    if finding.rule == BROKEN_POLICY or finding.path in plan.protected:
        return finding.path in plan.seen.links
    return finding.path in plan.seen.files or finding.path in plan.seen.links


def unvouched(clone: Clone, plan: Plan) -> list[str]:
    """Returns the refs whose content no trusted signature stands for."""
    branches = plan.moved
    if plan.is_new:
        return [ref.name for ref in branches]
    holds = {ref.target: False for ref in branches}
    for commit in holds:
        holds[commit] = tree_check.holds(clone, index.require(clone.repo, f"{commit}^{{tree}}"))
    return [ref.name for ref in branches if not holds[ref.target]]


def copies(plan: Plan) -> dict[str, bytes]:
    """Returns blobs that are sealed at one path and stay in clear at another."""
    return {
        oid: path
        for path, oids in plan.seen.files.items()
        if path not in plan.protected
        for oid in oids & plan.content.clear.keys()
    }
