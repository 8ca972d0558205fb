"""How a guard refuses, and how a person overrides it: for one command, loud, and logged."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from git_model_security.errors import PolicyError
from git_model_security.git import config
from git_model_security.guard import audit_log

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from git_model_security.git.repository import Repository

GUARD = "git-model.guard"
REASON = "git-model.reason"
_WARN = "warn"
_SHOWN_FINDINGS = 20
_ONCE = b"command"
"""Scope of `git -c` (git-config, `--show-scope`)."""


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
    sys.stderr.write(
        f"git-model: warning: {guard} was overridden ({GUARD}={_WARN}); it had refused:\n"
        f"  {_listing(lines)}\n"
        f"git-model: warning: this is written to {repo.state_dir / audit_log.NAME}\n"
    )


def _listing(lines: Sequence[str]) -> str:
    shown = list(lines[:_SHOWN_FINDINGS])
    if len(lines) > len(shown):
        shown.append(f"… and {len(lines) - len(shown)} more")
    return "\n  ".join(shown)


def is_overridden(repo: Repository, *, anywhere: bool = False) -> bool:
    """Tells whether this command turns refusals into warnings.

    A setting in a file would do it for ever and be forgotten: it does not count, but
    `anywhere`: on a server nobody can give `-c`, and its own files say it.
    """
    if anywhere:
        return (config.last(config.read_own(repo), GUARD) or "").lower() == _WARN
    said = repo.git("config", "-z", "--show-scope", "--get", GUARD, accept=(0, 1))
    scope, _, value = said.removesuffix(b"\0").partition(b"\0")
    return value.lower() == _WARN.encode() and scope == _ONCE
