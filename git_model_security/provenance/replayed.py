"""What a rebase, cherry-pick or revert of signed commits brings back: one's own content.

The commit that comes of it is new and unsigned, and what it holds was signed once, maybe
by an older commit than any that is looked at. Of a commit that stands only its own change
counts, not what it passed on: that may be older than what is here now.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from git_model_security.git import history, index
from git_model_security.provenance import ancestry

if TYPE_CHECKING:
    from git_model_security.clone.clone import Clone
    from git_model_security.clone.provenance import Pair
    from git_model_security.git.repository import Repository

Fact = tuple[bytes, int, str]
"""A path with its mode and oid."""
_PICKS = frozenset({"pick", "p", "reword", "r", "edit", "e"})
_MORE = frozenset({"squash", "s", "fixup", "f"})
"""Commands of a rebase (git-rebase, "INTERACTIVE MODE") that apply a commit; the latter to
the one before."""


def under_way(repo: Repository) -> list[str]:
    """Returns the commits that a rebase, which is not over, has applied last."""
    path = repo.git_dir / "rebase-merge" / "done"
    text = path.read_text("utf-8", "replace") if path.is_file() else ""
    found = []
    for line in reversed(text.splitlines()):
        words = [word for word in line.split() if not word.startswith("-")]
        if len(words) > 1 and words[0] in _PICKS | _MORE:
            found.append(index.resolve(repo, f"{words[1]}^{{commit}}"))
            if words[0] in _PICKS:
                break
    return list(filter(None, found))


def introduced(clone: Clone, commit: str) -> tuple[set[Fact], set[bytes]]:
    """Returns what a commit that stands changed, and the paths that it removed."""
    if not ancestry.stands(clone, commit):
        return set(), set()
    return _difference(clone, _parent(clone, commit), commit)


def undone(clone: Clone, commit: str) -> tuple[set[Fact], set[bytes]]:
    """Returns what reverting a commit restores, and removes, if its parent stands."""
    parent = _parent(clone, commit)
    if parent is None or not ancestry.stands(clone, parent):
        return set(), set()
    return _difference(clone, commit, parent)


def committed(clone: Clone) -> set[Pair]:
    """Returns what of HEAD a cherry-pick or revert, in its post-commit, brought of that."""
    facts: set[Fact] = set()
    gone: set[bytes] = set()
    picked = history.pseudo_ref(clone.repo, "CHERRY_PICK_HEAD")
    for change, commits in ((introduced, picked), (undone, _reverted(clone.repo))):
        for commit in commits:
            held, removed = change(clone, commit)
            facts |= held
            gone |= removed
    if not facts and not gone:
        return set()
    here = ancestry.facts(clone, "HEAD")
    brought = {(path, oid) for path, mode, oid in facts if here.get(path) == (mode, oid)}
    return brought | {(path, "") for path in gone - here.keys()}


def _reverted(repo: Repository) -> list[str]:
    """Returns the commit that `git revert` just undid.

    Without a conflict only its message names it (seen with 2.39). A commit that was picked
    may have any message, so the reflog, which is our own, has to say what Git did.
    """
    words = ("log", "--walk-reflogs", "-1", "--no-show-signature", "--format=%gs%x00%B")
    said = repo.git(*words, "HEAD", accept=(0, 128))
    action, _, message = said.decode("utf-8", "replace").partition("\0")
    if not action.startswith("revert: "):
        return []
    named = re.findall(r"^This reverts commit ([0-9a-f]{40,64})[.,]", message, re.MULTILINE)
    found = (index.resolve(repo, f"{oid}^{{commit}}") for oid in named)
    return list(filter(None, found))


def _parent(clone: Clone, commit: str) -> str | None:
    return index.resolve(clone.repo, f"{commit}^1^{{commit}}")


def _difference(clone: Clone, old: str | None, new: str) -> tuple[set[Fact], set[bytes]]:
    before = ancestry.facts(clone, old) if old else {}
    after = ancestry.facts(clone, new)
    changed = {(path, *fact) for path, fact in after.items() - before.items()}
    return changed, before.keys() - after.keys()
