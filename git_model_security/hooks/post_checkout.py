"""After content came into the work tree: write what the filter left, and verify it.

Whether the signature holds is said in one line.
Nothing here can stop what happened already, so the exit status is 0 unless
`GIT_MODEL_VERIFY=enforce`: a non-zero post-checkout breaks switch, bisect and
`worktree add`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_model_security import messages
from git_model_security.clone.clone import ENFORCE
from git_model_security.errors import FAILED, Error
from git_model_security.git import config, index
from git_model_security.git.run import NO_HOOKS
from git_model_security.hooks import pre_commit
from git_model_security.keyring import ring
from git_model_security.policy import gitmodel
from git_model_security.provenance import arrivals, policy_trust, recording, replays
from git_model_security.provenance.commits import Commits
from git_model_security.status import state
from git_model_security.storage import pending
from git_model_security.trust import pinned_trust
from git_model_security.verification import tree_check

if TYPE_CHECKING:
    from collections.abc import Sequence

    from git_model_security.checkout.materialise import Progress
    from git_model_security.clone.clone import Clone

_BRANCH_CHECKOUT = "1"
_PATIENCE_SECONDS = 2.0


def finish_checkout(
    clone: Clone, arguments: Sequence[str], progress: Progress | None = None
) -> int:
    """post-checkout; a checkout of single files (flag 0) says nothing of a commit."""
    is_branch = arguments[2:3] == [_BRANCH_CHECKOUT]
    swept = _swept(clone, of_files=not is_branch)
    complete = replays.is_replaying(clone.repo) or _write_pending(
        clone, progress, _PATIENCE_SECONDS
    )
    status = _verify(clone, is_look=True) if is_branch else 0
    _record_arrival(clone, of_files=not is_branch)
    if not swept:
        return FAILED
    return status if complete or clone.verification != ENFORCE else FAILED


def finish_merge(clone: Clone, progress: Progress | None = None) -> int:
    """post-merge, after fast-forwards and pulls too."""
    if not replays.is_replaying(clone.repo):
        _write_pending(clone, progress, _PATIENCE_SECONDS)
    is_told = _complete_merge(clone)
    _record_arrival(clone, of_files=True)
    return _verify(clone, is_told=is_told)


def _complete_merge(clone: Clone) -> bool:
    """Makes a merge commit again that lacks the signatures which its hook staged.

    `git merge` writes the tree first, then runs pre-merge-commit, then commits that
    tree whatever the hook staged (seen with 2.39; a git that takes the index then
    leaves nothing to do here). Only a commit made this moment is replaced: Git
    removes MERGE_HEAD right after post-merge, and a fast-forward writes none.

    Returns:
        Whether it is unsigned since nobody vouches for all of it, and that is said.
    """
    merging = clone.repo.git_dir / "MERGE_HEAD"
    if not merging.is_file():
        return False
    entries = index.staged(clone.repo)
    policy = gitmodel.find(entries, clone.objects)
    is_told = False
    if _is_merge_of(clone, merging.read_text().split()):
        when = policy_trust.when_to_sign(clone.repo, policy, entries) if policy else ""
        is_told = pre_commit.tell_doubts(clone, when)
    if policy is None:
        return is_told
    paths = {entry.path for entry, _ in index.staged_changes(clone.repo)}
    tree = index.write_tree(clone.repo)
    if not paths or paths - policy.signature_paths():
        return is_told
    if not pinned_trust.has_held(clone, tree):
        return is_told
    # Else Git takes itself to be in the middle of the merge, and does not amend.
    merging.unlink()
    # Without hooks: those of a merge have run, and this is no second commit.
    clone.repo.git(
        *(*NO_HOOKS, "commit", "--quiet", "--amend", "--no-edit"),
        filters=True,
        show=True,
    )
    pre_commit.settle_commit(clone)
    return is_told


def _is_merge_of(clone: Clone, merged: Sequence[str]) -> bool:
    head = index.require(clone.repo, "HEAD^{commit}")
    return {*merged} <= {*Commits(clone).parents(head)}


def finish_index_change(clone: Clone, progress: Progress | None = None) -> int:
    """post-index-change, after commands that update the work tree and run no other hook.

    Git may hold the index lock until this returns, so there is no waiting for it.
    """
    if not replays.is_replaying(clone.repo):
        _write_pending(clone, progress, patience_seconds=0)
    if (clone.repo.git_dir / "MERGE_MSG").is_file() or replays.is_bringing():
        _record_arrival(clone, of_files=True)
    return 0 if _swept(clone) else FAILED


def finish_rewrite(
    clone: Clone, arguments: Sequence[str], stdin: bytes, progress: Progress | None = None
) -> int:
    """post-rewrite: `amend` was signed by pre-commit, a rebase was not."""
    recording.note_rewritten(clone, stdin)
    if arguments[:1] != ["rebase"]:
        return 0
    _write_pending(clone, progress, _PATIENCE_SECONDS)
    return _verify(clone)


def tell_unsigned(clone: Clone) -> bool:
    """Warns of a HEAD whose signatures do not hold; of one that is well it says nothing."""
    tree = index.head_tree(clone.repo)
    if tree is None or tree_check.holds(clone, tree):
        return False
    if _is_asked(clone):
        _tell_verdict(clone, is_verified=False)
    return True


def finish_commit(clone: Clone, progress: Progress | None = None) -> int:
    """post-commit, which is the last hook of several cherry-picks or reverts."""
    todo = clone.repo.git_dir / "sequencer" / "todo"
    is_last = todo.is_file() and len(todo.read_bytes().splitlines()) <= 1
    if is_last or not replays.is_replaying(clone.repo):
        _write_pending(clone, progress, _PATIENCE_SECONDS)
    return 0


def _record_arrival(clone: Clone, *, of_files: bool) -> None:
    """Records what arrived, and with `of_files` whose content came in without its commit."""
    if clone.is_deploy or config.last(clone.settings, ring.KEY_ID) is None:
        return
    if of_files:
        recording.put_in_play(clone)
    else:
        arrivals.take_in(clone)


def _swept(clone: Clone, *, of_files: bool = False) -> bool:
    if not clone.is_deploy:
        return True
    from git_model_security.hooks import deployment

    return deployment.sweep(clone, of_files=of_files)


def _write_pending(clone: Clone, progress: Progress | None, patience_seconds: float) -> bool:
    """Writes the files whose pointers the filter left for us; tells whether all are there.

    The filter notes them for `git diff` and `git archive` too: only what stands in the
    work tree just as the index has it is written.
    """
    if clone.skips_smudge or clone.ring.locked:
        return True
    paths = set(pending.take(clone.repo))
    if not paths:
        return True
    from git_model_security.checkout import checkout

    staged = index.staged(clone.repo)
    report = checkout.restore(
        clone,
        [entry for entry in staged if entry.path in paths],
        missing=False,
        patience_seconds=patience_seconds,
        progress=progress,
    )
    for place, error in report.complaints():
        messages.tell(error, place)
    messages.warn_all(report.warnings)
    if not report.failed:
        return True
    messages.advise("then `git model checkout` writes these files")
    if clone.verification == ENFORCE:
        for failure in report.failed:  # for post-checkout, which fails then
            pending.note(clone.repo, failure.path)
    return False


def _verify(clone: Clone, *, is_told: bool = False, is_look: bool = False) -> int:
    """Verifies HEAD, and says what it is; unless it is unsigned, and why `is_told`.

    Args:
        is_look: HEAD was checked out, and nothing of it decided.
    """
    if clone.is_deploy:
        from git_model_security.hooks import deployment

        if not deployment.judge_head(clone):
            return FAILED
    tree = index.head_tree(clone.repo)
    if tree is None or not _is_asked(clone):
        return 0
    is_verified = tree_check.holds(clone, tree)
    if is_verified:
        recording.note_standing(clone, tree, is_look=is_look)
    if is_told and not is_verified:
        _meet_policy(clone, is_verified=False)
    else:
        _tell_verdict(clone, is_verified=is_verified)
    return FAILED if clone.verification == ENFORCE and not is_verified else 0


def _is_asked(clone: Clone) -> bool:
    """Tells whether this clone wants to know of a HEAD whether its signatures hold."""
    # The clone's own settings, not .gitmodel: a commit that removes it must not
    # silence the warning.
    return clone.verifies and config.last(clone.settings, ring.KEY_ID) is not None


def _tell_verdict(clone: Clone, *, is_verified: bool) -> None:
    commit = (index.resolve(clone.repo, "HEAD") or "")[:10]
    if is_verified:
        messages.info(f"{commit} is verified: its signatures hold")
    elif not pinned_trust.pinned(clone.repo).fingerprints():
        messages.warn(
            f"{commit} is unverified: no trusted signer is pinned;"
            " `git model unlock --public-key FILE` pins one"
        )
    else:
        messages.warn(
            f"{commit} is {state.head_state(clone).said}; see `git model verify HEAD`"
        )
    _meet_policy(clone, is_verified=is_verified)


def _meet_policy(clone: Clone, *, is_verified: bool) -> None:
    """Takes over a policy that came in under a trusted signature, or tells of it."""
    from git_model_security.setup import accept_policy

    try:
        for line in accept_policy.take_arrived(clone, is_verified=is_verified):
            messages.info(line)
    except Error as error:  # nothing here can stop what happened already
        messages.tell(error)
