"""The hook of a bare repository: where it goes, what it keeps, and taking it out again.

1. The repository's own hooks directory: a shim that keeps and runs what was there.
2. Another directory, named by `core.hooksPath`: never written to; shims of ours pass on
   to it, as in a clone (`hook_redirect`).
3. A file that the administrator names, for hosts that run hooks of their own and ours
   beside them.

What the hook does is `git_model_security.hooks.pre_receive`.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from git_model_security.errors import GitError
from git_model_security.git import config
from git_model_security.guard import refusal
from git_model_security.setup.hooks import hook_directory, hook_redirect, hook_setup, shims
from git_model_security.setup.hooks.hook_directory import EARLIER, Outcome
from git_model_security.setup.hooks.journal import Journal

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from git_model_security.git.repository import Repository
    from git_model_security.setup.program import Program

HOOK = "pre-receive"
PLACE = "git-model.serverHook"
"""The file that the administrator named."""
_INSTALL = "`git model install --server`"


def install(repo: Repository, program: Program, place: Path | None = None) -> list[str]:
    """Makes the repository run our hook and those that were there; again changes nothing.

    Args:
        repo: the repository.
        program: what the hook runs.
        place: the file to write; None is the one named before, or where Git looks.

    Returns:
        What was done, in lines for the administrator.

    Raises:
        GitError: a file cannot be written, or is somebody else's; nothing is changed.
    """
    named = config.get(repo, PLACE, "--local")
    chosen = place.absolute() if place else repo.common_dir / named if named else None
    hooks = hook_redirect.effective(repo)
    own = repo.common_dir / "hooks"
    with Journal() as journal:
        if chosen is not None:
            return _install_at(journal, repo, chosen, program)
        if hooks == own.resolve() and not own.is_symlink():
            journal.make_directory(own)
            shim = _shim(HOOK, program, where="beside")
            return _told(own / HOOK, hook_directory.install(journal, own, HOOK, shim))
        # Somebody else's directory: not written to, and still run.
        if not own.is_symlink():
            hook_directory.remove(journal, own, HOOK)
        return _install_redirected(journal, repo, hooks, program)


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
    shim = _shim(HOOK, program, where="nowhere")
    is_new = not os.path.lexists(path)
    if not is_new and not shims.is_ours(path):
        raise GitError(f"{path}: there is another hook", hint="choose another name for ours")
    if config.get(repo, PLACE, "--local") != str(path):
        config.put(repo, PLACE, str(path))
    if not is_new and shims.is_same(path, shim):
        return []
    journal.make_directory(path.parent)
    journal.write(path, shim)
    return _told(path, Outcome.WRITTEN if is_new else Outcome.REFRESHED)


def _install_redirected(
    journal: Journal, repo: Repository, hooks: Path, program: Program
) -> list[str]:
    directory = hook_redirect.make_directory(journal, repo)
    outcomes = {
        hook: hook_directory.install(
            journal, directory, hook, _shim(hook, program, where="elsewhere")
        )
        for hook in shims.ALL
    }
    lines = _told(directory / HOOK, outcomes[HOOK])
    # Last: from here on Git uses the shims, so all of them must be there.
    if hook_redirect.install(journal, repo):
        lines.append(
            f"{hook_redirect.HOOKS_PATH} of this repository is now {directory};"
            f" all hooks of {hooks} still run"
        )
    return lines


def _told(path: Path, outcome: Outcome) -> list[str]:
    if outcome is Outcome.CONFLICT:
        raise GitError(
            f"{path} is a foreign hook, and {HOOK}{EARLIER} another: not installed",
            hint="make one of the two, then run it again",
        )
    said = {
        Outcome.WRITTEN: [f"installed {path}"],
        Outcome.REFRESHED: [f"refreshed {path}"],
        Outcome.KEPT: [
            f"installed {path}",
            f"the earlier hook still runs, kept as {HOOK}{EARLIER}",
        ],
    }
    return said.get(outcome, [])


def _parts(hook: str, where: str) -> str:
    if hook != HOOK:
        return "earlier"
    return "ours" if where == "nowhere" else "ours earlier"


def _shim(hook: str, program: Program, *, where: str) -> bytes:
    ours = hook == HOOK
    values = {
        "hook": hook,
        "run": _parts(hook, where),
        "where": where,
        # A shim that only passes on stays the same when git-model moves.
        "python": str(program.python) if ours else "",
        "main": str(program.main) if ours else "",
    }
    return shims.filled("pre-receive.sh", values)


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
    return hook_redirect.effective(repo) / HOOK
