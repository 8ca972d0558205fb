"""The audit log: what was overridden, repaired, signed and verified, one line each.

JSON lines under the git common dir, only ever appended to. Whoever can write there can
write the hooks beside it, so it is a memory for colleagues, no proof against them.
"""

from __future__ import annotations

import contextlib
import json
import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from git_model_security import messages
from git_model_security.errors import GitError
from git_model_security.git import config, sharing

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from git_model_security.git.repository import Repository

NAME = "audit.log"


def record(
    repo: Repository,
    action: str,
    *,
    ref: str = "",
    commits: Iterable[str] = (),
    reason: str = "",
    findings: Iterable[str] = (),
    facts: Mapping[str, object] | None = None,
) -> None:
    """Appends an event.

    Args:
        action: what happened, in a word or two with hyphens.
        findings: what was found, a line of text each.
        facts: what else belongs to this action.

    Raises:
        GitError: it cannot be written, so what it is about must not happen either.
    """
    event = {
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "action": action,
        "ref": ref,
        "commits": list(commits),
        "user": _committer(repo),
        "reason": reason,
        "findings": list(findings),
        **(facts or {}),
    }
    line = json.dumps(event, ensure_ascii=True) + "\n"
    path = repo.state_dir / NAME
    try:
        sharing.append(repo.common_dir, path, line.encode())
    except OSError as error:
        raise GitError(
            f"{path}: {messages.reason(error)}",
            hint="the audit log must be written before going on",
        ) from error


def read(repo: Repository) -> list[dict[str, object]]:
    """Returns the events, the oldest first; a line that is none is left out.

    Raises:
        GitError: the log cannot be read.
    """
    try:
        text = (repo.state_dir / NAME).read_bytes()
    except FileNotFoundError:
        return []
    except OSError as error:
        raise GitError(f"{repo.state_dir / NAME}: {messages.reason(error)}") from error
    events = []
    for line in text.splitlines():
        # A machine may die while it writes the last one.
        with contextlib.suppress(ValueError):
            event = json.loads(line)
            if isinstance(event, dict):
                events.append(event)
    return events


def _committer(repo: Repository) -> str:
    """Returns `Name <address>` as Git would write it into a commit, else the login name."""
    settings = config.read(repo, "(committer|user)")
    name, address = (
        os.environ.get(f"GIT_COMMITTER_{word.upper()}")
        or config.last(settings, f"committer.{word}")
        or config.last(settings, f"user.{word}")
        for word in ("name", "email")
    )
    if name and address:
        return f"{name} <{address}>"
    said = repo.git("var", "GIT_COMMITTER_IDENT", accept=(0, 128)).decode("utf-8", "replace")
    # The address ends the name; a time and a time zone follow (git-var).
    found = said.rpartition(">")[0]
    if found:
        return f"{found}>"
    import getpass  # where Git knows nobody

    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return ""
