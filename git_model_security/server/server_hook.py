"""The hook of a bare repository: placed as those of a clone are (`setup.hooks`).

Or in a file that the administrator names, for hosts that run hooks of their own and ours
beside them. What the hook does is `git_model_security.hooks.pre_receive`.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from git_model_security.errors import GitError
from git_model_security.git import config
from git_model_security.guard import refusal
from git_model_security.setup.hooks import hook_directory, hook_place, hook_setup, shims
from git_model_security.setup.hooks.hook_directory import EARLIER
from git_model_security.setup.hooks.journal import Journal

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from git_model_security.git.repository import Repository
    from git_model_security.setup.drivers import Program

HOOK = "pre-receive"
PLACE = "git-model.serverHook"
"""The file that the administrator named."""
_INSTALL = "`git model install --server`"


def install(repo: Repository, program: Program, place: Path | None = None) -> list[str]:
    """Makes the repository run our hook and those that were there; again changes nothing.

    The file is `place`, or the one that was named before, or stands where Git looks.

    Returns:
        What was done, in lines for the administrator.

    Raises:
        GitError: a file cannot be written, or is somebody else's; nothing is changed.
    """
    named = config.get(repo, PLACE, "--local")
    chosen = place.absolute() if place else repo.common_dir / named if named else None
    if chosen is not None:
        with Journal() as journal:
            return _install_at(journal, repo, chosen, program)
    directory = hook_place.choose(repo).directory
    if hook_directory.is_conflict(directory, HOOK):
        raise GitError(
            f"{directory / HOOK} is a foreign hook, and {HOOK}{EARLIER} another: not installed",
            hint="make one of the two, then run it again",
        )
    return hook_setup.install(repo, program=program, ours=shims.SERVER_HOOKS)


def uninstall(repo: Repository) -> list[str]:
    """Puts back what was there before `install`, and touches only what is ours.

    Raises:
        GitError: a file or the configuration cannot be written.
    """
    lines = hook_setup.uninstall(repo)
    named = config.get(repo, PLACE, "--local")
    if named is not None:
        path = repo.common_dir / named
        if shims.is_ours(path):
            with Journal() as journal:
                journal.remove(path)
            lines.append(f"removed {path}")
        config.unset(repo, PLACE)
    return lines


def _install_at(journal: Journal, repo: Repository, path: Path, program: Program) -> list[str]:
    shim = shims.render(HOOK, shims.SERVER_HOOKS, program, shims.ALONE)
    is_new = not os.path.lexists(path)
    if not is_new and not shims.is_ours(path):
        raise GitError(f"{path}: there is another hook", hint="choose another name for ours")
    if config.get(repo, PLACE, "--local") != str(path):
        config.put(repo, PLACE, str(path))
    if not is_new and shims.is_same(path, shim):
        return []
    journal.make_directory(path.parent)
    journal.write(path, shim)
    return [f"{'installed' if is_new else 'refreshed'} {path}"]


def symptoms(repo: Repository) -> Iterator[tuple[str, str]]:
    """Yields what is wrong with the guard of a server, each with its remedy."""
    if refusal.is_overridden(repo, anywhere=True):
        yield (
            f"{refusal.GUARD}={refusal.WARN} lets everything in, with a warning",
            f"`git config --unset {refusal.GUARD}`, when it is over",
        )
    elif wrong := refusal.misunderstood(repo, anywhere=True):
        yield wrong, f"`git config --unset {refusal.GUARD}`"
    hook = _place(repo)
    if not shims.is_ours(hook):
        yield f"nothing judges what is pushed here: {hook} is not git-model's", _INSTALL
    elif not shims.is_executable(hook):
        yield f"{hook} is not executable, so Git does not run it", f"`chmod +x {hook}`"
    elif not shims.works(hook):
        yield f"the program that {hook} names is gone, so nothing is accepted", _INSTALL


def _place(repo: Repository) -> Path:
    named = config.get(repo, PLACE, "--local")
    if named is not None:
        return repo.common_dir / named
    return hook_place.effective(repo) / HOOK
