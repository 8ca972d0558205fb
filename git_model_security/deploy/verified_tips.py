"""The last verified tips of a deploy clone, and which commit comes after one.

The tips lie in a file of its own, in no part of the memory, which may be lost: then an
older signed tree would be taken for news.

Who can push can put an old tree, with its good signatures, into a new commit. The name
of the tree tells nothing then: the bytes of a bundle over ciphertext are in no signature
(a blank at the end will do; ECDSA itself has a second signature for each), nor are empty
trees and odd modes. So what is signed is compared, and not what it is called.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_model_security.git import history, sharing
from git_model_security.git.objects import is_oid
from git_model_security.git.trees import Trees
from git_model_security.policy import gitmodel
from git_model_security.verify import manifests

if TYPE_CHECKING:
    from collections.abc import Iterable

    from git_model_security.clone.clone import Clone
    from git_model_security.git.repository import Repository

NAME = "verified-tips"
LAST = "*"
"""Stands for what was deployed last, on whichever branch: a new one follows it."""
_FOLLOWS = "follows"


def of(repo: Repository, branch: str | None) -> str | None:
    """Returns the commit that the next one on a branch has to follow; None before the first.

    The branch is without `refs/heads/`; None for a detached HEAD.
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


def follows(clone: Clone, commit: str, last: str) -> bool:
    """Tells whether a verified commit comes after another; history is all here.

    1. It was made after it.
    2. What its bundles over ciphertext sign is what they sign in `last`, or in no commit
       that `last` was made after.

    Raises:
        GitError: a commit or tree is missing or corrupt.
    """
    if not clone.objects.holds(last):
        return False  # pruned: all history is here, and that commit is not in it
    if not history.descends(clone.repo, commit, last):
        return False
    # Of two commits this is true for ever, and each command asks several times.
    asked = f"{commit} {last}"
    known = "SELECT 1 FROM judged WHERE subject = ? AND under = ?"
    if clone.memory.execute(known, (asked, _FOLLOWS)).fetchone() is not None:
        return True
    if not _is_new(clone, commit, last):
        return False
    clone.memory.execute("INSERT OR REPLACE INTO judged VALUES (?, ?, '')", (asked, _FOLLOWS))
    return True


def _is_new(clone: Clone, commit: str, last: str) -> bool:
    tree, deployed = history.trees(clone.repo, [commit, last])
    trees = Trees(clone.repo)
    policy = gitmodel.find(trees.entries(tree), clone.objects)
    if policy is None:
        return False
    signed = manifests.signed_entries(policy, trees.entries(tree))
    # Its own policy serves for all: one that has another has another list.
    if signed == manifests.signed_entries(policy, trees.entries(deployed)):
        return True
    older = history.trees_below(clone.repo, [last])
    return all(signed != manifests.signed_entries(policy, trees.entries(one)) for one in older)
