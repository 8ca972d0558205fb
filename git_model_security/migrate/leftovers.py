"""What a migration leaves in clear, here and on remotes, or has nobody's word for.

Told before it begins. Remote-tracking refs are not moved: they say what a remote holds. What
is nowhere but there stays in clear on the remote, and `--purge` would remove what reminds
of it.
"""

from __future__ import annotations

import os
import shlex
from typing import TYPE_CHECKING

from git_model_security import messages
from git_model_security.errors import PolicyError
from git_model_security.git import attributes as git_attributes
from git_model_security.git import history, index, pushes
from git_model_security.git.paths import shown
from git_model_security.guard import audit
from git_model_security.guard.finding import BROKEN_POLICY, COPY, NEWER, Finding
from git_model_security.migrate import survey
from git_model_security.migrate.journal import Journal
from git_model_security.policy import attributes, gitmodel
from git_model_security.verification import tree_check

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from git_model_security.clone.clone import Clone
    from git_model_security.git.repository import Repository
    from git_model_security.guard.walk import Progress
    from git_model_security.migrate.moving import Ref
    from git_model_security.migrate.plan import Plan
    from git_model_security.migrate.survey import LetOut, Survey

_SHOWN = 50
REMOTES = "refs/remotes/"
_BRANCHES = "refs/heads/"


def require_one_policy(
    repo: Repository, there: list[Ref], rules: str, seen: Survey, let_out: LetOut
) -> None:
    """Raises where another ref protects what HEAD's policy leaves clear.

    What is sealed there would stand at paths that no filter opens. What was untracked on
    purpose is each commit's own.
    """
    refs = [ref for ref in there if ref.is_moved]
    held = pushes.blobs(repo, (ref.target for ref in refs), gitmodel.NAME.decode())
    policies = survey.read_policies(repo, dict.fromkeys(filter(None, held.values())))
    ours = git_attributes.protected_by(rules, seen.files) | let_out.paths
    more = {
        oid: git_attributes.protected_by(attributes.render(policy), seen.files) - ours
        for oid, policy in policies.items()
    }
    paths = {path for found in more.values() for path in found}
    if paths:
        holders = sorted(ref.name for ref in refs if more.get(held[ref.target] or ""))
        said = [shown(os.fsencode(name)) for name in holders]
        raise PolicyError(
            f"{len(paths)} paths that the policy here does not protect, such as"
            f" {shown(min(paths))}, are protected by {messages.listed(said, _SHOWN)}",
            hint="`git model track PATTERN` protects them here too\n"
            "or remove these refs, then migrate",
        )


def audit_now(
    repo: Repository, clone: Clone, plan: Plan, rules: str, progress: Progress | None
) -> Sequence[Finding]:
    """Returns what an audit of all refs finds as they are, by the policy to be.

    And of all stashes: a ref names the newest alone.
    """
    older = plan.stash.oids[1:]
    if plan.initial is not None and plan.initial.history is not None and not older:
        return plan.initial.history.findings
    return audit.audit(
        repo,
        ("--all", *older),
        rules=rules,
        untracked=plan.let_out.patterns,
        keys=clone.ring.keys,
        known=clone.knows,
        progress=progress,
    ).findings


def find_remaining(repo: Repository, plan: Plan, found: Sequence[Finding]) -> list[Finding]:
    """Returns what the audit would find afterwards, of what it finds now."""
    named = {ref.target for ref in plan.pathless}
    return [one for one in found if _stays(plan, one, named)] + list(_named(repo, plan))


def _named(repo: Repository, plan: Plan) -> Iterator[Finding]:
    """Yields what refs name, past all commits, of the content that will be sealed."""
    for ref in plan.pathless:
        oids = {ref.target}
        if ref.target_kind == "tree":
            oids = {entry.oid for entry in index.tree(repo, ref.target)}
        for oid in sorted(oids & plan.content.clear.keys()):
            detail = f"{ref.name} names content in clear that is encrypted everywhere else"
            size = plan.content.clear[oid]
            yield Finding(COPY, plan.content.paths[oid], oid, size, detail, ref.target)


def _stays(plan: Plan, finding: Finding, named: set[str]) -> bool:
    # What has no path is a note, or named by a ref itself.
    if finding.commit in named or not finding.path:
        return True
    if finding.rule == BROKEN_POLICY or finding.path in plan.protected:
        return finding.path in plan.seen.links
    return finding.path in plan.seen.files or finding.path in plan.seen.links


def find_unvouched(clone: Clone, plan: Plan) -> list[str]:
    """Returns the refs whose content no trusted signature stands for."""
    branches = plan.moved
    if plan.is_new:
        return [ref.name for ref in branches]
    holds = {ref.target: False for ref in branches}
    for commit in holds:
        holds[commit] = tree_check.holds(clone, index.require(clone.repo, f"{commit}^{{tree}}"))
    return [ref.name for ref in branches if not holds[ref.target]]


def find_copies(plan: Plan) -> dict[str, bytes]:
    """Returns blobs that are sealed at one path and stay in clear at another."""
    return {
        oid: path
        for path, oids in plan.seen.files.items()
        if path not in plan.protected
        for oid in oids & plan.content.clear.keys()
    }


def find_uncovered(
    repo: Repository, there: Iterable[Ref], findings: Iterable[Finding]
) -> list[str]:
    """Returns the remote-tracking refs with something in clear that is not migrated here.

    Those whose commits refs here reach are not among them, nor is what an earlier
    migration rewrote and no push has replaced yet.

    Raises:
        GitError: a commit is missing or corrupt.
    """
    here = list(dict.fromkeys(ref.target for ref in there if ref.is_moved))
    abroad = [ref for ref in there if _is_remote(ref) and ref.target_kind == "commit"]
    tips = list(dict.fromkeys(ref.target for ref in abroad))
    rewritten = {oid for record in Journal(repo).records() for oid in record["commits"]}
    if not set(history.commits(repo, tips, without=here)) - rewritten:
        return []
    clear = {(one.path, one.oid) for one in findings if one.path and one.rule != NEWER}
    bad = set()
    for tip in tips:
        if set(history.commits(repo, [tip], without=here)) - rewritten:
            # All of its history: a branch that adds nothing keeps what it began with.
            files = survey.look_through(repo, [tip]).files
            if any(oid in files.get(path, ()) for path, oid in clear):
                bad.add(tip)
    return sorted(ref.name for ref in abroad if ref.target in bad)


def find_unreplaced(there: Iterable[Ref], others: Iterable[str]) -> list[str]:
    """Returns the remote-tracking refs, but for others, that no branch here is named for.

    `git push --all` does not replace what the remote has there.
    """
    names = {ref.name for ref in there}
    abroad = {ref.name for ref in there if _is_remote(ref)} - set(others)
    return sorted(name for name in abroad if _BRANCHES + _parts(name)[1] not in names)


def shorten(name: str) -> str:
    """Returns the name of a remote-tracking ref as people write it, for a terminal."""
    return shown(os.fsencode(name.removeprefix(REMOTES)))


def suggest_branches(plan: Plan) -> str:
    """Returns the command that makes branches of what is not covered."""
    taken = {ref.name for ref in plan.refs}
    words: list[str] = []
    for name in plan.uncovered:
        remote, branch = _parts(name)
        if _BRANCHES + branch in taken or branch.startswith("-"):
            branch = f"{remote}-{branch}"
        taken.add(_BRANCHES + branch)
        # Whoever pushed chose the name, and a person will paste it.
        words.append(f"git branch {_quoted(branch)} {_quoted(name.removeprefix(REMOTES))}")
    return " && ".join(words)


def select_remotes(names: Sequence[str]) -> list[str]:
    """Returns those of some refs that are remote-tracking, as people write them."""
    return [shorten(name) for name in names if name.startswith(REMOTES)]


def _is_remote(ref: Ref) -> bool:
    return ref.name.startswith(REMOTES)


def _parts(name: str) -> tuple[str, str]:
    remote, _, branch = name.removeprefix(REMOTES).partition("/")
    return remote, branch or remote


def _quoted(name: str) -> str:
    return shlex.quote(shown(os.fsencode(name)))
