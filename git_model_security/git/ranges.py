"""Ranges of commits, as people and CI name them, in a clone that need not have all history."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from git_model_security.errors import GitError, UsageError
from git_model_security.git import history, index, rev_list
from git_model_security.git.run import lines

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from git_model_security.git.repository import Repository

FETCH_ALL = "check out with all history (`fetch-depth: 0`, `GIT_DEPTH: 0`)"
_SUFFIX = re.compile(r"\^(?:!|@|-\d*)$")


def ends(repo: Repository, range_: str) -> tuple[str, list[str]]:
    """Returns the newest commit of a range, and those below it that bound it.

    Args:
        range_: `BASE..HEAD` or `BASE...HEAD`; a side left out is HEAD. A BASE of zeros,
            as hosts say of a new branch, bounds nothing.

    Raises:
        UsageError: it is no range.
        GitError: a commit of it is not here.
    """
    base, dots, head = range_.partition("...")
    if not dots:
        base, dots, head = range_.partition("..")
    if not dots or ".." in head or base.startswith("-") or head.startswith("-"):
        raise UsageError(
            f"{range_}: not a range", hint="BASE..HEAD, for example origin/main..HEAD"
        )
    newest = _commit(repo, head or "HEAD")
    if base and not base.strip("0"):
        return newest, []
    start = _commit(repo, base or "HEAD")
    return newest, list(dict.fromkeys([start, *_merge_bases(repo, start, newest)]))


def require_whole(repo: Repository, commits: Iterable[str]) -> None:
    """Raises a GitError when a shallow history is cut at one of the commits."""
    cut = edges(repo).intersection(commits)
    if cut:
        raise GitError(
            f"history is cut at commit {min(cut)[:12]}, so not all of the range is here",
            hint=f"{FETCH_ALL}, or `git fetch --unshallow`",
        )


def edges(repo: Repository) -> set[str]:
    """Returns the commits at which a shallow history is cut."""
    return edges_in(repo.common_dir / "shallow")


def edges_in(path: Path) -> set[str]:
    """Returns those that a file lists (gitrepository-layout, "shallow")."""
    return set(path.read_text("ascii", "replace").split()) if path.is_file() else set()


def _commit(repo: Repository, name: str) -> str:
    oid = index.resolve(repo, f"{name}^{{commit}}")
    if oid is None:
        raise GitError(
            f"{name}: this commit is not in the checkout, so nothing can be compared with it",
            hint=f"{FETCH_ALL}, or `git fetch --no-tags origin {name}`",
        )
    return oid


def _merge_bases(repo: Repository, base: str, head: str) -> list[str]:
    found = repo.git("merge-base", "--all", base, head, accept=(0, 1)).decode().split()
    if not found and history.is_shallow(repo):
        raise GitError(
            "history is cut before the commit that both ends of the range come from",
            hint=f"{FETCH_ALL}, or `git fetch --unshallow`",
        )
    return found


@dataclass(frozen=True)
class Commit:
    """One commit.

    Attributes:
        bounds: whether it is not in the range, and a child of it is.
        date: of the committer, ISO 8601.
    """

    oid: str
    tree: str
    parents: tuple[str, ...]
    bounds: bool
    date: str
    author: str
    subject: str


def is_range(words: Sequence[str]) -> bool:
    """Tells whether words mean several commits (gitrevisions, "Specifying ranges")."""
    return any(
        not word.startswith(":/")
        and (".." in word or word.startswith("^") or _SUFFIX.search(word) is not None)
        for word in words
    )


def list_commits(repo: Repository, words: Sequence[str]) -> list[Commit]:
    """Returns the commits of a range, children before parents, and those that bound it.

    Args:
        words: as git takes them, such as `A..B`, `B ^A`, `B^!`; a side left out is HEAD.
            Zeros for A, as hosts say of a new branch, bound nothing.

    Raises:
        GitError: a word names nothing, or history is cut within the range.
        UsageError: a word is an option.
    """
    names = [name for word in words for name in _resolved(repo, word)]
    listed = repo.git(
        *(*rev_list.FROM_COMMITS, "rev-list", "--topo-order", "--boundary", "--stdin"),
        *("--no-commit-header", "--encoding=UTF-8"),
        "--format=%m%x00%H%x00%T%x00%P%x00%cI%x00%an <%ae>%x00%s",
        stdin=lines(names),
        extra=rev_list.TRUE_HISTORY,
    )
    found = [_parse(line) for line in listed.split(b"\n") if line]
    require_whole(repo, [one.oid for one in found if not one.bounds])
    return found


def list_by_tree(repo: Repository) -> dict[str, list[str]]:
    """Returns the commits that a ref or a reflog reaches by their trees, newest first.

    Raises:
        GitError: a commit is missing or corrupt.
    """
    words = ("--no-commit-header", "--format=%T %H", "--all", "--reflog")
    found: dict[str, list[str]] = {}
    for tree, commit in (line.split(" ") for line in rev_list.read(repo, *words)):
        found.setdefault(tree, []).append(commit)
    return found


def _parse(line: bytes) -> Commit:
    mark, oid, tree, parents, *texts = line.decode("utf-8", "backslashreplace").split("\0")
    date, author, subject = texts
    above = tuple(parents.split())
    return Commit(oid, tree, above, mark == "-", history.iso_date(date), author, subject)


def _resolved(repo: Repository, word: str) -> list[str]:
    """Returns a word with commits in place of names, of which Git may take another one."""
    if word.startswith("-"):
        raise UsageError(f"{word!r}: not a revision", hint="see gitrevisions(7)")
    for dots in ("...", ".."):
        start, found, end = word.partition(dots)
        if found:
            newest = _named(repo, end or "HEAD")
            if start and not start.strip("0"):
                return [newest]
            return [f"{_named(repo, start or 'HEAD')}{dots}{newest}"]
    if word.startswith("^"):
        return [f"^{_named(repo, word[1:])}"]
    suffix = _SUFFIX.search(word)
    if suffix is not None:
        return [f"{_named(repo, word[: suffix.start()])}{suffix.group()}"]
    return [_named(repo, word)]


def _named(repo: Repository, name: str) -> str:
    try:
        return index.unambiguous(repo, name)
    except GitError as error:
        if history.is_shallow(repo) and index.resolve(repo, f"{name}^{{commit}}") is None:
            raise GitError(str(error), hint=FETCH_ALL) from error
        raise
