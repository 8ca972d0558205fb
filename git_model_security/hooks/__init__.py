"""What each Git hook does. The shims that Git runs stand in the top-level `hooks/`.

`pre_commit` and `post_merge` run around a commit, `post_checkout` after content came into
the work tree, `pre_push` before it leaves, `pre_receive` where it arrives on a server, and
`reference_transaction` at each change of a ref; `deployment` does that in a deploy clone.
`index_guard` judges the index for several of them; the others find words or facts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_model_security import telemetry
from git_model_security.clone.clone import Clone
from git_model_security.errors import UsageError
from git_model_security.storage import pending

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from git_model_security.checkout.materialise import Progress


def run(
    name: str, arguments: Sequence[str], stdin: bytes, progress: Progress | None = None
) -> int:
    """Does what a hook does and returns its exit status.

    Args:
        name: the hook.
        arguments: what Git gives to it.
        stdin: what Git writes to its standard input.
        progress: told how far it is with the files that it decrypts.

    Raises:
        UsageError: there is no such hook.
        Error: a `pre-` hook refuses.
    """
    action = _action(name, arguments, stdin, progress)
    telemetry.rename(f"git-model hook {name}")
    clone = Clone()
    with clone.objects:
        return action(clone)


def _action(
    name: str, arguments: Sequence[str], stdin: bytes, progress: Progress | None
) -> Callable[[Clone], int]:
    # Each imports only what it needs: a person waits for every one of them.
    if name in {"pre-commit", "pre-merge-commit", "post-commit"}:
        from git_model_security.hooks import pre_commit

        if name != "post-commit":
            return pre_commit.before
        return lambda clone: pre_commit.after(clone) or _written(clone, progress)
    if name == "pre-push":
        from git_model_security.hooks import pre_push

        return lambda clone: pre_push.pushed(clone, arguments, stdin)
    if name == "reference-transaction":
        return _of_transaction(arguments[:1], stdin)
    if name == "pre-receive":
        from git_model_security.hooks import pre_receive

        return lambda clone: pre_receive.received(clone, stdin)
    if name == "index-guard":
        from git_model_security.hooks import index_guard

        return index_guard.inspected
    from git_model_security.hooks import post_checkout

    if name == "post-merge":
        return lambda clone: post_checkout.merged(clone, progress)
    if name == "post-checkout":
        return lambda clone: post_checkout.checked_out(clone, arguments, progress)
    if name == "post-index-change":
        return lambda clone: post_checkout.index_changed(clone, progress)
    if name == "post-rewrite":
        return lambda clone: post_checkout.rewritten(clone, arguments, progress)
    raise UsageError(f"{name}: not a hook of git-model")


def _of_transaction(state: Sequence[str], stdin: bytes) -> Callable[[Clone], int]:
    from git_model_security.hooks import reference_transaction

    def action(clone: Clone) -> int:
        if clone.is_deploy:
            from git_model_security.hooks import deployment

            deployment.transaction(clone, state, stdin)
        # The other states come when nothing can be stopped any more.
        return reference_transaction.prepared(clone, stdin) if state == ["prepared"] else 0

    return action


def _written(clone: Clone, progress: Progress | None) -> int:
    if not (clone.repo.git_dir / pending.NAME).exists():
        return 0
    from git_model_security.hooks import post_checkout

    return post_checkout.committed(clone, progress)
