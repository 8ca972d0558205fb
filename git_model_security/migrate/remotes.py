"""Remote-tracking refs: what of other repositories a migration here does not replace.

They are not moved: they say what a remote holds. What is nowhere but there stays in clear
on the remote, and `--purge` would remove what reminds of it.
"""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from git_model_security.git import history
from git_model_security.git.paths import shown
from git_model_security.guard.finding import NEWER
from git_model_security.migrate import survey
from git_model_security.migrate.journal import Journal

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from git_model_security.git.repository import Repository
    from git_model_security.guard.finding import Finding
    from git_model_security.migrate.plan import Plan
    from git_model_security.migrate.refs import Ref

REMOTES = "refs/remotes/"
_BRANCHES = "refs/heads/"


def uncovered(repo: Repository, there: Iterable[Ref], findings: Iterable[Finding]) -> list[str]:
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
            files = survey.taken(repo, [tip]).files
            if any(oid in files.get(path, ()) for path, oid in clear):
                bad.add(tip)
    return sorted(ref.name for ref in abroad if ref.target in bad)


def unreplaced(there: Iterable[Ref], others: Iterable[str]) -> list[str]:
    """Returns the remote-tracking refs, but for others, that no branch here is named for.

    `git push --all` does not replace what the remote has there.
    """
    names = {ref.name for ref in there}
    abroad = {ref.name for ref in there if _is_remote(ref)} - set(others)
    return sorted(name for name in abroad if _BRANCHES + _parts(name)[1] not in names)


def short(name: str) -> str:
    """Returns the name of a remote-tracking ref as people write it, for a terminal."""
    return shown(name.removeprefix(REMOTES).encode("utf-8", "surrogateescape"))


def cure(plan: Plan) -> str:
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


def behind(names: Sequence[str]) -> list[str]:
    """Returns those of some refs that are remote-tracking, as people write them."""
    return [short(name) for name in names if name.startswith(REMOTES)]


def _is_remote(ref: Ref) -> bool:
    return ref.name.startswith(REMOTES)


def _parts(name: str) -> tuple[str, str]:
    remote, _, branch = name.removeprefix(REMOTES).partition("/")
    return remote, branch or remote


def _quoted(name: str) -> str:
    return shlex.quote(shown(name.encode("utf-8", "surrogateescape")))
