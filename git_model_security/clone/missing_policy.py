"""What brings `.gitmodel` back where the index has none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_model_security.errors import GitError, PolicyError
from git_model_security.git import config, index
from git_model_security.keyring import ring
from git_model_security.policy import gitmodel, pinned

if TYPE_CHECKING:
    from collections.abc import Iterable

    from git_model_security.clone.clone import Clone
    from git_model_security.git.index import Entry
    from git_model_security.git.repository import Repository
    from git_model_security.policy.gitmodel import Policy


def hint(repo: Repository) -> str:
    """Returns the command: HEAD may have it, or this clone, which keeps what it took over."""
    if index.resolve(repo, f"HEAD:{gitmodel.NAME.decode()}"):
        return "`git restore --staged .gitmodel` brings it back"
    if index.resolve(repo, "HEAD") and pinned.current(repo):
        return "`git model repair` puts it back, or check out a branch that has it"
    return "`git model init` makes it one"


def is_strange(repo: Repository, revision: str = "HEAD") -> bool:
    """Tells whether nothing here was ever git-model's: no policy, no key, nothing pinned.

    Args:
        revision: what else may have a policy.
    """
    if config.read(repo).get(ring.KEY_ID) or pinned.rules(repo) or pinned.current(repo):
        return False
    named = [f"{tip}:.gitmodel" for tip in ("HEAD", "", revision)]
    return repo.work_tree is not None and not any(index.resolve(repo, one) for one in named)


def require_ours(repo: Repository, revision: str = "HEAD") -> None:
    """Raises a GitError where git-model was never set up; see `is_strange`."""
    if is_strange(repo, revision):
        raise GitError(
            "this repository has no .gitmodel: it is not a git-model repository",
            hint=hint(repo),
        )


def require(clone: Clone, entries: Iterable[Entry]) -> Policy:
    """Returns the policy among the entries of the index.

    Raises:
        PolicyError: there is none.
        ConfigError: see `gitmodel.find`.
    """
    policy = gitmodel.find(entries, clone.objects)
    if policy is None:
        raise PolicyError(
            "there is no .gitmodel in the index: this is not a git-model repository",
            hint=hint(clone.repo),
        )
    return policy
