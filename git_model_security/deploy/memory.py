"""What a deploy clone remembers: the files that were released, and the last verified tips.

Files are released under the trust of now only. What may be released is for `release` to know.

The tips lie in a file of its own, in no part of the memory, which may be lost: then an
older signed tree would be taken for news.

Who can push can put an old tree, with its good signatures, into a new commit. The name
of the tree tells nothing then: the bytes of a bundle over ciphertext are in no signature
(a blank at the end will do; ECDSA itself has a second signature for each), nor are empty
trees and odd modes. So what is signed is compared, and not what it is called.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_model_security.git import history, index, refs, sharing
from git_model_security.git.objects import is_oid
from git_model_security.git.trees import Trees
from git_model_security.policy import gitmodel
from git_model_security.trust import pinned_trust
from git_model_security.verification import manifests

if TYPE_CHECKING:
    from collections.abc import Iterable

    from git_model_security.clone.clone import Clone
    from git_model_security.git.index import Entry
    from git_model_security.git.repository import Repository

NAME = "verified-tips"
LAST = "*"
"""Stands for what was deployed last, on whichever branch: a new one follows it."""
_FOLLOWS = "follows"
_RELEASED, _BYGONE = "released", "bygone"


class Released:
    """The files that may be written, wherever Git has them from."""

    def __init__(self, clone: Clone) -> None:
        self._clone = clone

    def has(self, path: bytes, oid: str) -> bool:
        """Tells whether a file stands in a tree that was released under the trust of now."""
        row = self._clone.memory.execute(
            "SELECT 1 FROM released WHERE path = ? AND oid = ? AND under = ?",
            (path, oid, self._under),
        )
        return row.fetchone() is not None

    def knows(self, oid: str) -> bool:
        """Tells whether a blob stands anywhere in a tree that was released."""
        row = self._clone.memory.execute(
            "SELECT 1 FROM released WHERE oid = ? AND under = ? LIMIT 1", (oid, self._under)
        )
        return row.fetchone() is not None

    def unknown(self, entries: Iterable[Entry]) -> list[Entry]:
        """Returns the entries that are, in just this mode, in no released tree."""
        rows = self._clone.memory.execute(
            "SELECT path, oid, mode FROM released WHERE under = ?", (self._under,)
        )
        known = set(rows)
        return [one for one in entries if (one.path, one.oid, one.mode) not in known]

    def was_verified(self, tree: str) -> bool:
        """Tells whether a tree was released once: it need not be verified again."""
        return tree in self._trees(_RELEASED, _BYGONE)

    def add(self, tree: str) -> None:
        """Releases the files of a tree."""
        if tree not in self._trees(_RELEASED):
            self._insert(tree)

    def forget_older(self) -> None:
        """Takes back the trees from before what is deployed, and the files of only these.

        Git does not always say which commit a file comes from (`read-tree --reset`,
        `revert`): there it is enough that a file is released.
        """
        repo = self._clone.repo
        # A branch that is gone may have been the last to hold its commit.
        kinds = history.peel(repo, tips(repo))
        last = [oid for kind, oid in kinds.values() if kind == "commit"]
        here = set(history.trees(repo, [*last, *refs.read_heads(repo)]))
        older = history.trees_below(repo, last) - here
        released = self._trees(_RELEASED)
        if not released & older:
            return
        # In this order: who is stopped in between releases what is needed once more.
        memory = self._clone.memory
        memory.execute(
            "UPDATE judged SET verdict = ? WHERE under = ?", (_BYGONE, f"tree {self._under}")
        )
        memory.execute("DELETE FROM released WHERE under = ?", (self._under,))
        for tree in released - older:
            self._insert(tree)

    def _insert(self, tree: str) -> None:
        under = self._under
        entries = index.tree(self._clone.repo, tree)
        rows = ((one.path, one.oid, one.mode, under) for one in entries)
        insert = "INSERT OR IGNORE INTO released VALUES (?, ?, ?, ?)"
        self._clone.memory.execute_many(insert, rows)
        self._clone.judgements.put(tree, f"tree {under}", _RELEASED)

    def _trees(self, *verdicts: str) -> set[str]:
        known = self._clone.judgements.all_under(f"tree {self._under}")
        return {tree for tree, verdict in known.items() if verdict in verdicts}

    @property
    def _under(self) -> str:
        """What a release depends on: whom the clone trusts, and that it could open all."""
        depth = "sealed" if self._clone.ring.locked else "opened"
        return f"{depth} {pinned_trust.pinned(self._clone.repo).fingerprint}"


def last_tip(repo: Repository, branch: str | None) -> str | None:
    """Returns the commit that the next one on a branch has to follow; None before the first.

    The branch is without `refs/heads/`; None for a detached HEAD.
    """
    known = _read(repo)
    return known.get(branch or LAST) or known.get(LAST)


def tips(repo: Repository) -> list[str]:
    """Returns the last verified commits of all branches, each once."""
    return list(dict.fromkeys(_read(repo).values()))


def put_tip(repo: Repository, names: Iterable[str], commit: str) -> None:
    """Remembers a commit as the tip of branches, or of `LAST`."""
    old = _read(repo)
    new = old | dict.fromkeys(names, commit)
    if new == old:
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
    if clone.judgements.get(asked, _FOLLOWS) is not None:
        return True
    if not _is_new(clone, commit, last):
        return False
    clone.judgements.put(asked, _FOLLOWS)
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
