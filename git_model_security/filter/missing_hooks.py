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
from git_model_security.setup.hooks import configured_hooks, hook_presence, hook_redirect, shims

if TYPE_CHECKING:
    from git_model_security.clone.clone import Clone

SETTING = "git-model.hooks"
REQUIRED, WARN, OFF = "required", "warn", "off"


def noticed(clone: Clone) -> PolicyError | None:
    """Tells of hooks that do not run; returns why clean has to refuse, if it has to.

    Raises:
        ConfigError: the setting is none of the three.
    """
    if clone.ring.locked:
        return None  # nothing is encrypted here, and a clone may be locked for good
    repo = clone.repo
    absent = hook_presence.missing(repo, repo.hooks, clone.settings)
    for what, remedy in configured_hooks.told(clone.settings):
        messages.warn(what, remedy)
    if not absent or _decision(clone) == OFF:
        return None
    what = hook_presence.described(repo, absent)
    if config.get_once(repo, hook_redirect.HOOKS_PATH) is not None:
        # For this one command somebody chose other hooks, or none.
        messages.warn(what)
        return None
    error = PolicyError(what, hint="\n".join(hook_presence.remedies(repo, absent)))
    if _stops(clone, absent):
        return error
    messages.tell(error, level="warning")
    return None


def _stops(clone: Clone, absent: list[str]) -> bool:
    """Tells whether nothing may come in: a guard does not run, and nobody decided so."""
    from git_model_security.git import caller

    return (
        any(shims.HOOKS[hook].stops for hook in absent)
        and _decision(clone) == REQUIRED
        and not caller.only_looks()
        and not _is_overridden(clone, absent)
    )


def _decision(clone: Clone) -> str:
    said = config.last(clone.settings, SETTING) or REQUIRED
    if said not in {REQUIRED, WARN, OFF}:
        raise ConfigError(
            f"{SETTING} = {said!r} is no way to go on without hooks",
            hint=f"{REQUIRED}, {WARN} or {OFF}",
        )
    return said


def _is_overridden(clone: Clone, absent: list[str]) -> bool:
    from git_model_security.guard import override, refusal

    if not override.is_overridden(clone.repo):
        return False
    refusal.let_through(clone.repo, "add", [hook_presence.described(clone.repo, absent)])
    return True
