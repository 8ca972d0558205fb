"""The list of stashes: the reflog of `refs/stash`, and nothing else, names them (git-stash).

Written by `git update-ref`, an entry at a time and the oldest first: so any store of refs
will do, and each entry keeps who made it, when, and with which words.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from git_model_security.git import index
from git_model_security.git.run import NO_HOOKS

if TYPE_CHECKING:
    from git_model_security.git.repository import Repository

REF = "refs/stash"

_FIELDS = ("%H", "%gn", "%ge", "%gd", "%gs")
# Git would write what it takes for UTF-8 in another encoding; as it is means UTF-8 here.
_LISTING = (
    *("-c", "i18n.logOutputEncoding=UTF-8", "log", "--walk-reflogs", "-z", "--date=raw"),
    *("--no-patch", "--no-show-signature", "--no-color", f"--format={'%x00'.join(_FIELDS)}"),
)


class Stashed(NamedTuple):
    """An entry of the list.

    Attributes:
        date: seconds since 1970, and the time zone.
        message: what `git stash list` shows.
    """

    oid: str
    name: str
    email: str
    date: str
    message: str


def read(repo: Repository) -> list[Stashed]:
    """Returns the list, the newest first, as `git stash list` has it.

    Raises:
        GitError: a commit is corrupt.
    """
    if index.resolve(repo, REF) is None:
        return []
    words = os.fsdecode(repo.git(*_LISTING, REF, "--")).split("\0")
    found = []
    for at in range(0, len(words) - len(_FIELDS) + 1, len(_FIELDS)):
        oid, name, email, selector, message = words[at : at + len(_FIELDS)]
        date = selector.rpartition("@{")[2].removesuffix("}")
        found.append(Stashed(oid, name, email, date, message))
    return found


def unreadable(repo: Repository) -> int:
    """Returns how many entries name a commit that is not there, which `read` leaves out.

    Only files can be counted; the other store of refs, reftable, has none to show.
    """
    log = repo.common_dir / "logs" / REF
    lines = log.read_bytes().splitlines() if log.is_file() else []
    return max(0, len(lines) - len(read(repo)))


def add(repo: Repository, entry: Stashed, above: str | None) -> None:
    """Puts an entry on top.

    Args:
        above: the commit of the entry that is on top now; None where there is none.

    Raises:
        GitError: something else is on top.
    """
    identity = {
        "GIT_COMMITTER_NAME": entry.name,
        "GIT_COMMITTER_EMAIL": entry.email,
        "GIT_COMMITTER_DATE": f"@{entry.date}",
    }
    said = ("-m", entry.message) if entry.message else ()  # Git refuses an empty one
    repo.git(
        *(*NO_HOOKS, "update-ref", "--create-reflog", *said),
        *(REF, entry.oid, above or "0" * len(entry.oid)),
        extra=identity,
    )


def clear(repo: Repository) -> None:
    """Empties the list, which may be empty."""
    if index.resolve(repo, REF) is not None:
        repo.git(*NO_HOOKS, "update-ref", "--no-deref", "-d", REF)


def drop(repo: Repository, number: int) -> None:
    """Removes an entry, counted from the newest, which is 0."""
    repo.git(*NO_HOOKS, "stash", "drop", "--quiet", str(number))
