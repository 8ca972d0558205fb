"""Where the shims of a repository go, which hooks they run beside our part, and which not.

The filter asks for the last of these with every Git command: it reads a few small files and
starts no process where the hooks directory is given. Changes nothing; `hook_setup` writes.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from git_model_security.git import config
from git_model_security.git.paths import shown
from git_model_security.git.repository import STATE_DIRECTORY
from git_model_security.setup.hooks import hook_directory
from git_model_security.setup.hooks.configured_hooks import events_off
from git_model_security.setup.hooks.hook_directory import EARLIER
from git_model_security.setup.hooks.shims import ALONE, BESIDE, ELSEWHERE, HOOKS

if TYPE_CHECKING:
    from collections.abc import Collection

    from git_model_security.git.repository import Repository

HOOKS_PATH = "core.hooksPath"
CHAINED = "git-model.chainedHooksPath"
"""The value that this clone's own `core.hooksPath` had before ours, if it had one."""
_HUSKY = ".husky"


@dataclass(frozen=True)
class Place:
    """Where our shims belong.

    Attributes:
        hooks: where Git looks for hooks now.
        directory: where the shims stand.
        where: the hook that a shim there runs beside our part; see `shims`.
        husky: the committed directory of husky's hooks, which call the shims; or None.
    """

    hooks: Path
    directory: Path
    where: str
    husky: Path | None = None


def choose(repo: Repository, hooks: Path | None = None) -> Place:
    """Returns where the shims belong, while Git looks for hooks in `hooks`; None asks it."""
    hooks = effective(repo) if hooks is None else hooks.resolve()
    committed = husky_directory(repo, hooks)
    if committed is not None:
        return Place(hooks, redirected(repo), ALONE, committed)
    # A link (`.git/hooks -> ../githooks`) leads to files that are somebody else's.
    if hooks == own(repo).resolve() and not own(repo).is_symlink():
        return Place(hooks, own(repo), BESIDE)
    return Place(hooks, redirected(repo), ELSEWHERE)


def own(repo: Repository) -> Path:
    """Returns the repository's own hooks directory, which others write to as well."""
    return repo.common_dir / "hooks"


def redirected(repo: Repository) -> Path:
    """Returns the directory of the repository that only we write hooks to."""
    return repo.common_dir / STATE_DIRECTORY / "hooks"


def is_redirected(path: Path) -> bool:
    """Tells whether a hooks directory is ours, or was before the clone was moved.

    `core.hooksPath` cannot be relative to the git directory in all work trees, so
    ours is absolute and goes stale with a move.
    """
    return path.parts[-2:] == (STATE_DIRECTORY, "hooks")


def effective(repo: Repository) -> Path:
    """Returns the directory in which Git looks for hooks, links resolved."""
    out = repo.git("rev-parse", "--path-format=absolute", "--git-path", "hooks")
    return Path(os.fsdecode(out.removesuffix(b"\n"))).resolve()


def earlier(repo: Repository, hook: str) -> Path:
    """Returns the hook that a shim runs beside our part, as `hooks/shim.sh` finds it."""
    hooks = effective(repo)
    if not is_redirected(hooks):
        return hooks / f"{hook}{EARLIER}"
    values = config.read(repo, "(core|git-model)")
    set_here = [
        value for value in values.get(HOOKS_PATH.lower(), []) if not is_redirected(Path(value))
    ]
    chained = config.last(values, CHAINED.lower()) or (set_here[-1] if set_here else None)
    return (Path(chained).expanduser() if chained else own(repo)) / hook


def husky_directory(repo: Repository, hooks: Path) -> Path | None:
    """Returns the committed `.husky` of a hooks directory; None where that is not husky's.

    A link is not husky's work, and what it points to may be anybody's; a directory outside
    the work tree is only named like husky's.
    """
    found = hooks.parent if hooks.name == "_" else hooks
    top = repo.work_tree
    if found.name != _HUSKY or found.is_symlink() or top is None:
        return None
    return found if found.resolve().is_relative_to(top.resolve()) else None


def husky_directories(repo: Repository, hooks: Path) -> set[Path]:
    """Returns the same, and the one where blocks of ours may be left of an earlier time."""
    candidates = [hooks] + ([repo.work_tree.resolve() / _HUSKY] if repo.work_tree else [])
    return set(filter(None, (husky_directory(repo, one) for one in candidates)))


def missing(
    repo: Repository, hooks: Path | None = None, values: config.Values | None = None
) -> list[str]:
    """Returns the names of the hooks that would not run ours now.

    Git is asked where it looks for hooks, and for the section `hook` of its configuration,
    unless both are given.
    """
    place = choose(repo, hooks)
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
    place = choose(repo, repo.hooks)
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
