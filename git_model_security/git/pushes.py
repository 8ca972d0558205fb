"""What a push brings to a repository that receives it: commits that no ref has yet.

Runs inside of pre-receive, where Git keeps the new objects in quarantine: every git
here inherits the variables that say where. Must not know what a blob should hold.
"""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING, NamedTuple

from git_model_security.errors import GitError, PolicyError
from git_model_security.git import batch, ranges
from git_model_security.git.index import GITLINK, REMOVED, Entry
from git_model_security.git.objects import CHUNK_BYTES
from git_model_security.git.rev_list import FROM_COMMITS, TRUE_HISTORY
from git_model_security.git.run import lines

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from git_model_security.git.repository import Repository

# As it was pushed: no grafts, no commit-graph, and no file that says where history ends.
# A commit whose parents are neither here nor in the push then is an error of git's.
_TRUE_HISTORY = {**TRUE_HISTORY, "GIT_SHALLOW_FILE": os.devnull}
_BATCH = 512
"""Lines for one process: less than a pipe holds, so that they are written before reading."""
_BYTES_PER_ENTRY = 256


class Arrived(NamedTuple):
    """Commits of a push.

    Attributes:
        commits: those that no ref of the repository reaches, parents before children.
        onto: commits that are here already, and that they stand on.
    """

    commits: list[str]
    onto: list[str]


def arrived(repo: Repository, tips: Iterable[str], *, limit: int) -> Arrived:
    """Returns the commits that a push brings.

    Raises:
        PolicyError: there are more than `limit`.
        GitError: history is cut, or an object is missing or corrupt.
    """
    asked = lines(tips)
    if not asked:
        return Arrived([], [])
    if _cuts(repo):
        raise _cut("the push comes from a shallow clone")
    try:
        listed = repo.git(
            *(*FROM_COMMITS, "rev-list", "--topo-order", "--reverse", "--boundary"),
            *(f"--max-count={limit + 1}", "--stdin", "--not", "--all"),
            stdin=asked,
            extra=_TRUE_HISTORY,
        )
    except GitError as error:
        raise _cut(str(error)) from error
    named = listed.decode().split()
    found = [line for line in named if not line.startswith("-")]
    if len(found) > limit:
        raise _too_much(f"more than {limit} new commits")
    return Arrived(found, [line[1:] for line in named if line.startswith("-")])


def require_bounded(
    repo: Repository,
    arrived: Arrived,
    tips: Iterable[str],
    trees: Iterable[str],
    *,
    limit: int,
) -> None:
    """Raises when commits and trees hold more entries than anybody should have to judge.

    A tree may name the same tree many times, and that the next: a few kilobytes become
    more files than fit into memory. So they are counted as git lists them.

    Args:
        tips: those of them that refs would name.
        trees: that refs would name.

    Raises:
        PolicyError: there are more than `limit`, or their names are too long in total.
    """
    for tip in set(arrived.commits).intersection(tips):
        _require_grown_little(repo, tip, arrived.onto, limit)
    left = _Counter(limit)
    commits = arrived.commits
    diff = ("diff-tree", "--stdin", "-r", "-c", "--root", "--raw", "-z", "--no-renames")
    for start in range(0, len(commits), _BATCH):
        left.take(_listed(repo, diff, commits[start : start + _BATCH]))
    for tree in trees:
        # An entry of ls-tree is one field, of diff-tree two.
        left.take(_listed(repo, ("ls-tree", "-r", "-z", tree)), fields=1)


def _require_grown_little(repo: Repository, tip: str, onto: Sequence[str], limit: int) -> None:
    """Raises where a tip has more files than so many changes can have made of its bases.

    `git diff-tree` has all changes of a commit in memory before it says the first;
    `ls-tree` goes along as it is read.
    """
    allowed = None
    entries = 0
    for piece in _listed(repo, ("ls-tree", "-r", "-z", tip)):
        entries += piece.count(b"\0")
        if entries > limit and allowed is None:
            allowed = limit + sum(_count(repo, base) for base in onto)
        if allowed is not None and entries > allowed:
            raise _too_much(f"more than {limit} changed files")


def _count(repo: Repository, tree: str) -> int:
    return sum(piece.count(b"\0") for piece in _listed(repo, ("ls-tree", "-r", "-z", tree)))


def blobs(repo: Repository, treeishes: Iterable[str], path: str) -> dict[str, str | None]:
    """Returns the blob at a path of each tree, or None where there is none."""
    names = list(dict.fromkeys(treeishes))
    found = batch.resolve(repo, (f"{name}:{path}" for name in names))
    return {
        name: oid if kind == "blob" else None
        for name, (kind, oid) in zip(names, found, strict=True)
    }


def trees(repo: Repository, commits: Iterable[str]) -> dict[str, str]:
    """Returns the trees of those of the commits that are here."""
    names = list(dict.fromkeys(commits))
    found = batch.resolve(repo, (f"{name}^{{tree}}" for name in names))
    return {name: oid for name, (kind, oid) in zip(names, found, strict=True) if kind}


def versions(repo: Repository, commits: Sequence[str], path: str) -> set[str]:
    """Returns the blobs that commits brought in at a path, which is not a directory's."""
    diff = ("diff-tree", "--stdin", "-r", "-m", "--root", "--raw", "--no-abbrev", "-z")
    found = set()
    for start in range(0, len(commits), _BATCH):
        some = commits[start : start + _BATCH]
        listed = b"".join(_listed(repo, (*diff, "--", path), some))
        facts = (token.split(b" ") for token in listed.split(b"\0") if token[:1] == b":")
        found |= {fields[3].decode() for fields in facts if fields[3].strip(b"0")}
    return found


def bygone(repo: Repository, commit: str, path: str) -> set[str]:
    """Returns the blobs that ever stood at a path in the history of a commit."""
    listed = repo.git(
        *(*FROM_COMMITS, "rev-list", "--full-history", commit, "--", path),
        extra=TRUE_HISTORY,
    )
    return versions(repo, listed.decode().split(), path)


def replaced(
    repo: Repository, pairs: Iterable[tuple[str, str]], *, limit: int
) -> Iterator[Entry]:
    """Yields the files of the first tree of each pair that the second does not have so.

    Raises:
        PolicyError: there are more than `limit`.
    """
    left = _Counter(limit)
    wanted = [f"{old} {new}" for old, new in dict.fromkeys(pairs) if old != new]
    diff = ("diff-tree", "--stdin", "-r", "--raw", "-z", "--no-renames", "--no-abbrev")
    for start in range(0, len(wanted), _BATCH // 2):
        some = wanted[start : start + _BATCH // 2]
        yield from _former(b"".join(left.counted(_listed(repo, diff, some))))


def _former(output: bytes) -> Iterator[Entry]:
    # Each pair begins with a line of its own, the two trees.
    tokens = iter(output.split(b"\0"))
    for token in tokens:
        facts = token.rpartition(b"\n")[2]
        if facts:
            mode, _, oid, _, _ = facts.removeprefix(b":").split(b" ")
            entry = Entry(next(tokens), int(mode, 8), oid.decode())
            if entry.mode not in {REMOVED, GITLINK}:
                yield entry


class _Counter:
    """Counts entries while they come, and stops what has too many."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._fields = 0
        self._bytes = 0

    def counted(self, pieces: Iterator[bytes], fields: int = 2) -> Iterator[bytes]:
        for piece in pieces:
            self._fields += piece.count(b"\0") * (2 // fields)
            self._bytes += len(piece)
            if (
                self._fields > 2 * self._limit
                or self._bytes > _BYTES_PER_ENTRY * self._limit + CHUNK_BYTES
            ):
                raise _too_much(f"more than {self._limit} changed files")
            yield piece

    def take(self, pieces: Iterator[bytes], fields: int = 2) -> None:
        for _ in self.counted(pieces, fields):
            pass


def _listed(
    repo: Repository, arguments: Sequence[str], names: Iterable[str] = ()
) -> Iterator[bytes]:
    with contextlib.ExitStack() as stack:
        process = stack.enter_context(
            repo.spawn(*FROM_COMMITS, *arguments, extra=_TRUE_HISTORY)
        )
        stack.callback(process.kill)  # nothing, where it has ended
        with contextlib.suppress(BrokenPipeError):
            process.stdin.write(lines(names))
            process.stdin.close()
        while piece := process.stdout.read(CHUNK_BYTES):
            yield piece
        if process.wait():
            raise GitError(
                "the commits that were pushed cannot be listed", hint="see `git fsck`"
            )


def _cuts(repo: Repository) -> bool:
    """Tells whether history would end here where it did not before.

    Git gives hooks a list with the new ends, where receive.shallowUpdate lets them in.
    """
    proposed = os.environ.get("GIT_SHALLOW_FILE")
    return bool(proposed) and not ranges.edges_in(repo.git_dir / str(proposed)) <= ranges.edges(
        repo
    )


def _cut(why: str) -> GitError:
    return GitError(
        f"history is cut or damaged, so not all of it can be judged: {why}",
        hint="push from a complete clone: `git fetch --unshallow`, then `git fsck`",
    )


def _too_much(what: str) -> PolicyError:
    return PolicyError(
        f"{what} in one push are not judged",
        hint="push it in parts; on the server `git config git-model.maxEntries NUMBER`",
    )
