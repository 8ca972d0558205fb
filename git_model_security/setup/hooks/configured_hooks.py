"""Hooks that stand in Git's configuration (git >= 2.54), beside the hooks directory.

They run before the hook there, and none of them stops another: what a configured
pre-push uploads has left when our guard refuses. Whether one may run so is for a person
to say, by `hook.NAME.enabled`; that of git-lfs is switched off, as ours uploads too.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from git_model_security.git import config
from git_model_security.messages import legible
from git_model_security.setup.hooks.shims import HOOKS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from git_model_security.git.repository import Repository

SWITCHED_OFF = "git-model.switchedOffHook"
"""Names that `switch_off` wrote, for `switch_on`."""
_UPLOADS = "pre-push"
_LFS = r"\s*git[ -]lfs\s+pre-push(\s+\"?\$@\"?)?\s*"


def undecided(values: config.Values) -> dict[str, str]:
    """Returns the commands by name that run at each push, refused or not."""
    return {
        name: config.last(values, f"hook.{name}.command") or ""
        for name, events in _events(values)
        if _UPLOADS in events and f"hook.{name}.enabled" not in values
    }


def find_faults(values: config.Values) -> Iterator[tuple[str, str]]:
    """Yields what is wrong, and what a person does about it."""
    for name, command in undecided(values).items():
        yield (
            f"hook.{legible(name)} runs at each push, also one that git-model refuses:"
            f" {legible(command)}",
            f"`git config hook.{legible(name)}.enabled false`, or true if it uploads nothing",
        )


def events_off(values: config.Values) -> list[str]:
    """Returns the hooks of ours whose event is switched off, for all hooks of it."""
    return [
        hook for hook in HOOKS if config.is_false(config.last(values, f"hook.{hook}.enabled"))
    ]


def switch_off(repo: Repository) -> list[str]:
    """Switches the upload of git-lfs off, where ours follows the guard; returns what it did."""
    values = config.read(repo, "hook")
    events = dict(_events(values))
    found = [
        name
        for name, command in undecided(values).items()
        if re.fullmatch(_LFS, command) and events[name] == [_UPLOADS]
    ]
    for name in found:
        config.put(repo, f"hook.{name}.enabled", "false")
        config.add(repo, SWITCHED_OFF, name)
    return [
        f"switched off hook.{legible(name)} here: git-model uploads, once a push is judged"
        for name in found
    ]


def switch_on(repo: Repository) -> bool:
    """Takes `switch_off` back, and tells whether there was anything to take back."""
    names = config.read(repo).get(SWITCHED_OFF.lower(), [])
    for name in names:
        config.unset(repo, f"hook.{name}.enabled")
    config.unset(repo, SWITCHED_OFF)
    return bool(names)


def _events(values: config.Values) -> Iterator[tuple[str, list[str]]]:
    for key, said in values.items():
        name, _, variable = key.removeprefix("hook.").rpartition(".")
        if name and variable == "event":
            # An empty value takes back what was said before it.
            last = len(said) - said[::-1].index("") if "" in said else 0
            yield name, list(dict.fromkeys(said[last:]))
