"""The last verified tip of each branch of a deploy clone: what may not be gone back behind.

A file of its own and no part of the memory, which may be lost: then an older signed
tree would be taken for news.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_model_security.git import sharing
from git_model_security.git.objects import is_oid

if TYPE_CHECKING:
    from collections.abc import Iterable

    from git_model_security.git.repository import Repository

NAME = "verified-tips"
LAST = "*"
"""Stands for what was deployed last, on whichever branch: a new one follows it."""


def of(repo: Repository, branch: str | None) -> str | None:
    """Returns the commit that the next one has to follow; None before the first.

    Args:
        repo: the repository.
        branch: name of the branch, without `refs/heads/`; None for a detached HEAD.
    """
    tips = _read(repo)
    return tips.get(branch or LAST) or tips.get(LAST)


def all_of(repo: Repository) -> list[str]:
    """Returns the last verified commits of all branches, each once."""
    return list(dict.fromkeys(_read(repo).values()))


def put(repo: Repository, names: Iterable[str], commit: str) -> None:
    """Remembers a commit as the tip of branches, or of `LAST`."""
    tips = _read(repo)
    new = tips | dict.fromkeys(names, commit)
    if new == tips:
        return
    text = "".join(f"{oid} {name}\n" for name, oid in new.items())
    sharing.replace(repo.common_dir, repo.state_dir / NAME, text)


def _read(repo: Repository) -> dict[str, str]:
    try:
        text = (repo.state_dir / NAME).read_text("utf-8", "surrogateescape")
    except FileNotFoundError:
        return {}
    pairs = (line.split(" ", 1) for line in text.split("\n") if " " in line)
    return {name: oid for oid, name in pairs if is_oid(oid)}
