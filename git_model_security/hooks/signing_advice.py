"""What to do about a tip that carries no valid signature: the commands that repair it."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from git_model_security.git import history, index
from git_model_security.git.paths import shown
from git_model_security.provenance.commits import Commits

if TYPE_CHECKING:
    from collections.abc import Sequence

    from git_model_security.clone.clone import Clone
    from git_model_security.guard.outgoing import Pushed

_TAGS = "refs/tags/"
_HEADS = "refs/heads/"
_SERIES = 2
"""From here on it is a series, and one `--amend` does not sign it."""


def hint(clone: Clone, line: Pushed) -> str:
    """Returns how whoever has a signing key makes a push pass.

    What the remote has already is not rewritten: others build on it.

    Args:
        clone: the clone; it can sign.
        line: the ref whose tip is not signed.
    """
    commit = index.require(clone.repo, f"{line.local_oid}^{{commit}}")
    if commit != index.resolve(clone.repo, "HEAD^{commit}"):
        return _say_elsewhere(line, commit)
    series = _unpublished(clone, line, commit)
    foreign = _find_unvouched(clone)
    said = _say_for_head(foreign, amend=bool(series))
    if not series:
        said += ", and `git commit` commits that"
    if line.remote_ref.startswith(_TAGS):
        return f"{said}; then `git tag --force {_name(line)}` moves the tag"
    if foreign or len(series) < _SERIES or not _is_linear(clone, series):
        return said
    (below,) = history.parents(clone.repo, series[:1]).values()
    onto = below[0][:12] if below else "--root"
    return (
        f"{said}; each commit of the series: git rebase --exec 'git model sign --amend' {onto}"
    )


def for_head(clone: Clone) -> str:
    """Returns how HEAD, which nobody else has yet, gets its signature."""
    return _say_for_head(_find_unvouched(clone), amend=True)


def _say_for_head(foreign: str, *, amend: bool) -> str:
    option = " --amend" * amend
    if foreign:
        return (
            f"look at what nobody vouches for, {foreign} for example; `git model sign"
            f" --adopt PATH{option}` (`.` for all) does"
        )
    return f"`git model sign{option}` signs it"


def _say_elsewhere(line: Pushed, commit: str) -> str:
    """Returns how to sign what is not checked out: `sign` is for HEAD."""
    if line.remote_ref.startswith(_TAGS):
        return (
            f"sign that commit and move the tag: `git switch --create BRANCH {commit[:12]}`,"
            f" `git model sign --amend`, `git tag --force {_name(line)}`; or tag one that is"
            " signed"
        )
    if line.local_ref.startswith(_HEADS):
        branch = shlex.quote(line.local_ref.removeprefix(_HEADS))
        return f"`git switch {branch}`, then `git model sign --amend` signs it"
    return f"`git switch --create BRANCH {commit[:12]}`, then `git model sign --amend`"


def _name(line: Pushed) -> str:
    return shlex.quote(line.remote_ref.removeprefix(_TAGS))


def _unpublished(clone: Clone, line: Pushed, commit: str) -> list[str]:
    """Returns the commits that would leave, parents first, as far as this clone knows."""
    there = line.remote_oid
    is_here = not line.creates and index.resolve(clone.repo, f"{there}^{{commit}}")
    known = [there] if is_here else []
    return history.commits(clone.repo, [commit], without=["--remotes", *known])


def _is_linear(clone: Clone, commits: Sequence[str]) -> bool:
    return all(len(above) <= 1 for above in history.parents(clone.repo, commits).values())


def _find_unvouched(clone: Clone) -> str:
    """Returns the first path of HEAD that nobody vouches for, if there is one."""
    doubts = Commits(clone).doubts(index.require(clone.repo, "HEAD^{commit}"))
    return shown(min(doubts)) if doubts else ""
