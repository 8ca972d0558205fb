"""Carries a migration out.

1. Keys are in the user's keyring; all refs are in a bundle outside of the repository.
2. Each blob in clear is sealed once, and each version of `.gitattributes` is written.
3. What each ref will name is signed, as a tree that is not made yet.
4. All commits are made anew, held by scratch refs, and compared with the old ones.
5. All refs move at once, or none, and the stash with them; then the clone is set up, and
   its index agrees.

Nothing that anybody sees changes before step 5. A run that was killed is run again: what
is sealed is remembered, and the rest takes little.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from git_model_security.clone import audit_log
from git_model_security.clone.clone import Clone
from git_model_security.errors import Error, GitError
from git_model_security.git import index, refs
from git_model_security.guard import audit
from git_model_security.migrate import (
    backup,
    clone_setup,
    leftovers,
    moving,
    new_history,
    stashes,
)
from git_model_security.migrate.journal import MOVING, Journal
from git_model_security.policy import attributes, gitmodel
from git_model_security.provenance import recording
from git_model_security.verification import tree_check

if TYPE_CHECKING:
    from pathlib import Path

    from git_model_security.git.repository import Repository
    from git_model_security.migrate.clone_setup import Kept
    from git_model_security.migrate.new_history import Made, Progress
    from git_model_security.migrate.plan import Plan
    from git_model_security.migrate.rewriting import Rewriting
    from git_model_security.policy.gitmodel import Policy
    from git_model_security.setup.init import Request


@dataclass
class Done:
    """What a migration did.

    Attributes:
        backup: the bundle of the old refs; None where an interrupted run was ended.
        stashed: how many stashes are others now.
        unsigned: refs that could not be signed, and why.
        left: files of the work tree that differ from what Git holds now.
        objects: how many objects of git-lfs were in clear.
        keys: those of a clone that was not set up before.
        remotes: remote-tracking refs, which say what remotes still have.
    """

    backup: Path | None = None
    lines: list[str] = field(default_factory=list)
    commits: int = 0
    blobs: int = 0
    moved: int = 0
    stashed: int = 0
    unsigned: dict[str, str] = field(default_factory=dict)
    left: list[bytes] = field(default_factory=list)
    objects: int = 0
    keys: Kept | None = None
    remotes: list[str] = field(default_factory=list)


def finished(repo: Repository) -> Done | None:
    """Ends a run that was killed after its refs had moved; None where there is none."""
    journal = Journal(repo)
    found = journal.get(MOVING)
    if found is None:
        return None
    if not moving.has_moved(repo, found):
        journal.drop(MOVING)
        return None
    moving.complete(repo, journal, found)
    clone_policy = gitmodel.parse(found["policy"].encode())
    lines = clone_setup.set_up(repo, clone_policy, journal)
    done = Done(None, lines, len(found["commits"]), len(found["plain"]), len(found["refs"]))
    done.objects = len(found["lfs"])
    done.stashed = len(found.get("stash", []))
    done.keys = clone_setup.find_kept_keys(clone_policy, journal)
    done.remotes = sorted(refs.read_direct(repo, leftovers.REMOTES))
    clone_setup.take_over(repo, clone_policy, journal)
    done.left = moving.settle(repo, journal)
    return done


def carry_out(
    repo: Repository,
    request: Request,
    plan: Plan,
    *,
    backup_file: Path | None = None,
    progress: Progress | None = None,
) -> Done:
    """Carries a plan out.

    Args:
        backup_file: where the old refs shall be kept; None chooses a place.

    Raises:
        Error: a step failed; no ref has moved, and it can be run again.
    """
    journal = Journal(repo)
    if backup_file is not None:
        backup.place(repo, backup_file)
    policy = plan.policy
    if plan.is_new:
        policy = clone_setup.prepare_keys(repo, request, policy, journal)
    done = Done(backup.kept(repo, journal, backup_file, plan.stash.entries))
    clone = clone_setup.open_clone(repo, policy, journal)
    with clone.objects, moving.dropping_scratch(repo):
        rules = new_history.seal_content(clone, plan, policy, journal, progress)
        made = new_history.make_commits(clone, plan, rules, journal, progress)
        names = new_history.name_refs(repo, plan, made)
        _require_good(clone, plan, policy, made)
    done.commits = sum(old != new for old, new in made.commits.items())
    done.unsigned = {
        ref.name: tip.unsigned
        for ref in plan.moved
        if (tip := made.tips.get(ref.target)) is not None and tip.unsigned
    }
    done.moved = sum(ref.oid != names[ref.name] for ref in plan.moved)
    done.blobs = len(rules.sealed)
    done.objects = len(plan.content.taken_over)
    done.keys = clone_setup.find_kept_keys(policy, journal)
    done.remotes = plan.remotes
    record = _record(plan, policy, made, rules, done)
    done.stashed = len(record["stash"])

    def ready() -> None:
        audit_log.record(
            repo,
            "migrate",
            ref=" ".join(names),
            commits=dict.fromkeys(ref.target for ref in plan.moved),
            reason=f"{done.commits} commits made anew, {done.blobs} blobs sealed;"
            f" the old refs are in {done.backup}",
        )
        done.lines += clone_setup.set_up(repo, policy, journal)

    with moving.dropping_scratch(repo):
        moving.move_refs(repo, journal, names, plan.refs, record, ready)
    clone_setup.take_over(repo, policy, journal)
    clone = Clone(repo)  # anew: it is set up now
    with clone.objects:
        recording.note_vouched(clone, made.commits.values())
    done.left = moving.settle(repo, journal)
    return done


def _require_good(clone: Clone, plan: Plan, policy: Policy, made: Made) -> None:
    """Raises unless each tip has just the tree that was signed, and an audit is clean."""
    for old, tip in made.tips.items():
        new = made.commits[old]
        if {entry.path: entry for entry in index.tree(clone.repo, new)} != tip.tree:
            raise _not_good(f"commit {old[:12]} did not become what it should")
        tree = index.require(clone.repo, f"{new}^{{tree}}")
        if not tip.unsigned and not tree_check.holds(clone, tree):
            raise _not_good(f"the signature of what {old[:12]} became does not hold")
    try:
        ends = [made.commits[ref.target] for ref in plan.moved]
        ends += [made.commits[oid] for oid in plan.stash.oids]
        report = audit.audit(
            clone.repo,
            list(dict.fromkeys(ends)),
            rules=attributes.render(policy),
            untracked=plan.let_out.patterns,
            keys=clone.ring.keys,
            known=clone.knows,
        )
    except Error as error:
        raise _not_good(str(error)) from error
    accepted = {(one.path, one.oid) for one in plan.findings}
    for one in report.findings:
        if (one.path, one.oid) not in accepted:
            raise _not_good(one.describe())


def _not_good(problem: str) -> GitError:
    return GitError(
        f"the new history is not good, and no ref was moved: {problem}",
        hint="please report this; the repository is as it was",
    )


def _record(
    plan: Plan, policy: Policy, made: Made, rules: Rewriting, done: Done
) -> dict[str, Any]:
    """Returns what `--purge` must know of the old history."""
    sealed_only = plan.let_out.then - plan.let_out.free
    stays = {
        oid
        for path, oids in plan.seen.files.items()
        if path not in plan.protected
        for oid in oids
        if (path, oid) not in sealed_only
    }
    return {
        "policy": gitmodel.render(policy).decode(),
        "backup": str(done.backup),
        "commits": {old: new for old, new in made.commits.items() if old != new},
        "stash": stashes.record(plan.stash, made.commits),
        "accepted": sorted({one.oid for one in plan.findings}),
        "plain": sorted(oid for oid in rules.sealed if oid not in stays),
        "lfs": [
            [blob, pointer.oid, pointer.size]
            for blob, pointer in plan.content.taken_over.items()
        ],
    }
