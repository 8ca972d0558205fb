"""The index guard as hooks and commands use it; it signs nothing.

Alone it is for programs that run checks: `.pre-commit-hooks.yaml` names it. Where git-model's
own pre-commit hook runs as well, that one signs, and once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_model_security.git import attributes, history, index
from git_model_security.git.paths import shown
from git_model_security.guard import staged
from git_model_security.guard.finding import PLAINTEXT
from git_model_security.guard.knowledge import gather
from git_model_security.guard.refusal import refuse
from git_model_security.hooks import advice
from git_model_security.policy import pinned

if TYPE_CHECKING:
    from git_model_security.clone.clone import Clone
    from git_model_security.guard.finding import Finding


def judge_index(clone: Clone) -> int:
    """Judges what is staged, with the keys that this clone has, or without any.

    Raises:
        PolicyError: a protected path is staged in clear, or a model or key anywhere.
    """
    refuse_authored(clone, "index-guard")
    return 0


def require_sealed(clone: Clone) -> None:
    """Refuses to have signed what stands in clear at a protected path, whoever made it.

    A signature says that this is the model; in clear it would go on to be so. What only a
    pulled policy protects, which this clone has not taken over, may stand as it came.

    Raises:
        PolicyError: with what was found.
        GitError: there is no work tree.
    """
    clone.repo.require_work_tree()
    found = [one for one in _findings(clone, authored_only=False) if one.rule == PLAINTEXT]
    own = attributes.protected_by(pinned.rules(clone.repo), (one.path for one in found))
    found = [one for one in found if one.path in own or not one.inherited]
    came = [one for one in found if one.inherited]
    said = [
        f"`git model repair` encrypts {shown(one.path)}, which came in clear" for one in came
    ]
    said = [*said[:1], advice.hint([one for one in found if not one.inherited])]
    refuse(
        clone.repo,
        "sign",
        (finding.describe() for finding in found),
        "; ".join(filter(None, said)),
    )


def refuse_authored(clone: Clone, guard: str) -> bool:
    """Refuses what must not be committed; tells whether a person overrode that.

    Only what is authored here: what a parent has in clear arrived from elsewhere, and
    refusing it would stop everybody's work without taking it back.

    Raises:
        PolicyError: with what was found.
    """
    found = _findings(clone, authored_only=True)
    refuse(
        clone.repo,
        guard,
        (finding.describe() for finding in found),
        advice.hint(found, is_locked=clone.ring.locked),
    )
    return bool(found)


def _findings(clone: Clone, *, authored_only: bool) -> list[Finding]:
    knowledge = gather(clone, history.parents_to_be(clone.repo))
    if not authored_only:
        clone.digests.recall(entry.oid for entry in index.staged(clone.repo))
    return staged.findings(clone.repo, knowledge, authored_only=authored_only)
