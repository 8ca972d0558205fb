"""What each Git hook does. The shims that Git runs stand in the top-level `hooks/`.

`pre_commit` is before and after a commit, `post_checkout` after content came into the work
tree by whatever command, `pre_push` before it leaves, `pre_receive` where it arrives on a
server, and `reference_transaction` at each change of a ref; `deployment` does that in a
deploy clone. `index_guard` judges the index for several of them; the others find words
or facts.
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

    Raises:
        UsageError: there is no such hook.
        Error: a `pre-` hook refuses.
    """
    action = _action(name, arguments, stdin, progress)
    telemetry.rename(f"git-model hook {name}")
    with Clone() as clone:
        return action(clone)


def _action(
    name: str, arguments: Sequence[str], stdin: bytes, progress: Progress | None
) -> Callable[[Clone], int]:
    # Each imports only what it needs: a person waits for every one of them.
    if name in {"pre-commit", "pre-merge-commit", "post-commit"}:
        from git_model_security.hooks import pre_commit

        if name != "post-commit":
            return pre_commit.prepare_commit
        return lambda clone: pre_commit.settle_commit(clone) or _finish_commit(clone, progress)
    if name == "pre-push":
        from git_model_security.hooks import pre_push

        return lambda clone: pre_push.judge_push(clone, arguments, stdin)
    if name == "reference-transaction":
        return _transaction_action(arguments[:1], stdin)
    if name == "pre-receive":
        from git_model_security.hooks import pre_receive

        return lambda clone: pre_receive.judge_push(clone, stdin)
    if name == "index-guard":
        from git_model_security.hooks import index_guard

        return index_guard.judge_index
    from git_model_security.hooks import post_checkout

    if name == "post-merge":
        return lambda clone: post_checkout.finish_merge(clone, progress)
    if name == "post-checkout":
        return lambda clone: post_checkout.finish_checkout(clone, arguments, progress)
    if name == "post-index-change":
        return lambda clone: post_checkout.finish_index_change(clone, progress)
    if name == "post-rewrite":
        return lambda clone: post_checkout.finish_rewrite(clone, arguments, stdin, progress)
    raise UsageError(f"{name}: not a hook of git-model")


def _transaction_action(state: Sequence[str], stdin: bytes) -> Callable[[Clone], int]:
    from git_model_security.hooks import reference_transaction

    def action(clone: Clone) -> int:
        if clone.is_deploy:
            from git_model_security.hooks import deployment

            deployment.follow_transaction(clone, state, stdin)
        # The other states come when nothing can be stopped any more.
        return reference_transaction.judge_moves(clone, stdin) if state == ["prepared"] else 0

    return action


def _finish_commit(clone: Clone, progress: Progress | None) -> int:
    if not (clone.repo.git_dir / pending.NAME).exists():
        return 0
    from git_model_security.hooks import post_checkout

    return post_checkout.finish_commit(clone, progress)
