"""The proof, before any ref moves, that the new history is what it shall be."""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_model_security.errors import Error, GitError
from git_model_security.git import index
from git_model_security.guard import history as audit
from git_model_security.policy import attributes
from git_model_security.verify import tree_check

if TYPE_CHECKING:
    from git_model_security.clone.clone import Clone
    from git_model_security.migrate.making import Made
    from git_model_security.migrate.plan import Plan
    from git_model_security.policy.gitmodel import Policy


def require_good(clone: Clone, plan: Plan, policy: Policy, made: Made) -> None:
    """Raises unless each tip has just the tree that was signed, and an audit is clean.

    Raises:
        GitError: it is not; no ref has moved.
    """
    for old, tip in made.tips.items():
        new = made.commits[old]
        if {entry.path: entry for entry in index.tree(clone.repo, new)} != tip.tree:
            raise _not_good(f"commit {old[:12]} did not become what it should")
        tree = index.require(clone.repo, f"{new}^{{tree}}")
        if not tip.unsigned and not tree_check.holds(clone, tree):
            raise _not_good(f"the signature of what {old[:12]} became does not hold")
    try:
        ends = [made.commits[ref.target] for ref in plan.moved]
        ends += [made.commits[oid] for oid in plan.stash.oids]
        report = audit.audit(
            clone.repo,
            list(dict.fromkeys(ends)),
            rules=attributes.render(policy),
            untracked=plan.let_out.patterns,
            keys=clone.ring.keys,
            known=clone.knows,
        )
    except Error as error:
        raise _not_good(str(error)) from error
    accepted = {(one.path, one.oid) for one in plan.findings}
    for one in report.findings:
        if (one.path, one.oid) not in accepted:
            raise _not_good(one.describe())


def _not_good(problem: str) -> GitError:
    return GitError(
        f"the new history is not good, and no ref was moved: {problem}",
        hint="please report this; the repository is as it was",
    )
