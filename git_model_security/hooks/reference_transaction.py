"""reference-transaction: no ref comes to hold, authored here, what no commit may.

The last guard that runs on this machine whatever made the commit: `commit --no-verify`,
rebase, cherry-pick, am, plumbing, a GUI that calls git. The shim has sorted out what
changes nothing (hooks/shim.sh, `nothing_moves`), so here something is new.

Only what is authored here is refused. What came by fetch or pull is on the server and
in other clones already; to refuse it would stop everybody's work and take nothing
back. It is reported, and `git model repair` mends the tip.
"""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

from git_model_security import messages
from git_model_security.clone import audit_log
from git_model_security.errors import Error, GitError
from git_model_security.git import history, index, processes, refs, remotes, sharing
from git_model_security.guard.finding import BROKEN_POLICY, NEWER, PLAINTEXT, POINTER
from git_model_security.guard.judgement import drop_known
from git_model_security.guard.knowledge import Knowledge, gather
from git_model_security.guard.refusal import refuse
from git_model_security.guard.walk import Walk
from git_model_security.hooks import advice
from git_model_security.provenance import arrivals, recording

if TYPE_CHECKING:
    from collections.abc import Sequence

    from git_model_security.clone.clone import Clone
    from git_model_security.git.refs import Move
    from git_model_security.guard.finding import Finding

_ARRIVING = {"fetch", "clone", "remote", "receive-pack", "bundle", "submodule"}
"""Commands whose new commits were made elsewhere."""

_REBASES = ("rebase-merge", "rebase-apply")
TOLD = "git-model-told"
"""The file below the Git directory with the tip of which all is said."""

_SHOWN = 5


def judge_moves(clone: Clone, stdin: bytes) -> int:
    """Judges the refs that are about to be moved.

    Raises:
        PolicyError: a commit or object made here holds what must not be kept.
        ProtocolError: what git says is not understood, so nothing may change.
        GitError: an object of what was made here is missing or corrupt.
    """
    everything = refs.parse_moves(stdin)
    _record_arrivals(clone, everything)
    moved = [move for move in everything if _may_be_news(move)]
    if not moved:
        return 0
    news = list(dict.fromkeys(move.new for move in moved))
    kinds = history.peel(clone.repo, news)
    tips = [oid for kind, oid in kinds.values() if kind == "commit"]
    authored: list[str] = []
    if processes.command(clone.repo) not in _ARRIVING:
        if tips:
            known = (*history.REFS, *remotes.list_fetched(clone.repo))
            authored = history.commits(clone.repo, tips, without=known)
        if authored and (began := remotes.list_cloned(clone.repo, clone.settings)):
            authored = history.commits(clone.repo, tips, without=(*known, *began))
        if authored or len(tips) < len(news):
            _refuse_authored(clone, moved, authored, news)
    try:
        _report_arrived(clone, moved, set(authored))
    except GitError as error:
        # A partial clone away from its remote. Nothing here was made here, to be refused.
        messages.warn(
            f"what others made was not looked at: {error}",
            "`git model audit --fetch` looks at it, where the remote answers",
        )
    _tell_of_rebase(clone, moved)
    return 0


def _record_arrivals(clone: Clone, moves: Sequence[Move]) -> None:
    """Records what remote branches get, what a rebase made, and what another tool did.

    A fetch that sets no ref moves none, and has written FETCH_HEAD (seen with 2.55).
    """
    remote = [
        move.new for move in moves if move.ref.startswith("refs/remotes/") and move.brings
    ]
    if remote or not moves:
        arrivals.take_in(clone, remote)
    heads = [move for move in moves if move.ref.startswith("refs/heads/") and move.brings]
    recording.note_rewritten(clone)
    recording.note_tool(clone, ((one.old, one.new) for one in heads if one.old.strip("0")))


def _tell_of_rebase(clone: Clone, moves: Sequence[Move]) -> None:
    """Says what post-rewrite would, where a rebase ends in a commit that nobody has signed.

    That is most of them, and hooks/shim.sh then starts no second git-model. HEAD is the new
    tip already, and the branch that gets it stands in `head-name` (git-rebase).
    """
    files = (clone.repo.git_dir / name / "head-name" for name in _REBASES)
    heads = [os.fsdecode(file.read_bytes().strip()) for file in files if file.is_file()]
    tips = [move.new for move in moves if move.ref in heads]
    if not tips or tips != [index.resolve(clone.repo, "HEAD")] or clone.is_deploy:
        return
    from git_model_security.hooks import post_checkout

    with contextlib.suppress(Error):  # post-rewrite says it, where nothing can be stopped
        if post_checkout.tell_unsigned(clone):
            sharing.replace(clone.repo.common_dir, clone.repo.git_dir / TOLD, f"{tips[0]}\n")


def _refuse_authored(
    clone: Clone, moves: Sequence[Move], commits: Sequence[str], tips: Sequence[str]
) -> None:
    of_notes = {move.new for move in moves if move.ref.startswith("refs/notes/")}
    notes = history.notes(clone.repo, of_notes & set(commits)) if of_notes else set()
    is_kept = all(move.ref == "refs/stash" for move in moves)
    found = _findings(clone, commits, tips, notes, decisions=not is_kept)
    refuse(
        clone.repo,
        "reference-transaction",
        (finding.describe() for finding in found),
        advice.hint(found, is_locked=clone.ring.locked),
        refs=[move.ref for move in moves],
        commits=commits,
    )


def _findings(
    clone: Clone,
    commits: Sequence[str],
    tips: Sequence[str],
    notes: set[str],
    *,
    decisions: bool,
) -> list[Finding]:
    knowledge = gather(clone, tips, decisions=decisions)
    found = Walk(clone.repo, commits, tips, knowledge, ends=tips, notes=notes).judge()
    # A policy that was broken before: to refuse would stop the mending, and the pull.
    mine = [one for one in found.findings if one.rule != BROKEN_POLICY or one.commit]
    return drop_known(clone.repo, mine)


def _report_arrived(clone: Clone, moves: Sequence[Move], authored: set[str]) -> None:
    """Says, and writes down, what came in clear with commits that others made."""
    branches = [move for move in moves if move.ref.startswith("refs/heads/")]
    if not branches:
        return
    known = [move.old for move in branches if move.old.strip("0")]
    if len(known) < len(branches):
        known += ("--branches", "--tags")
    came = history.commits(clone.repo, [move.new for move in branches], without=known)
    came = [commit for commit in came if commit not in authored]
    knowledge = Knowledge(clone.ring.keys, clone.knows)
    ends = [move.new for move in branches]
    walk = Walk(clone.repo, came, [], knowledge, ends=ends, absent_is_found=False)
    found = walk.judge()
    # What only a newer git-model can judge is no leak; the filter says what to do.
    judged = [one for one in found.findings if one.commit and one.rule != NEWER]
    leaks = _not_let_out(clone, ends, judged)
    if not came or not leaks:
        return
    lines = [finding.describe() for finding in leaks]
    names = " ".join(move.ref for move in branches)
    commits = list(dict.fromkeys(one.commit for one in leaks))
    audit_log.record(clone.repo, "arrived-in-clear", ref=names, commits=commits, findings=lines)
    listing = "\n  ".join(messages.shortened(lines, _SHOWN))
    messages.warn(
        f"{names} received what must not be in a commit; it is on the"
        f" server, and in every clone that fetched it:\n  {listing}",
        _what_now(clone, ends, leaks),
    )


def _what_now(clone: Clone, ends: Sequence[str], leaks: Sequence[Finding]) -> str:
    held = {(one.path, one.oid) for end in ends for one in index.tree(clone.repo, end)}
    if any((one.path, one.oid) in held for one in leaks):
        return "`git model repair` encrypts the tip again and says what leaked"
    return (
        "the tip holds it no more, and the history does for good: `git model audit` says since"
        " when, `git model migrate` takes it out"
    )


def _not_let_out(clone: Clone, ends: Sequence[str], found: list[Finding]) -> list[Finding]:
    """Leaves out what somebody trusted untracked: it comes in together with the record."""
    asked = {one.path for one in found if one.rule in {PLAINTEXT, POINTER} and one.path}
    if not asked:
        return found
    from git_model_security.provenance import policy_trust

    free = policy_trust.let_out(clone.repo, ends, asked)
    return [
        one for one in found if one.rule not in {PLAINTEXT, POINTER} or one.path not in free
    ]


def _may_be_news(move: Move) -> bool:
    """Tells whether a ref may get what no ref had; the shim asks the same of the first few."""
    if move.ref.startswith("refs/remotes/"):
        return False
    return move.brings and (move.is_head or move.ref.startswith("refs/"))
