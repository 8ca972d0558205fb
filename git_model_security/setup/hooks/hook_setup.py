"""Installs our hooks in a repository, removes them, and says which would not run.

Owns the choice of the place, as the package describes it (docs/SPEC.md, "Hooks"); which
hooks would not run is `hook_presence`.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from git_model_security.git import config
from git_model_security.setup.hooks import (
    configured_hooks,
    hook_directory,
    hook_presence,
    hook_redirect,
    husky,
    shims,
)
from git_model_security.setup.hooks.hook_directory import EARLIER, Outcome
from git_model_security.setup.hooks.journal import Journal
from git_model_security.setup.hooks.shims import HOOKS
from git_model_security.setup.program import Program

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from git_model_security.git.repository import Repository

__all__ = ["HOOKS", "install", "uninstall"]


def install(repo: Repository, *, program: Program | None = None) -> list[str]:
    """Makes Git run our hooks and those that were there; again changes nothing.

    Args:
        repo: the repository.
        program: what the hooks run; None is the git-model that is running.

    Returns:
        What was done or could not be, in lines for the user; empty when all was so
        already.

    Raises:
        GitError: a file or the configuration cannot be written; nothing is changed.
        ConfigError: `core.hooksPath` is set where a clone cannot override it.
    """
    program = program or Program.current()
    hooks = hook_redirect.effective(repo)
    committed = hook_presence.husky_directory(repo, hooks)
    with Journal() as journal:
        if committed:
            lines = _install_husky(journal, repo, hooks, committed, program)
        elif _is_default(repo, hooks):
            lines = _install_beside(journal, repo, program)
        else:
            lines = _install_redirected(journal, repo, hooks, program)
    hook_redirect.tidy(repo)
    return lines + configured_hooks.switch_off(repo)


def uninstall(repo: Repository) -> list[str]:
    """Puts back what was there before `install`, and touches only what is ours.

    Returns:
        What was done or left alone, in lines for the user.

    Raises:
        GitError: a file or the configuration cannot be written; nothing is changed.
    """
    hooks = hook_redirect.effective(repo)
    with Journal() as journal:
        lines = []
        if configured_hooks.switch_on(repo):
            lines.append("configured hooks that were switched off run again")
        if hook_redirect.remove(journal, repo):
            lines.append(f"{hook_redirect.HOOKS_PATH} is again what it was")
        for directory in _husky_directories(repo, hooks):
            changed = [hook for hook in HOOKS if husky.remove(journal, directory, hook)]
            if changed:
                lines.append(f"removed the git-model block from {_hooks(directory, changed)}")
            lines += _uninstalled(directory / "_", _remove(journal, directory / "_", HOOKS))
        for directory in (_default(repo), hook_redirect.directory(repo)):
            lines += _uninstalled(directory, _remove(journal, directory, shims.ALL))
    hook_redirect.tidy(repo)
    for directory in _husky_directories(repo, hooks):
        husky.tidy(directory)
    return lines


def _install_beside(journal: Journal, repo: Repository, program: Program) -> list[str]:
    _remove(journal, hook_redirect.directory(repo), shims.ALL)
    directory = _default(repo)
    journal.make_directory(directory)
    beside = partial(shims.beside, program=program, always=_always(repo))
    outcomes = _write(journal, directory, HOOKS, beside)
    return _installed(directory, outcomes)


def _install_redirected(
    journal: Journal, repo: Repository, hooks: Path, program: Program
) -> list[str]:
    _remove(journal, _default(repo), HOOKS)
    directory = hook_redirect.make_directory(journal, repo)
    redirected = partial(shims.redirected, program=program, always=_always(repo))
    outcomes = _write(journal, directory, shims.ALL, redirected)
    lines = _installed(directory, {hook: outcomes[hook] for hook in HOOKS})
    # Last: from here on Git uses the shims, so all of them must be there.
    if hook_redirect.install(journal, repo):
        lines.append(f"{hook_redirect.HOOKS_PATH} of this clone is now {directory}")
        # After a move of the clone it was ours before, too; with /dev/null there are none.
        if not hook_redirect.is_redirected(hooks) and hooks.is_dir():
            lines.append(f"all hooks of {hooks} still run")
    return lines


def _install_husky(
    journal: Journal, repo: Repository, hooks: Path, committed: Path, program: Program
) -> list[str]:
    _remove(journal, _default(repo), HOOKS)
    hook_redirect.remove(journal, repo)
    directory = hook_redirect.make_directory(journal, repo)
    _remove(journal, directory, set(shims.ALL) - set(HOOKS))
    alone = partial(shims.alone, program=program, always=_always(repo))
    outcomes = _write(journal, directory, HOOKS, alone)
    lines = _installed(directory, outcomes)
    unknown = [hook for hook in HOOKS if hook_presence.takes_shim(hooks, committed, hook)]
    if unknown:
        lines += _install_unknown(journal, hooks, unknown, alone)
    known = [hook for hook in HOOKS if hook not in unknown]
    obstacles = {hook: husky.obstacle(committed, hook) for hook in known}
    changed = [
        hook
        for hook, obstacle in obstacles.items()
        if obstacle is None and husky.install(journal, committed, hook)
    ]
    if changed:
        lines.append(f"added a git-model block to {_hooks(committed, changed)}: commit them")
    return lines + [
        f"not installed: {obstacle}; let it call {directory / hook}"
        for hook, obstacle in obstacles.items()
        if obstacle
    ]


def _install_unknown(
    journal: Journal, hooks: Path, unknown: Iterable[str], alone: Callable[[str], bytes]
) -> list[str]:
    """Writes the hooks that husky does not into its directory, which is not committed."""
    husky.ignore(journal, hooks.parent)
    return _installed(hooks, _write(journal, hooks, unknown, alone))


def _always(repo: Repository) -> bool:
    # In a deploy clone they look at every move; elsewhere that would cost too much.
    return config.is_deploy(config.read(repo))


def _default(repo: Repository) -> Path:
    return repo.common_dir / "hooks"


def _is_default(repo: Repository, hooks: Path) -> bool:
    """Tells whether `hooks` is the repository's own directory, ours to write to.

    A link (`.git/hooks -> ../githooks`) leads to files that are somebody else's.
    """
    default = _default(repo)
    return hooks == default.resolve() and not default.is_symlink()


def _husky_directories(repo: Repository, hooks: Path) -> set[Path]:
    # husky may be configured no more, while our blocks are still committed.
    candidates = [hooks] + ([repo.work_tree.resolve() / ".husky"] if repo.work_tree else [])
    found = {hook_presence.husky_directory(repo, candidate) for candidate in candidates}
    return {directory for directory in found if directory is not None}


def _write(
    journal: Journal, directory: Path, hooks: Iterable[str], shim: Callable[[str], bytes]
) -> dict[str, Outcome]:
    return {
        hook: hook_directory.install(journal, directory, hook, shim(hook)) for hook in hooks
    }


def _remove(journal: Journal, directory: Path, hooks: Iterable[str]) -> dict[str, Outcome]:
    return {hook: hook_directory.remove(journal, directory, hook) for hook in hooks}


def _installed(directory: Path, outcomes: dict[str, Outcome]) -> list[str]:
    found = _by_outcome(outcomes)
    new = [hook for hook in outcomes if outcomes[hook] in {Outcome.WRITTEN, Outcome.KEPT}]
    lines = [f"installed hooks: {_hooks(directory, new)}"] if new else []
    if found[Outcome.REFRESHED]:
        lines.append(f"refreshed hooks: {_hooks(directory, found[Outcome.REFRESHED])}")
    if found[Outcome.KEPT]:
        names = ", ".join(found[Outcome.KEPT])
        lines.append(f"the earlier hooks still run, kept as HOOK{EARLIER}: {names}")
    return lines + [
        f"not installed: {directory / hook} is a foreign hook, and {hook}{EARLIER} another; "
        "make one of the two, then `git model doctor --fix`"
        for hook in found[Outcome.CONFLICT]
    ]


def _uninstalled(directory: Path, outcomes: dict[str, Outcome]) -> list[str]:
    found = _by_outcome(outcomes)
    gone = [hook for hook in outcomes if outcomes[hook] in {Outcome.REMOVED, Outcome.RESTORED}]
    lines = [f"removed hooks: {_hooks(directory, gone)}"] if gone else []
    if found[Outcome.RESTORED]:
        names = ", ".join(found[Outcome.RESTORED])
        lines.append(f"put back the hooks that were there before: {names}")
    return lines + [
        f"left alone: {directory / hook}, which took the place of ours, and {hook}{EARLIER}, "
        "which was there before git-model; keep the one that you want"
        for hook in found[Outcome.CONFLICT]
    ]


def _by_outcome(outcomes: dict[str, Outcome]) -> dict[Outcome, list[str]]:
    return {
        outcome: [hook for hook in outcomes if outcomes[hook] is outcome] for outcome in Outcome
    }


def _hooks(directory: Path, hooks: Sequence[str]) -> str:
    # Which there are is nothing that a person must know; which of them changed may be.
    return f"{directory}" if len(hooks) == len(HOOKS) else f"{directory}: {', '.join(hooks)}"
