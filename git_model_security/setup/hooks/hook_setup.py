"""Installs our hooks in a repository, and removes them: see the package, and docs/SPEC.md.

`hook_place` chooses the place, `hook_directory` and `husky` write there.
"""

from __future__ import annotations

import contextlib
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from git_model_security.errors import ConfigError
from git_model_security.git import config, sharing
from git_model_security.setup.drivers import Program
from git_model_security.setup.hooks import (
    configured_hooks,
    hook_directory,
    hook_place,
    husky,
    shims,
)
from git_model_security.setup.hooks.hook_directory import EARLIER, Outcome
from git_model_security.setup.hooks.hook_place import CHAINED, HOOKS_PATH
from git_model_security.setup.hooks.journal import Journal
from git_model_security.setup.hooks.shims import HOOKS, Hook

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

    from git_model_security.git.repository import Repository

_SAID = {
    "installed hooks: {where}": {Outcome.WRITTEN, Outcome.KEPT},
    "refreshed hooks: {where}": {Outcome.REFRESHED},
    "the earlier hooks still run, kept as HOOK{kept}: {names}": {Outcome.KEPT},
    "removed hooks: {where}": {Outcome.REMOVED, Outcome.RESTORED},
    "put back the hooks that were there before: {names}": {Outcome.RESTORED},
}
_SAID_OF_EACH = {
    Outcome.CONFLICT: "not installed: {path} is a foreign hook, and {hook}{kept} another;"
    " make one of the two, then `git model doctor --fix`",
    Outcome.LEFT: "left alone: {path}, which took the place of ours, and {hook}{kept},"
    " which was there before git-model; keep the one that you want",
}


def install(
    repo: Repository, *, program: Program | None = None, ours: Mapping[str, Hook] = HOOKS
) -> list[str]:
    """Makes Git run our hooks and those that were there; again changes nothing.

    The hooks run `program`, the git-model that is running unless said. Returns what was done or
    could not be, in lines for the user.

    Raises:
        GitError: a file or the configuration cannot be written; nothing is changed.
        ConfigError: `core.hooksPath` is set where a clone cannot override it.
    """
    place = hook_place.choose(repo)
    shim = partial(
        shims.render,
        ours=ours,
        program=program or Program.current(),
        where=place.where,
        # In a deploy clone they look at every move; elsewhere that would cost too much.
        always=config.is_deploy(config.read(repo)),
    )
    wanted = shims.ALL if place.where == shims.ELSEWHERE else tuple(ours)
    with Journal() as journal:
        if place.directory == hook_place.own(repo):
            _remove(journal, hook_place.redirected(repo), shims.ALL)
            journal.make_directory(place.directory)
        else:
            # What is behind a link may guard another repository.
            if not hook_place.own(repo).is_symlink():
                _remove(journal, hook_place.own(repo), ours)
            _remove(journal, place.directory, set(shims.ALL) - set(wanted))
            repo.state_directory()  # above it, private
            journal.make_directory(place.directory)
            sharing.adjust(repo.common_dir, place.directory)
        outcomes = _write(journal, place.directory, wanted, shim)
        lines = _told(place.directory, {hook: outcomes[hook] for hook in ours})
        if place.where == shims.ELSEWHERE:
            # Last: from here on Git uses the shims, so all of them must be there.
            lines += _redirect(journal, repo, place.hooks)
        if place.husky:
            _direct_back(journal, repo)
            lines += _install_husky(journal, place, shim)
    _tidy(repo)
    return lines + (configured_hooks.switch_off(repo) if ours is HOOKS else [])


def uninstall(repo: Repository) -> list[str]:
    """Puts back what was there before `install`, and touches only what is ours; tells what.

    Raises:
        GitError: a file or the configuration cannot be written; nothing is changed.
    """
    committed = hook_place.husky_directories(repo, hook_place.effective(repo))
    with Journal() as journal:
        lines = []
        if configured_hooks.switch_on(repo):
            lines.append("configured hooks that were switched off run again")
        if _direct_back(journal, repo):
            lines.append(f"{HOOKS_PATH} is again what it was")
        for directory in committed:
            changed = [hook for hook in HOOKS if husky.remove(journal, directory, hook)]
            if changed:
                lines.append(f"removed the git-model block from {_hooks(directory, changed)}")
        places = [directory / "_" for directory in committed]
        places += [hook_place.own(repo), hook_place.redirected(repo)]
        for directory in places:
            if directory.is_symlink():
                continue  # what is there may guard another repository
            lines += _told(directory, _remove(journal, directory, shims.ALL))
    _tidy(repo)
    for directory in committed:
        husky.tidy(directory)
    return lines


def _install_husky(
    journal: Journal, place: hook_place.Place, shim: Callable[[str], bytes]
) -> list[str]:
    """Has husky's hooks call the shims: those that it knows, and the others beside them."""
    assert place.husky is not None
    unknown = [hook for hook in HOOKS if husky.takes_shim(place, hook)]
    lines = []
    if unknown:
        husky.ignore(journal, place.husky)
        lines += _told(place.hooks, _write(journal, place.hooks, unknown, shim))
    changed, refused = [], []
    for hook in HOOKS:
        if hook in unknown:
            continue
        if reason := husky.find_refusal(place, hook):
            refused.append(f"not installed: {reason}")
        elif husky.install(journal, place.husky, hook):
            changed.append(hook)
    if changed:
        where = _hooks(place.husky, changed)
        lines.append(f"added a git-model block to {where}: commit them")
    return lines + refused


def _redirect(journal: Journal, repo: Repository, hooks: Path) -> list[str]:
    """Points `core.hooksPath` to our directory, and tells where it did not before."""
    ours = hook_place.redirected(repo)
    local = config.get(repo, HOOKS_PATH, "--local")
    if local == str(ours):
        return []
    if local is None or not hook_place.is_redirected(Path(local)):
        _set(journal, repo, CHAINED, local)
    _set(journal, repo, HOOKS_PATH, str(ours))
    if hook_place.effective(repo) != ours.resolve():
        raise ConfigError(
            f"{HOOKS_PATH} is set where it outranks this clone's own configuration",
            hint=f"see `git config --show-origin --show-scope --get-all {HOOKS_PATH}`",
        )
    lines = [f"{HOOKS_PATH} of this repository is now {ours}"]
    # After a move of the clone it was ours before, too; with /dev/null there are none.
    if not hook_place.is_redirected(hooks) and hooks.is_dir():
        lines.append(f"all hooks of {hooks} still run")
    return lines


def _direct_back(journal: Journal, repo: Repository) -> bool:
    """Makes Git use what it used before `_redirect`, where nobody changed that; tells if so."""
    local = config.get(repo, HOOKS_PATH, "--local")
    is_ours = local is not None and hook_place.is_redirected(Path(local))
    if is_ours:
        _set(journal, repo, HOOKS_PATH, config.get(repo, CHAINED, "--local"))
    _set(journal, repo, CHAINED, None)
    return is_ours


def _set(journal: Journal, repo: Repository, key: str, value: str | None) -> None:
    before = config.get(repo, key, "--local")
    if value != before:
        journal.on_failure(partial(config.replace, repo, key, before))
        config.replace(repo, key, value)


def _tidy(repo: Repository) -> None:
    with contextlib.suppress(OSError):  # not empty
        hook_place.redirected(repo).rmdir()


def _write(
    journal: Journal, directory: Path, hooks: Iterable[str], shim: Callable[[str], bytes]
) -> dict[str, Outcome]:
    return {
        hook: hook_directory.install(journal, directory, hook, shim(hook)) for hook in hooks
    }


def _remove(journal: Journal, directory: Path, hooks: Iterable[str]) -> dict[str, Outcome]:
    return {hook: hook_directory.remove(journal, directory, hook) for hook in hooks}


def _told(directory: Path, outcomes: Mapping[str, Outcome]) -> list[str]:
    lines = []
    for said, wanted in _SAID.items():
        names = [hook for hook, outcome in outcomes.items() if outcome in wanted]
        if names:
            where = _hooks(directory, names)
            lines.append(said.format(where=where, names=", ".join(names), kept=EARLIER))
    return lines + [
        _SAID_OF_EACH[outcome].format(path=directory / hook, hook=hook, kept=EARLIER)
        for hook, outcome in outcomes.items()
        if outcome in _SAID_OF_EACH
    ]


def _hooks(directory: Path, hooks: Collection[str]) -> str:
    # Which there are is nothing that a person must know; which of them changed may be.
    return f"{directory}" if len(hooks) == len(HOOKS) else f"{directory}: {', '.join(hooks)}"
