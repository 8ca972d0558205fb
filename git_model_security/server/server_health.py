"""What is wrong with a bare repository that people push to: its guard, not its keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_model_security.git import config
from git_model_security.guard import override
from git_model_security.server import server_hook
from git_model_security.setup.hooks import hook_redirect, shims

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from git_model_security.git.repository import Repository

_INSTALL = "`git model install --server`"


def symptoms(repo: Repository) -> Iterator[tuple[str, str]]:
    """Yields what is wrong, each with its remedy."""
    if override.is_overridden(repo, anywhere=True):
        yield (
            f"{override.GUARD}={override.WARN} lets everything in, with a warning",
            f"`git config --unset {override.GUARD}`, when it is over",
        )
    elif wrong := override.misunderstood(repo, anywhere=True):
        yield wrong, f"`git config --unset {override.GUARD}`"
    hook = _hook(repo)
    if not shims.is_ours(hook):
        yield f"nothing judges what is pushed here: {hook} is not git-model's", _INSTALL
    elif not shims.is_executable(hook):
        yield f"{hook} is not executable, so Git does not run it", f"`chmod +x {hook}`"
    elif not shims.works(hook):
        yield f"the program that {hook} names is gone, so nothing is accepted", _INSTALL


def _hook(repo: Repository) -> Path:
    named = config.get(repo, server_hook.PLACE, "--local")
    if named is not None:
        return repo.common_dir / named
    return hook_redirect.effective(repo) / server_hook.HOOK
