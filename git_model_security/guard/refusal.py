"""How a guard refuses, and how a person overrides it: for one command, loud, and logged."""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_model_security import messages
from git_model_security.clone import audit_log
from git_model_security.errors import PolicyError
from git_model_security.git import config
from git_model_security.guard import override
from git_model_security.guard.override import GUARD, REASON, WARN

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from git_model_security.git.repository import Repository

_SHOWN_FINDINGS = 20


def refuse(
    repo: Repository,
    guard: str,
    found: Iterable[str],
    hint: str,
    *,
    refs: Sequence[str] = (),
    commits: Iterable[str] = (),
    anywhere: bool = False,
) -> None:
    """Raises when a guard found something, unless this command overrides it.

    Args:
        repo: the repository.
        guard: the hook that refuses.
        found: what was found, a line of text each.
        hint: what to do about it.
        refs: the refs that would change, for the audit log.
        commits: the commits that would be let in, for the audit log.
        anywhere: see `override.is_overridden`.

    Raises:
        PolicyError: with the list.
        GitError: an override cannot be logged.
    """
    lines = list(found)
    if not lines:
        return
    if override.is_overridden(repo, anywhere=anywhere):
        let_through(repo, guard, lines, refs=refs, commits=commits)
        return
    wrong = override.misunderstood(repo, anywhere=anywhere)
    hint = "\n".join(filter(None, [wrong, hint]))
    raise PolicyError(f"refused:\n  {_listing(lines)}", hint=hint)


def let_through(
    repo: Repository,
    guard: str,
    lines: Sequence[str],
    *,
    refs: Sequence[str] = (),
    commits: Iterable[str] = (),
) -> None:
    """Warns of what a guard would have refused, and writes it to the audit log.

    Raises:
        GitError: it cannot be logged.
    """
    audit_log.record(
        repo,
        f"override-{guard}",
        ref=" ".join(refs),
        commits=commits,
        reason=config.get(repo, REASON) or "",
        findings=lines,
    )
    messages.warn(
        f"{guard} was overridden ({GUARD}={WARN}); it had refused:\n  {_listing(lines)}"
    )
    messages.warn(f"this is written to {repo.state_dir / audit_log.NAME}")


def _listing(lines: Sequence[str]) -> str:
    return "\n  ".join(messages.shortened(lines, _SHOWN_FINDINGS))
