"""What the object store holds, reachable or not: asked of Git in one go, nothing fetched."""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_model_security.errors import GitError
from git_model_security.git import rev_list
from git_model_security.git.objects import ObjectReader

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from git_model_security.git.repository import Repository


def kinds(repo: Repository) -> dict[str, str]:
    """Returns the kind of every object that is here, packed, loose or in an alternate.

    The kind of one that cannot be read is `""`. Git fetches nothing for that: it lists
    the files of the store.
    """
    listed = repo.git(
        *("cat-file", "--batch-all-objects", "--unordered"),
        "--batch-check=%(objecttype) %(objectname)",
    )
    found: dict[str, str] = {}
    for line in listed.decode().splitlines():
        first, _, second = line.partition(" ")
        if second == "missing":
            found[first] = ""
        else:
            found[second] = first
    return found


def commits(repo: Repository, objects: dict[str, str]) -> list[str]:
    """Returns all commits of a store, older ones first, whether anything leads to them.

    For a history that cannot be walked, because a commit in it is lost.
    """
    names = [oid for oid, kind in objects.items() if kind == "commit"]
    return rev_list.read(repo, "--no-walk=sorted", names=names)[::-1] if names else []


def with_trees(repo: Repository, oids: Iterable[str], objects: dict[str, str]) -> list[str]:
    """Returns those of the commits whose topmost trees are here."""
    names = list(oids)
    if not names:
        return []
    words = ("--no-walk=unsorted", "--no-commit-header", "--format=%H %T")
    pairs = (line.split(" ") for line in rev_list.read(repo, *words, names=names))
    return [commit for commit, tree in pairs if tree in objects]


def readable(
    repo: Repository, oids: Iterable[str], limit_bytes: int
) -> Iterator[tuple[str, bytes]]:
    """Yields those objects that can be read, with their content; none of a longer one."""
    with ObjectReader(repo) as reader:
        for oid in oids:
            content = _read(reader, oid, limit_bytes)
            if content is not None:
                yield oid, content


def _read(reader: ObjectReader, oid: str, limit_bytes: int) -> bytes | None:
    try:
        stream = reader.stream(oid)
        return stream.read() if stream.size <= limit_bytes else b""
    except GitError:
        reader.close()  # it ended, or stands in the middle of the object
        return None
