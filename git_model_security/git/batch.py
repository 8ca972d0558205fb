"""Many objects at once: one process tells how long they are, one reads the short ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_model_security.git import partial
from git_model_security.git.run import lines

if TYPE_CHECKING:
    from collections.abc import Iterable

    from git_model_security.git.repository import Repository


_FEW = 1000
"""So many are asked of the process that is there; more cost less in one of their own."""
_KINDS = {"blob", "commit", "tag", "tree"}


def sizes(repo: Repository, oids: Iterable[str]) -> dict[str, int]:
    """Returns the lengths in bytes of those objects that are here; none is fetched."""
    wanted = list(dict.fromkeys(oids))
    if len(wanted) <= _FEW and partial.remote(repo) is None:
        return {oid: size for kind, oid, size in repo.objects.facts(wanted) if kind}
    asked = lines(wanted)
    answers = repo.git(
        *("cat-file", "--batch-check", "--buffer"),
        stdin=asked,
        extra={"GIT_NO_LAZY_FETCH": "1"},
    )
    found = (line.split() for line in answers.splitlines())
    return {words[0].decode(): int(words[2]) for words in found if len(words) == 3}


def named(repo: Repository, revisions: Iterable[str]) -> list[tuple[str, str]]:
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
