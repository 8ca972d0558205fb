"""Many objects at once, and all that the object store holds, reachable or not.

One process tells how long they are, one reads the short ones.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_model_security.errors import GitError
from git_model_security.git import partial, rev_list
from git_model_security.git.objects import ObjectReader
from git_model_security.git.run import lines

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from git_model_security.git.repository import Repository


_FEW = 1000
"""So many are asked of the process that is there; more cost less in one of their own."""
_KINDS = {"blob", "commit", "tag", "tree"}


def sizes(repo: Repository, oids: Iterable[str]) -> dict[str, int]:
    """Returns the lengths in bytes of those objects that are here; none is fetched."""
    wanted = list(dict.fromkeys(oids))
    if partial.remote(repo) is not None:
        # Git would fetch what was promised, or end at it.
        here = _listed(repo, "%(objectname) %(objectsize)")
        lengths = dict(line.split(" ") for line in here)
        return {oid: int(lengths[oid]) for oid in wanted if oid in lengths}
    if len(wanted) <= _FEW:
        return {oid: size for kind, oid, size in repo.objects.facts(wanted) if kind}
    answers = repo.git("cat-file", "--batch-check", "--buffer", stdin=lines(wanted))
    found = (line.split() for line in answers.splitlines())
    return {words[0].decode(): int(words[2]) for words in found if len(words) == 3}


def resolve(repo: Repository, revisions: Iterable[str]) -> list[tuple[str, str]]:
    """Returns kind and oid of what each revision names, in this order; else twice `""`.

    Raises:
        GitError: git ended, as it does at an object that is corrupt, or promised.
    """
    wanted = list(revisions)
    if len(wanted) <= _FEW and partial.remote(repo) is None:
        return [(kind, oid) for kind, oid, _ in repo.objects.facts(wanted)]
    asked = lines(wanted)
    answers = repo.git(
        "cat-file", "--batch-check=%(objecttype) %(objectname)", stdin=asked
    ).splitlines()
    found = (answer.decode().partition(" ") for answer in answers)
    return [(kind, oid) if kind in _KINDS else ("", "") for kind, _, oid in found]


def contents(repo: Repository, oids: Iterable[str]) -> dict[str, bytes]:
    """Returns objects whole, which must be here and short."""
    wanted = list(dict.fromkeys(oids))
    if len(wanted) <= _FEW:
        texts = repo.objects.read_many(wanted)
        return {oid: text for oid, (_, text) in zip(wanted, texts, strict=True)}
    asked = lines(wanted)
    answers = repo.git("cat-file", "--batch", "--buffer", stdin=asked)
    found = {}
    at = 0
    while at < len(answers):
        end = answers.index(b"\n", at)
        oid, _, size = answers[at:end].split()
        at = end + 1 + int(size)
        found[oid.decode()] = answers[end + 1 : at]
        at += 1
    return found


def kinds(repo: Repository) -> dict[str, str]:
    """Returns the kind of every object that is here, packed, loose or in an alternate.

    The kind of one that cannot be read is `""`. Git fetches nothing for that: it lists
    the files of the store.
    """
    found: dict[str, str] = {}
    for line in _listed(repo, "%(objecttype) %(objectname)"):
        first, _, second = line.partition(" ")
        if second == "missing":
            found[first] = ""
        else:
            found[second] = first
    return found


def blob_lengths(repo: Repository) -> dict[str, int]:
    """Returns all blobs that are here, as `kinds` lists objects, with their lengths."""
    listed = _listed(repo, "%(objecttype) %(objectname) %(objectsize)")
    rows = (line.split(" ") for line in listed)
    return {row[1]: int(row[2]) for row in rows if row[0] == "blob"}


def _listed(repo: Repository, form: str) -> list[str]:
    words = ("cat-file", "--batch-all-objects", "--unordered", f"--batch-check={form}")
    return repo.git(*words).decode().splitlines()


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
