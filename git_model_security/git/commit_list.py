"""The commits of a range, with what people call them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from git_model_security.errors import GitError, UsageError
from git_model_security.git import history, index, ranges, rev_list

if TYPE_CHECKING:
    from collections.abc import Sequence

    from git_model_security.git.repository import Repository

_SUFFIX = re.compile(r"\^(?:!|@|-\d*)$")


@dataclass(frozen=True)
class Commit:
    """One commit.

    Attributes:
        oid: its name.
        tree: its tree.
        parents: their names.
        bounds: whether it is not in the range, and a child of it is.
        date: of the committer, ISO 8601.
        author: name and address.
        subject: first line of the message.
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


def commits(repo: Repository, words: Sequence[str]) -> list[Commit]:
    """Returns the commits of a range, children before parents, and those that bound it.

    Args:
        repo: the repository.
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
        stdin="".join(f"{name}\n" for name in names).encode(),
        extra=rev_list.TRUE_HISTORY,
    )
    found = [_commit(line) for line in listed.split(b"\n") if line]
    ranges.require_whole(repo, [one.oid for one in found if not one.bounds])
    return found


def by_tree(repo: Repository) -> dict[str, list[str]]:
    """Returns the commits that a ref or a reflog reaches by their trees, newest first.

    Raises:
        GitError: a commit is missing or corrupt.
    """
    words = ("--no-commit-header", "--format=%T %H", "--all", "--reflog")
    found: dict[str, list[str]] = {}
    for tree, commit in (line.split(" ") for line in rev_list.listed(repo, *words)):
        found.setdefault(tree, []).append(commit)
    return found


def _commit(line: bytes) -> Commit:
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
            raise GitError(str(error), hint=ranges.FETCH_ALL) from error
        raise
