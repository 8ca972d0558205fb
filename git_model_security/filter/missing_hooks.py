"""What the filter says and does where Git would not run our hooks.

Without them nothing is signed, guarded or uploaded by git-lfs, and no command fails.
The filter is what Git runs all the same: it tells of it once per command, and takes in no
content, unless a person decided to go on. On the ordinary path it starts no process.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_model_security import messages
from git_model_security.errors import ConfigError, PolicyError
from git_model_security.git import config
from git_model_security.setup.hooks import configured_hooks, hook_place, shims

if TYPE_CHECKING:
    from git_model_security.clone.clone import Clone

SETTING = "git-model.hooks"
REQUIRED, WARN, OFF = "required", "warn", "off"

_LOOKS = frozenset(
    {
        *("blame", "describe", "diff", "diff-files", "diff-index", "status"),
        *("checkout", "reset", "restore", "rm", "switch"),
    }
)
"""Commands that run clean to compare, and keep nothing of it; all others may."""
_REFRESHES = frozenset(
    {"-q", "--clear-resolve-undo", "--really-refresh", "--refresh", "--unmerged"}
)
"""Options of `update-index` with which it only compares, where it gets no others."""
_HASHES = frozenset({"--stdin-paths"})
"""Options of `hash-object` with which it only prints, where it gets no others."""
_SHELLS = 2
"""Git starts a filter through a shell, which mostly becomes the filter."""


def check(clone: Clone) -> PolicyError | None:
    """Tells of hooks that do not run; returns why clean has to refuse, if it has to.

    Raises:
        ConfigError: the setting is none of the three.
    """
    if clone.ring.locked:
        return None  # nothing is encrypted here, and a clone may be locked for good
    repo = clone.repo
    absent = hook_place.missing(repo, repo.hooks, clone.settings)
    for what, remedy in configured_hooks.find_faults(clone.settings):
        messages.warn(what, remedy)
    if not absent or _decision(clone) == OFF:
        return None
    what = hook_place.describe(repo, absent)
    if config.get_once(repo, hook_place.HOOKS_PATH) is not None:
        # For this one command somebody chose other hooks, or none.
        messages.warn(what)
        return None
    error = PolicyError(what, hint="\n".join(hook_place.remedies(repo, absent)))
    if _stops(clone, absent):
        return error
    messages.tell(error, level="warning")
    return None


def _stops(clone: Clone, absent: list[str]) -> bool:
    """Tells whether nothing may come in: a guard does not run, and nobody decided so."""
    return (
        any(shims.stops(hook) for hook in absent)
        and _decision(clone) == REQUIRED
        and not _only_looks()
        and not _is_overridden(clone, absent)
    )


def _only_looks() -> bool:
    """Tells whether the Git command that runs us keeps nothing; unknown is no.

    Git tells a filter what to do and not what for: `git status` runs clean to compare, and
    `git add` to keep.
    """
    from git_model_security.git import processes

    command, *more = processes.words(_SHELLS) or [""]
    if command == "update-index":
        return {*more} <= _REFRESHES
    if command == "hash-object":
        return {word for word in more if word.startswith("-")} <= _HASHES
    return command in _LOOKS


def _decision(clone: Clone) -> str:
    said = config.last(clone.settings, SETTING) or REQUIRED
    if said not in {REQUIRED, WARN, OFF}:
        raise ConfigError(
            f"{SETTING} = {said!r} is no way to go on without hooks",
            hint=f"{REQUIRED}, {WARN} or {OFF}",
        )
    return said


def _is_overridden(clone: Clone, absent: list[str]) -> bool:
    from git_model_security.guard import refusal

    if not refusal.is_overridden(clone.repo):
        return False
    refusal.let_through(clone.repo, "add", [hook_place.describe(clone.repo, absent)])
    return True
