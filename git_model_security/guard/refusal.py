"""How a guard refuses, and how a person overrides it: for one command, loud, and logged.

A setting in a file would turn refusals off for ever and be forgotten: it counts only for
one command. On a server nobody can give `-c`, and its own files say it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_model_security import messages
from git_model_security.clone import audit_log
from git_model_security.errors import PolicyError
from git_model_security.git import config

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from git_model_security.git.repository import Repository

GUARD = "git-model.guard"
REASON = "git-model.reason"
WARN = "warn"
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
        found: what was found, a line of text each.
        anywhere: see `is_overridden`.

    Raises:
        PolicyError: with the list.
        GitError: an override cannot be logged.
    """
    lines = list(found)
    if not lines:
        return
    if is_overridden(repo, anywhere=anywhere):
        let_through(repo, guard, lines, refs=refs, commits=commits)
        return
    wrong = misunderstood(repo, anywhere=anywhere)
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


def is_overridden(repo: Repository, *, anywhere: bool = False) -> bool:
    """Tells whether refusals are warnings now.

    Args:
        anywhere: its own files count, as they do on a server.
    """
    said = _own(repo) if anywhere else config.get_once(repo, GUARD)
    return (said or "").lower() == WARN


def misunderstood(repo: Repository, *, anywhere: bool = False) -> str:
    """Returns why a setting that stands there overrides nothing; empty where none does."""
    value = _own(repo) if anywhere else config.get(repo, GUARD)
    if not value or is_overridden(repo, anywhere=anywhere):
        return ""
    if value.lower() != WARN:
        return f"{GUARD}={value} is no value, and the guards are on; {WARN} is the only one"
    return f"{GUARD}={WARN} in a file overrides nothing, it counts for one `git -c` alone"


def _own(repo: Repository) -> str | None:
    return config.last(config.read_own(repo), GUARD)
