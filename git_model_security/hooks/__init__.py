"""What each Git hook does. The shims that Git runs stand in the top-level `hooks/`.

Layout: `commit` before and after a commit, `arrival` after content came into the
work tree, `departure` before it leaves.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_model_security.errors import UsageError
from git_model_security.filter.clone import Clone

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


def run(name: str, arguments: Sequence[str], stdin: bytes) -> int:
    """Does what a hook does and returns its exit status.

    Raises:
        UsageError: there is no such hook.
        Error: a `pre-` hook refuses.
    """
    from git_model_security.hooks import arrival, commit, departure

    hooks: dict[str, Callable[[Clone], int]] = {
        "pre-commit": commit.before,
        "pre-merge-commit": commit.before,
        "post-commit": commit.after,
        "post-merge": arrival.merged,
        "post-checkout": lambda clone: arrival.checked_out(clone, arguments),
        "post-rewrite": lambda clone: arrival.rewritten(clone, arguments),
        "pre-push": lambda clone: departure.pushed(clone, arguments, stdin),
    }
    if name not in hooks:
        raise UsageError(f"{name}: not a hook of git-model")
    clone = Clone()
    with clone.objects:
        return hooks[name](clone)
