"""Before a commit: nothing in clear gets in, and what gets in is signed.

What it has judged is remembered, so that neither reference-transaction nor post-commit does.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from git_model_security import messages
from git_model_security.checkout import raw_entries
from git_model_security.content import blob
from git_model_security.errors import PolicyError, RecordError, UnvouchedError
from git_model_security.git import config, history, index, index_stat, sharing
from git_model_security.git.paths import shown
from git_model_security.guard import refusal
from git_model_security.keyring import ring
from git_model_security.policy import gitmodel
from git_model_security.policy.pinned import JUDGED
from git_model_security.provenance import policy_trust, recording, replays, telling
from git_model_security.trust import pinned_trust
from git_model_security.verify import tree_check

UNVOUCHED = "git-model.unvouched"
"""What is done about a commit that nobody vouches for: `warn`, or `REFUSE`."""
REFUSE = "refuse"
_SIGNED = "git-model-signed"
"""File in the Git directory of a work tree: pre-commit has signed what it judged, and all of
it is vouched for (hooks/shim.sh, `is_expected`)."""

if TYPE_CHECKING:
    from collections.abc import Iterable

    from git_model_security.clone.clone import Clone
    from git_model_security.errors import Error
    from git_model_security.git.index import Entry
    from git_model_security.git.repository import Repository
    from git_model_security.signing.methods import Signer


def prepare_commit(clone: Clone) -> int:
    """pre-commit and pre-merge-commit.

    A commit with content that nobody vouches for is made, unsigned, and so is one where the
    memory cannot be kept; unless `git-model.unvouched` is `refuse`.

    Raises:
        PolicyError: a protected path is staged in clear, or what nobody vouches for is
            to be refused.
        Error: signing failed.
    """
    # post-commit needs none of these, and a person waits for it.
    from git_model_security.hooks import index_guard
    from git_model_security.setup import write_policy
    from git_model_security.signatures import signers

    changes = index.staged_changes(clone.repo)
    if raw := raw_entries.put_back(clone, changes):
        messages.info(raw_entries.describe(raw))
        changes = index.staged_changes(clone.repo)
    _require_objects(clone, (new for _, new in changes))
    is_overridden = index_guard.refuse_authored(clone, "pre-commit")
    entries = index.staged(clone.repo)
    policy = gitmodel.find(entries, clone.objects)
    if not write_policy.is_written(clone):
        messages.warn(
            write_policy.UNWRITTEN, "`git model doctor --fix` writes and stages it again"
        )
    is_signed = False
    # Git goes on with the index it has read before a commit is reworded: with a signature in
    # it, "your local changes would be overwritten", and the rebase stops (2.39 and 2.55).
    now = policy is not None and not replays.is_rewording()
    if policy and now and policy_trust.when_to_sign(clone.repo, policy, entries) == "commit":
        chosen = None if clone.ring.locked else signers.signer(clone)
        if chosen is None:
            _say_unsigned(clone)
        is_signed = chosen is not None and not changes and _holds_already(clone)
        is_signed = is_signed or _judge(clone, chosen)
    elif policy is not None:
        _judge(clone, None)
    _spare_post_commit(clone.repo, is_signed=is_signed)
    if is_overridden:
        _forget_judged(clone.repo)
    else:
        _remember_judged(clone.repo)
    return 0


def _judge(clone: Clone, signer: Signer | None) -> bool:
    """Records what of the index nobody vouches for, and tells whether it is signed.

    A commit with doubts is made, unsigned: it carries them along, and no sequence of Git is
    stopped midway. Who wants that stopped sets `git-model.unvouched`.
    """
    from git_model_security.signatures import signatures

    if any(entry.stage for entry in index.staged(clone.repo)):
        return False
    is_refused = config.last(clone.settings, UNVOUCHED) == REFUSE
    try:
        assessment = recording.judge_index(clone)
        if signer is not None and not assessment.doubts:
            signatures.sign_index(clone, signer, assessment.sources)
        recording.expect_commit(clone, assessment.doubts)
        if signer is not None and assessment.doubts:
            raise telling.refusal(assessment, is_made=not is_refused)
        return signer is not None
    except (UnvouchedError, RecordError) as error:
        if not (is_refused or refusal.is_overridden(clone.repo)):
            messages.warn(f"this commit is not signed: {error}", error.hint)
            return False
        _override(clone, error)
    except PolicyError as error:
        _override(clone, error)
    return False


def _override(clone: Clone, error: Error) -> None:
    """Raises what stops signing, unless this command overrides it."""
    if not refusal.is_overridden(clone.repo):
        raise error
    refusal.let_through(clone.repo, "signing", str(error).splitlines())


def _holds_already(clone: Clone) -> bool:
    """Tells whether what HEAD holds is signed already, by whomever it trusts.

    With nothing to commit Git stops after this hook, and would leave a new signature
    staged.
    """
    tree = index.head_tree(clone.repo)
    return tree is not None and tree_check.holds(clone, tree)


def _require_objects(clone: Clone, changed: Iterable[Entry]) -> None:
    """Raises when what was added lost its object since, to `git lfs prune` for example."""
    if clone.threshold is None:
        return
    staged = {(entry.path, entry.oid) for entry in changed if entry.is_file}
    known = clone.provenance.made({oid for _, oid in staged})
    made = {pair for pair in staged if pair[1] in known}
    lost = [
        path
        for path, pointer in blob.pointers(clone.repo, made)
        if not clone.lfs.holds(pointer)
    ]
    if lost:
        names = "\n  ".join(map(shown, sorted(lost)))
        raise PolicyError(
            f"the git-lfs objects of what was added are not here any more:\n  {names}",
            hint="`touch` the files and `git add` them again",
        )


def _spare_post_commit(repo: Repository, *, is_signed: bool) -> None:
    """Says whether post-commit has nothing to do, for the commit to be."""
    # A partial commit has an index of its own: post-commit carries the signatures over.
    is_shared = Path(os.environ.get("GIT_INDEX_FILE", "index")).name in {"index", "index.lock"}
    if is_signed and is_shared:
        sharing.replace(repo.common_dir, repo.git_dir / _SIGNED, "")
    else:
        (repo.git_dir / _SIGNED).unlink(missing_ok=True)


def _remember_judged(repo: Repository) -> None:
    """Writes how the commit to be begins: its tree, and its parents.

    hooks/shim.sh writes `made` and the oid over it when a branch gets that commit.

    The parents count as well as the tree: what a parent holds was not judged. `git commit
    --amend` has other parents than those that a hook can see, so its commit is judged once
    more. So is a commit that follows one which no ref holds: nobody has judged that yet.
    """
    parents = history.parents_to_be(repo)
    is_held = len(parents) == 1 and _is_on_branch(repo)
    if parents and not is_held and history.commits(repo, parents, without=history.REFS):
        _forget_judged(repo)
        return
    tree = index.write_tree(repo)
    lines = [f"parent {oid}\n" for oid in parents]
    begin = "".join([f"tree {tree}\n", *lines, "author "])
    sharing.replace(repo.common_dir, repo.git_dir / JUDGED, begin)


def _forget_judged(repo: Repository) -> None:
    """Removes what was remembered; of a commit past an overridden guard nothing is."""
    (repo.git_dir / JUDGED).unlink(missing_ok=True)


def _is_on_branch(repo: Repository) -> bool:
    """Tells, without a process, that HEAD names a branch; where refs stand in files.

    In tables the file names none (git-init, "--ref-format").
    """
    try:
        said = (repo.git_dir / "HEAD").read_bytes()
    except OSError:
        return False
    return said.startswith(b"ref: refs/heads/") and not repo.has_ref_tables


def settle_commit(clone: Clone) -> int:
    """post-commit: what the commit vouches for is no longer pending.

    A partial commit (`git commit PATH`) has an index of its own, so the signatures
    made for it are not in the real one: they are put there now.
    """
    _forget_judged(clone.repo)
    entries = index.tree(clone.repo, "HEAD")
    policy = gitmodel.find(entries, clone.objects)
    when = policy_trust.when_to_sign(clone.repo, policy, entries) if policy else ""
    # Also of one that has no policy: somebody may have taken it away, and it comes back.
    is_told = tell_doubts(clone, when)
    if policy is None:
        return 0
    if not is_told:
        _say_unsigned_head(clone, when)
    paths = policy.signature_paths()
    staged = {entry.path: entry.oid for entry in index.staged(clone.repo)}
    behind = [
        entry
        for entry in entries
        if entry.path in paths and staged.get(entry.path) != entry.oid
    ]
    if behind:
        index.stage(clone.repo, behind)
        written = {entry.path: index.stat(clone.repo, entry.path) for entry in behind}
        index_stat.refresh(clone.repo, {path: st for path, st in written.items() if st})
    return 0


def tell_doubts(clone: Clone, when: str) -> bool:
    """Records what of HEAD, just made, nobody vouches for; says so, if pre-commit has not.

    Returns:
        Whether that is why it is not signed, and is said.
    """
    from git_model_security.signatures import signers
    from git_model_security.verify import events

    settled = recording.settle_commit(clone)
    if settled is None or not settled.doubts or when != "commit" or not signers.can_sign(clone):
        return False
    commit = index.require(clone.repo, "HEAD^{commit}")
    error = telling.refusal(settled, is_made=True, held=settled.commits.facts(commit))
    if not settled.is_told:
        messages.warn(f"this commit is not signed: {error}", error.hint)
    events.record_unsigned(clone.repo, commit, str(error).splitlines()[1:])
    return True


def _say_unsigned(clone: Clone) -> None:
    """Says once per clone that its commits carry no signature."""
    if not pinned_trust.once(clone, "said unsigned"):
        return
    from git_model_security.signatures import lacks

    lack = lacks.find(clone.repo)
    what = f"has {lack.what}" if lack else "is locked"
    remedy = f"{lack.remedy} signs from now on" if lack else ring.UNLOCK
    messages.warn(f"this clone {what}: its commits are unsigned", remedy)


def _say_unsigned_head(clone: Clone, when: str) -> None:
    """Says that what was just committed is unsigned: not yet, or past pre-commit."""
    if when == "release" or clone.ring.locked:
        return
    tree = index.head_tree(clone.repo)
    if tree is None or pinned_trust.has_held(clone, tree):
        return
    from git_model_security.hooks import signed_refs
    from git_model_security.signatures import signers

    if signers.can_sign(clone):
        what = "this commit is unsigned"
        if when == "push":
            what = "unsigned, sign before push"
        messages.warn(what, signed_refs.advise_head(clone))
