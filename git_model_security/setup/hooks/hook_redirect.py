"""Points one clone's `core.hooksPath` to shims of ours, and back.

For a hooks directory that is not ours to write to: a team's, the user's global
one, a committed one. Our shims for all of Git's hooks pass on to that directory,
which they ask for when they run.
"""

from __future__ import annotations

import contextlib
import os
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from git_model_security.errors import ConfigError
from git_model_security.git import config, sharing
from git_model_security.git.repository import STATE_DIRECTORY
from git_model_security.setup.hooks.hook_directory import EARLIER

if TYPE_CHECKING:
    from git_model_security.git.repository import Repository
    from git_model_security.setup.hooks.journal import Journal

HOOKS_PATH = "core.hooksPath"
CHAINED = "git-model.chainedHooksPath"
"""The value that this clone's own `core.hooksPath` had before ours, if it had one."""


def directory(repo: Repository) -> Path:
    """Returns the directory of the clone that only we write hooks to."""
    return repo.common_dir / STATE_DIRECTORY / "hooks"


def make_directory(journal: Journal, repo: Repository) -> Path:
    """Makes that directory, below one that only the user can read."""
    made = repo.state_dir / "hooks"
    journal.make_directory(made)
    sharing.adjust(repo.common_dir, made)
    return made


def effective(repo: Repository) -> Path:
    """Returns the directory in which Git looks for hooks, links resolved."""
    out = repo.git("rev-parse", "--path-format=absolute", "--git-path", "hooks")
    return Path(os.fsdecode(out.removesuffix(b"\n"))).resolve()


def earlier(repo: Repository, hook: str) -> Path:
    """Returns the hook that a shim of ours runs beside our part.

    As `hooks/shim.sh` finds it.
    """
    hooks = effective(repo)
    if not is_redirected(hooks):
        return hooks / f"{hook}{EARLIER}"
    values = config.read(repo, "(core|git-model)")
    set_here = [
        value for value in values.get(HOOKS_PATH.lower(), []) if not is_redirected(Path(value))
    ]
    chained = config.last(values, CHAINED.lower()) or (set_here[-1] if set_here else None)
    found = Path(chained).expanduser() if chained else repo.common_dir / "hooks"
    return found / hook


def is_redirected(path: Path) -> bool:
    """Tells whether a hooks directory is ours, or was before the clone was moved.

    `core.hooksPath` cannot be relative to the git directory in all work trees, so
    ours is absolute and goes stale with a move.
    """
    return path.parts[-2:] == (STATE_DIRECTORY, "hooks")


def install(journal: Journal, repo: Repository) -> bool:
    """Makes Git use our directory, and tells whether it did not before.

    Raises:
        ConfigError: another setting outranks that of the clone.
    """
    ours = directory(repo)
    local = config.get(repo, HOOKS_PATH, "--local")
    if local == str(ours):
        return False
    _remember(journal, repo)
    if local is None:
        config.unset(repo, CHAINED)
    elif not is_redirected(Path(local)):
        config.put(repo, CHAINED, local)
    config.put(repo, HOOKS_PATH, str(ours))
    if effective(repo) != ours.resolve():
        raise ConfigError(
            f"{HOOKS_PATH} is set where it outranks this clone's own configuration",
            hint=f"see `git config --show-origin --show-scope --get-all {HOOKS_PATH}`",
        )
    return True


def remove(journal: Journal, repo: Repository) -> bool:
    """Makes Git use what it used before `install`, and tells whether that is a change.

    A value that somebody set since then stays.
    """
    chained = config.get(repo, CHAINED, "--local")
    local = config.get(repo, HOOKS_PATH, "--local")
    redirected = local is not None and is_redirected(Path(local))
    if not redirected and chained is None:
        return False
    _remember(journal, repo)
    if redirected and chained is not None:
        config.put(repo, HOOKS_PATH, chained)
    elif redirected:
        config.unset(repo, HOOKS_PATH)
    config.unset(repo, CHAINED)
    return redirected


def _remember(journal: Journal, repo: Repository) -> None:
    for key in (HOOKS_PATH, CHAINED):
        value = config.get(repo, key, "--local")
        journal.on_failure(
            partial(config.unset, repo, key)
            if value is None
            else partial(config.put, repo, key, value)
        )


def tidy(repo: Repository) -> None:
    """Removes our directory when no hook is left in it."""
    with contextlib.suppress(OSError):
        directory(repo).rmdir()
