"""Which commit comes after another: made after it, and signs nothing that was there before.

Who can push can put an old tree, with its good signatures, into a new commit. The name
of the tree tells nothing then: the bytes of a bundle over ciphertext are in no signature
(a blank at the end will do; ECDSA itself has a second signature for each), nor are empty
trees and odd modes. So what is signed is compared, and not what it is called.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_model_security.git import history
from git_model_security.git.trees import Trees
from git_model_security.policy import gitmodel
from git_model_security.verify import manifests

if TYPE_CHECKING:
    from git_model_security.clone.clone import Clone

_FOLLOWS = "follows"


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
    trees = Trees(clone.repo, clone.objects)
    policy = gitmodel.find(trees.entries(tree), clone.objects)
    if policy is None:
        return False
    signed = manifests.listed(policy, trees.entries(tree))
    # Its own policy serves for all: one that has another has another list.
    if signed == manifests.listed(policy, trees.entries(deployed)):
        return True
    older = history.trees_below(clone.repo, [last])
    return all(signed != manifests.listed(policy, trees.entries(one)) for one in older)
