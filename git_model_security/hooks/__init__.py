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
    action = _action(name, arguments, stdin)
    clone = Clone()
    with clone.objects:
        return action(clone)


def _action(name: str, arguments: Sequence[str], stdin: bytes) -> Callable[[Clone], int]:
    # Each imports only what it needs: a person waits for every one of them.
    if name in {"pre-commit", "pre-merge-commit", "post-commit"}:
        from git_model_security.hooks import commit

        return commit.after if name == "post-commit" else commit.before
    if name == "pre-push":
        from git_model_security.hooks import departure

        return lambda clone: departure.pushed(clone, arguments, stdin)
    from git_model_security.hooks import arrival

    if name == "post-merge":
        return arrival.merged
    if name == "post-checkout":
        return lambda clone: arrival.checked_out(clone, arguments)
    if name == "post-rewrite":
        return lambda clone: arrival.rewritten(clone, arguments)
    raise UsageError(f"{name}: not a hook of git-model")
