"""What commits changed: blobs at paths, with what stood there before.

And what refs hold that are no commits. Must not know what a blob should hold.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from git_model_security.errors import GitError
from git_model_security.git import index
from git_model_security.git.history import peel
from git_model_security.git.index import Entry
from git_model_security.git.rev_list import FROM_COMMITS, TRUE_HISTORY
from git_model_security.git.run import lines

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from git_model_security.git.repository import Repository

__all__ = ["Change", "against", "changes", "pathless"]

_BATCH_COMMITS = 2048
"""Commits per `git diff-tree`: what it says of them is held in memory."""


class Change(NamedTuple):
    """What a commit made of a path that no parent of it has so.

    Attributes:
        commit: oid of the commit; of the tag or tree, where a ref names no commit.
        entry: path, mode and blob; the mode is `REMOVED` where it has none.
        replaced: oids of the files that parents have at the path.
    """

    commit: str
    entry: Entry
    replaced: tuple[str, ...]


def changes(
    repo: Repository,
    oids: Sequence[str],
    damaged: dict[str, str] | None = None,
    *,
    links: bool = False,
) -> Iterator[Change]:
    """Yields what each of these commits made of paths, as none of its parents has it.

    Every entry of every one of the commits is among what they and their
    ancestors changed: it is in no parent, and so shown here, or in a parent,
    and then the same holds for that one. For a merge this takes a combined diff
    (`-c`: what differs from *all* parents): a plain one would hide what an evil
    merge slips in. A root, and the edge of a shallow clone, show their whole tree.

    Args:
        oids: commits, parents first.
        damaged: takes the commits whose trees cannot be read, and why; without it
            they are an error.
        links: gitlinks are among them.

    Raises:
        GitError: a commit or tree is missing or corrupt.
    """
    for start in range(0, len(oids), _BATCH_COMMITS):
        for change in _readable(repo, oids[start : start + _BATCH_COMMITS], damaged):
            if links or change.entry.mode != index.GITLINK:
                yield change


def _readable(
    repo: Repository, oids: Sequence[str], damaged: dict[str, str] | None
) -> Iterator[Change]:
    try:
        output = _diffed(repo, oids, "-c", "--root")
    except GitError as error:
        if damaged is None:
            raise
        if len(oids) == 1:
            yield from _standing(repo, oids[0], damaged, error)
            return
        middle = len(oids) // 2
        yield from _readable(repo, oids[:middle], damaged)
        yield from _readable(repo, oids[middle:], damaged)
        return
    yield from _parsed(output)


def _standing(
    repo: Repository, oid: str, damaged: dict[str, str], error: GitError
) -> Iterator[Change]:
    # Perhaps it is the parent's tree that is lost. Then all that it has is new.
    try:
        entries = index.tree(repo, oid)
    except GitError:
        damaged[oid] = str(error)
        return
    yield from (Change(oid, entry, ()) for entry in entries)


def _diffed(repo: Repository, asked: Iterable[str], *words: str) -> bytes:
    # Plumbing: `git log` would obey log.showRoot, diff.relative, log.showSignature.
    diff = ("diff-tree", "--stdin", "-r", "--raw", "-z", "--no-abbrev", "--no-renames", *words)
    return repo.git(*FROM_COMMITS, *diff, stdin=lines(asked), extra=TRUE_HISTORY)


def against(
    repo: Repository, pairs: Iterable[tuple[str, str]], pathspecs: Sequence[str]
) -> Iterator[Change]:
    """Yields what differs between commits and one commit each, at some pathspecs."""
    if asked := [f"{commit} {other}" for commit, other in pairs]:
        found = _parsed(_diffed(repo, asked, "--", *pathspecs))
        yield from (one for one in found if one.entry.mode != index.GITLINK)


def _parsed(output: bytes) -> Iterator[Change]:
    # git-diff-tree(1), "Raw output format": `:mode mode oid oid A`, path; in a combined
    # diff one colon, mode and oid more per parent. A line without colon names the commit.
    commit = ""
    tokens = iter(output.split(b"\0"))
    for token in tokens:
        if not token.startswith(b":"):
            commit = token.decode() or commit
            continue
        parents = len(token) - len(token.lstrip(b":"))
        facts = token[parents:].split(b" ")
        modes = [int(mode, 8) for mode in facts[: parents + 1]]
        names = [oid.decode() for oid in facts[parents + 1 : 2 * parents + 2]]
        before = [Entry(b"", mode, oid) for mode, oid in zip(modes, names, strict=True)]
        now = before.pop()
        path = next(tokens)
        replaced = tuple(entry.oid for entry in before if entry.is_file)
        yield Change(commit, Entry(path, now.mode, now.oid), replaced)


def pathless(
    repo: Repository, tips: Iterable[str], damaged: dict[str, str] | None = None
) -> Iterator[Change]:
    """Yields what those tips hold that are, or tag, no commit but a tree or a blob.

    Such a blob has no path: it is `b""`.

    Args:
        damaged: takes what cannot be read, and why; without it that is an error.

    Raises:
        GitError: an object is missing.
    """
    for name, (kind, oid) in peel(repo, tips).items():
        try:
            entries = _held(repo, name, kind, oid)
        except GitError as error:
            if damaged is None:
                raise
            damaged[name] = str(error)
        else:
            yield from (Change(oid, one, ()) for one in entries if one.mode != index.GITLINK)


def _held(repo: Repository, name: str, kind: str, oid: str) -> list[Entry]:
    if kind == "blob":
        return [Entry(b"", index.REGULAR, oid)]
    if kind == "tree":
        return index.tree(repo, oid)
    if kind == "commit":
        return []
    raise GitError(f"object {name} is missing or corrupt", hint="see `git fsck`")
