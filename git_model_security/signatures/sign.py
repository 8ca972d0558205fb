"""`git model sign`: signs what is staged, or HEAD once more; adopts what others made."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from git_model_security import messages
from git_model_security.clone.provenance import NOTHING
from git_model_security.errors import GitError
from git_model_security.git import index, pathspec, refs, trees
from git_model_security.git.paths import shown
from git_model_security.git.run import child_environment, run
from git_model_security.policy import gitmodel
from git_model_security.provenance import recording, telling
from git_model_security.provenance.commits import Commits
from git_model_security.signatures import lacks, signatures, signers
from git_model_security.verification import events, tree_check

_CHANGED = ("diff", "--no-ext-diff", "--no-renames", "--no-relative", "--name-only", "-z")
_UNTRACKED = ("ls-files", "-z", "--others", "--exclude-standard", "--full-name")

if TYPE_CHECKING:
    from collections.abc import Sequence

    from git_model_security.clone.clone import Clone
    from git_model_security.clone.provenance import Placed
    from git_model_security.signatures.signatures import Signed
    from git_model_security.signatures.signers import Given


def sign(clone: Clone, given: Given | None = None, *, amend: bool = False) -> Signed:
    """Signs the index and stages the signatures; with `amend`, into HEAD itself.

    Raises:
        KeyNotFoundError: the clone has no signing key.
        PolicyError: something staged is vouched for by nobody.
        GitError: there is no commit to amend.
    """
    clone.repo.require_work_tree()
    chosen = signers.signer(clone, given)
    if chosen is None:
        raise lacks.unable(clone.repo, given.method if given else None)
    if amend and index.head_tree(clone.repo) is None:
        raise GitError("there is no commit to amend yet", hint="`git model sign`, then commit")
    staged = _staged(clone) if amend else []
    signatures.require_signable(clone)
    if amend and not staged and given in {None, signers.Given()} and _is_left_alone(clone):
        return signatures.Signed([], index.write_tree(clone.repo))
    assessment = recording.judge_index(clone, amend=amend)
    head = index.resolve(clone.repo, "HEAD^{commit}")
    is_published = head is not None and _is_published(clone, head)
    if assessment.doubts:
        raise telling.refusal(assessment, amend=amend and not is_published)
    done = signatures.sign_index(clone, chosen, assessment.sources)
    if amend and done.tree != index.head_tree(clone.repo):
        # --no-verify: our pre-commit would ask again what was just decided here. And what
        # HEAD is, empty or without a message, is not for us to refuse.
        clone.repo.git(
            *("commit", "--amend", "--no-edit", "--no-verify", "--quiet"),
            *("--allow-empty", "--allow-empty-message"),
            filters=True,
            show=True,
        )
        done.taken = staged
        if is_published:
            messages.warn(
                "a remote has the commit that was here: this one takes its place",
                "`git push --force-with-lease`, if nobody builds on that one; `git reset --hard"
                " HEAD@{1}` takes it back",
            )
    return done


@dataclass(frozen=True)
class Place:
    """Where a signature of now goes.

    Attributes:
        is_head: into HEAD; else it is staged, for the next commit.
        reason: why it does not go into a HEAD that is unsigned; else empty.
    """

    is_head: bool
    reason: str = ""


def choose_place(clone: Clone) -> Place:
    """Chooses where a signature goes of what is adopted now.

    Into HEAD only where nothing else is staged, and no remote-tracking branch has it, so that
    nobody builds on it.
    """
    head = index.resolve(clone.repo, "HEAD^{commit}")
    commits = Commits(clone)
    if head is None or not commits.doubts(head):
        return Place(is_head=False)
    if staged := _staged(clone):
        return Place(is_head=False, reason=f"{shown(staged[0])} is staged")
    if _is_published(clone, head):
        return Place(is_head=False, reason="a remote has it")
    if not commits.is_made_here(head):
        return Place(is_head=False, reason="it was not made here")
    return Place(is_head=True)


def _is_published(clone: Clone, commit: str) -> bool:
    holding = refs.read_direct(clone.repo, containing=[commit])
    return any(name.startswith("refs/remotes/") for name in holding)


def _is_left_alone(clone: Clone) -> bool:
    """Tells whether HEAD is signed as it is, and others have it, or made it.

    `git rebase --exec 'git model sign --amend'` comes to such a one after a `--skip`: signed
    anew, the tip of a colleague would be another commit.
    """
    head = index.require(clone.repo, "HEAD^{commit}")
    if not tree_check.holds(clone, index.require(clone.repo, "HEAD^{tree}")):
        return False
    return _is_published(clone, head) or not Commits(clone).is_made_here(head)


def _staged(clone: Clone) -> list[bytes]:
    """Returns the paths where the index is not HEAD, but for the signatures."""
    changed = [after.path for _, after in index.staged_changes(clone.repo)]
    left_out = _signature_paths(clone)
    return [path for path in changed if path not in left_out]


def _signature_paths(clone: Clone) -> set[bytes]:
    policy = gitmodel.find(index.staged(clone.repo), clone.objects)
    return policy.signature_paths() if policy else set()


@dataclass
class Adopted:
    """What a person vouched for.

    Attributes:
        paths: what nobody had vouched for before.
        unstaged: paths with changes that are not staged, and so are not vouched for.
    """

    paths: list[bytes]
    unstaged: list[bytes]


def adopt(clone: Clone, pathspecs: Sequence[str]) -> Adopted:
    """Vouches for staged content, as a decision of a person.

    Files that came removed are adopted as such.

    Raises:
        GitError: a pathspec matches nothing, or only what is not staged.
    """
    left_out = _signature_paths(clone)
    doubts = recording.judge_index(clone, amend=True).doubts
    staged = trees.facts(index.staged(clone.repo))
    refused = {(path, *staged.get(path, NOTHING)) for path in doubts}
    pairs = {(path, *fact) for path, fact in staged.items() if path not in left_out} | refused
    chosen: set[Placed] = set()
    unstaged: set[bytes] = set()
    for word in pathspecs:
        paths = _listed("ls-files", "-z", "--full-name", "--", word)
        paths |= pathspec.select(clone.repo, [word], doubts.keys() - staged.keys())
        prefix = _from_top(clone, word)
        found = {pair for pair in pairs if pair[0] in paths or _is_within(pair[0], prefix)}
        changed = _listed(*_CHANGED, "--", word)
        if not found or (prefix in changed and not found & refused):
            raise GitError(
                f"{word}: what is there is not staged, and only what is staged is adopted"
                if prefix in changed or _listed(*_UNTRACKED, "--", word)
                else f"{word}: nothing staged or removed matches it",
                hint="`git status` shows what there is; `git add` stages it",
            )
        chosen |= found
        unstaged |= changed
    adopted = sorted({path for path, _, _ in chosen & refused})
    if adopted:
        events.record_adoption(clone.repo, adopted)
    clone.provenance.adopt(chosen)
    return Adopted(adopted, sorted(unstaged))


def _listed(*words: str) -> set[bytes]:
    # In the directory where the user stands: what a pathspec is relative to.
    return set(filter(None, run(*words, env=child_environment(filters=True)).split(b"\0")))


def _from_top(clone: Clone, pathspec: str) -> bytes:
    return os.fsencode(os.path.relpath(Path(pathspec).absolute(), clone.repo.top))


def _is_within(path: bytes, prefix: bytes) -> bool:
    return prefix in {b".", path} or path.startswith(prefix + b"/")
