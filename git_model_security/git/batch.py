"""Many objects at once: one process tells how long they are, one reads the short ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from git_model_security.git.repository import Repository


_KINDS = {"blob", "commit", "tag", "tree"}


def sizes(repo: Repository, oids: Iterable[str]) -> dict[str, int]:
    """Returns the lengths in bytes of those objects that are here; none is fetched."""
    asked = "".join(f"{oid}\n" for oid in dict.fromkeys(oids)).encode()
    if not asked:
        return {}
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
    asked = "".join(f"{revision}\n" for revision in revisions).encode()
    answers = repo.git(
        "cat-file", "--batch-check=%(objecttype) %(objectname)", stdin=asked
    ).splitlines()
    found = (answer.decode().partition(" ") for answer in answers)
    return [(kind, oid) if kind in _KINDS else ("", "") for kind, _, oid in found]


def contents(repo: Repository, oids: Iterable[str]) -> dict[str, bytes]:
    """Returns objects whole, which must be here and short."""
    asked = "".join(f"{oid}\n" for oid in dict.fromkeys(oids)).encode()
    if not asked:
        return {}
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
