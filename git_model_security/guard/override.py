"""How a person overrides a guard: what the setting may say, and where it counts.

A setting in a file would turn refusals off for ever and be forgotten: it counts only for
one command. On a server nobody can give `-c`, and its own files say it.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from git_model_security.git import config

if TYPE_CHECKING:
    from git_model_security.git.repository import Repository

GUARD = "git-model.guard"
REASON = "git-model.reason"
WARN = "warn"
_ONCE = "command"
"""Scope of `git -c` (git-config, `--show-scope`)."""


def is_overridden(repo: Repository, *, anywhere: bool = False) -> bool:
    """Tells whether refusals are warnings now.

    Args:
        repo: the repository.
        anywhere: its own files count, as they do on a server.
    """
    if anywhere:
        return (config.last(config.read_own(repo), GUARD) or "").lower() == WARN
    scope, value = _said(repo)
    return value.lower() == WARN and scope == _ONCE


def misunderstood(repo: Repository, *, anywhere: bool = False) -> str:
    """Returns why a setting that stands there overrides nothing; empty where none does.

    Args:
        repo: the repository.
        anywhere: see `is_overridden`.
    """
    own = config.last(config.read_own(repo), GUARD) if anywhere else None
    value = own or "" if anywhere else _said(repo)[1]
    if not value or is_overridden(repo, anywhere=anywhere):
        return ""
    if value.lower() != WARN:
        return f"{GUARD}={value} is no value, and the guards are on; {WARN} is the only one"
    return f"{GUARD}={WARN} in a file overrides nothing, it counts for one `git -c` alone"


def _said(repo: Repository) -> tuple[str, str]:
    said = repo.git("config", "-z", "--show-scope", "--get", GUARD, accept=(0, 1))
    scope, _, value = os.fsdecode(said.removesuffix(b"\0")).partition("\0")
    return scope, value
