"""The index guard alone, for programs that run checks: it signs nothing.

`.pre-commit-hooks.yaml` names it. Where git-model's own pre-commit hook runs as well,
that one signs, and once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_model_security.git import history
from git_model_security.guard import staged
from git_model_security.hooks import advice
from git_model_security.hooks.refusal import refuse
from git_model_security.workspace.inherited import Inherited

if TYPE_CHECKING:
    from git_model_security.filter.clone import Clone


def inspected(clone: Clone) -> int:
    """Judges what is staged, with the keys that this clone has, or without any.

    Raises:
        PolicyError: a protected path is staged in clear, or a model or key anywhere.
    """
    inherited = Inherited(clone, history.parents_to_be(clone.repo), clone.digest)
    found = staged.findings(
        clone.repo,
        clone.ring.keys,
        clone.knows,
        inherited.vouches,
        sealed_before=clone.digests.seals,
        authored_only=True,
    )
    refuse(
        clone.repo,
        "index-guard",
        (finding.describe() for finding in found),
        advice.hint(found, is_locked=clone.ring.locked),
    )
    return 0
