"""Which of our hooks Git would not run now, and why.

The filter asks it for every Git command: it reads a few small files and starts no
process where the hooks directory is given. It changes nothing; that is `hook_setup`.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from git_model_security.git import config
from git_model_security.git.paths import shown
from git_model_security.setup.hooks import hook_directory, hook_redirect, shims
from git_model_security.setup.hooks.configured_hooks import events_off
from git_model_security.setup.hooks.hook_directory import EARLIER
from git_model_security.setup.hooks.shims import HOOKS

if TYPE_CHECKING:
    from collections.abc import Collection

    from git_model_security.git.repository import Repository

_HUSKY = ".husky"
_OFF = "0"
_SWITCHED_OFF = rb"(?m)^[ \t]*(?:export[ \t]+)?HUSKY=[\"']?0"


def missing(
    repo: Repository, hooks: Path | None = None, values: config.Values | None = None
) -> list[str]:
    """Returns the names of the hooks that would not run ours now.

    Args:
        repo: the repository.
        hooks: where Git looks for hooks; None asks it.
        values: the section `hook` of the configuration; None asks for it.
    """
    absent = set(_not_there(repo, hooks))
    absent |= set(events_off(config.read(repo, "hook") if values is None else values))
    return [hook for hook in HOOKS if hook in absent]


def _not_there(repo: Repository, hooks: Path | None) -> list[str]:
    hooks = hook_redirect.effective(repo) if hooks is None else hooks.resolve()
    committed = husky_directory(repo, hooks)
    if committed is None:
        return [hook for hook in HOOKS if not hook_directory.is_called(hooks, hook)]
    from git_model_security.setup.hooks import husky

    ours = hook_redirect.directory(repo)
    off = bool(switched_off())
    return [
        hook
        for hook in HOOKS
        if not (
            shims.works(hooks / hook)
            if takes_shim(hooks, committed, hook)
            # husky's own file, which a clone without `npm install` does not have
            else not off
            and shims.is_executable(hooks / hook)
            and husky.calls(committed, hook)
            and shims.works(ours / hook)
        )
    ]


def described(repo: Repository, absent: Collection[str]) -> str:
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
    hooks = repo.hooks.resolve()
    committed = husky_directory(repo, hooks)
    if committed is None:
        manual = [hook for hook in absent if hook_directory.is_conflict(hooks, hook)]
        said = [
            f"make one hook of {_near(repo, hooks / hook)} and {hook}{EARLIER}"
            for hook in manual
        ]
    else:
        from git_model_security.setup.hooks import husky

        ours = hook_redirect.directory(repo)
        manual = [
            hook
            for hook in absent
            if not takes_shim(hooks, committed, hook) and husky.obstacle(committed, hook)
        ]
        said = [
            f"{husky.obstacle(committed, hook)}; let it call {ours / hook}" for hook in manual
        ]
        if off := switched_off():
            said.append(f"husky runs no hooks with {off}: take it back")
            return said
    if len(manual) < len(absent):
        said.append("`git model doctor --fix` makes them run")
    return said


def husky_directory(repo: Repository, hooks: Path) -> Path | None:
    """Returns husky's directory; one outside the work tree is only named like it."""
    if _HUSKY not in hooks.parts:
        return None
    from git_model_security.setup.hooks import husky

    found = husky.directory(hooks)
    top = repo.work_tree
    return found if found and top and found.resolve().is_relative_to(top.resolve()) else None


def takes_shim(hooks: Path, committed: Path, hook: str) -> bool:
    """Tells whether a hook that husky does not write itself is a shim of ours there.

    husky 9 writes 14 hooks into `.husky/_` at each `npm install` and leaves all else.
    """
    path = hooks / hook
    return hooks != committed and (shims.is_ours(path) or not os.path.lexists(path))


def switched_off() -> str:
    """Returns what makes husky's hooks end before they run ours, or an empty text."""
    if os.environ.get("HUSKY") == _OFF:
        return "HUSKY=0 in the environment"
    home = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    file = Path(home, "husky", "init.sh")
    if file.is_file() and re.search(_SWITCHED_OFF, file.read_bytes()):
        return f"HUSKY=0 in {file}"
    return ""


def _near(repo: Repository, path: Path) -> str:
    """Returns a path as a person at the top of the work tree would write it."""
    top = repo.work_tree
    near = path.relative_to(top) if top and path.is_relative_to(top) else path
    return shown(os.fsencode(near))
