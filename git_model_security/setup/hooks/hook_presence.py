"""Which of our hooks Git would not run now, and why.

The filter asks it for every Git command: it reads a few small files and starts no
process where the hooks directory is given. It changes nothing; that is `hook_setup`.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from git_model_security.git import config
from git_model_security.git.paths import shown
from git_model_security.setup.hooks import hook_directory, hook_place
from git_model_security.setup.hooks.configured_hooks import events_off
from git_model_security.setup.hooks.hook_directory import EARLIER
from git_model_security.setup.hooks.shims import HOOKS

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from git_model_security.git.repository import Repository


def missing(
    repo: Repository, hooks: Path | None = None, values: config.Values | None = None
) -> list[str]:
    """Returns the names of the hooks that would not run ours now.

    Git is asked where it looks for hooks, and for the section `hook` of its configuration,
    unless both are given.
    """
    place = hook_place.choose(repo, hooks)
    absent = set(events_off(config.read(repo, "hook") if values is None else values))
    if place.husky is None:
        absent |= {hook for hook in HOOKS if not hook_directory.is_called(place.hooks, hook)}
    else:
        from git_model_security.setup.hooks import husky  # the filter mostly needs none of it

        absent |= {hook for hook in HOOKS if not husky.is_called(place, hook)}
    return [hook for hook in HOOKS if hook in absent]


def describe(repo: Repository, absent: Collection[str]) -> str:
    """Returns in a line which hooks do not run, and where Git looks for them."""
    if len(absent) < len(HOOKS):
        return f"hooks of git-model that do not run: {', '.join(absent)}"
    return f"no hook of git-model runs: Git looks in {_near(repo, repo.hooks)}"


def remedies(repo: Repository, absent: Collection[str]) -> list[str]:
    """Returns what makes the absent hooks run, a line each."""
    off = [hook for hook in events_off(config.read(repo, "hook")) if hook in absent]
    said = [f"`git config hook.{hook}.enabled true`: Git may run none with it" for hook in off]
    absent = [hook for hook in absent if hook not in off]
    return said + (_remedies_of_files(repo, absent) if absent else [])


def _remedies_of_files(repo: Repository, absent: Collection[str]) -> list[str]:
    place = hook_place.choose(repo, repo.hooks)
    if place.husky is None:
        said = [
            f"make one hook of {_near(repo, place.hooks / hook)} and {hook}{EARLIER}"
            for hook in absent
            if hook_directory.is_conflict(place.hooks, hook)
        ]
    else:
        from git_model_security.setup.hooks import husky

        said = list(filter(None, (husky.find_refusal(place, hook) for hook in absent)))
        if off := husky.find_switch_off():
            return [*said, f"husky runs no hooks with {off}: take it back"]
    if len(said) < len(absent):
        said.append("`git model doctor --fix` makes them run")
    return said


def _near(repo: Repository, path: Path) -> str:
    """Returns a path as a person at the top of the work tree would write it."""
    top = repo.work_tree
    near = path.relative_to(top) if top and path.is_relative_to(top) else path
    return shown(os.fsencode(near))
