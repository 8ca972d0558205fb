"""What Git says of commits that it makes again: a rebase, a cherry-pick, a squash.

Files in the Git directory of a work tree name them while that goes on (git-rebase,
git-cherry-pick, "sequencer state"); afterwards post-rewrite gives the pairs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_model_security.git import history, index
from git_model_security.git.objects import is_oid

if TYPE_CHECKING:
    from git_model_security.git.repository import Repository

_PICKS = {"pick", "p", "reword", "r", "edit", "e"}
_SQUASHES = {"squash", "s", "fixup", "f"}
_LISTS = ("rebase-merge/rewritten-list", "rebase-apply/rewritten")
_PENDING = "rebase-merge/rewritten-pending"
_DONE = "rebase-merge/done"


def list_pairs(repo: Repository) -> dict[str, list[str]]:
    """Returns the commits that a rebase under way made, with those they were made of."""
    found: dict[str, list[str]] = {}
    for name in _LISTS:
        for old, new in parse_pairs(_read(repo, name)):
            found.setdefault(new, []).append(old)
    if pending := _read(repo, _PENDING).split():
        head = index.resolve(repo, "HEAD^{commit}")
        found.setdefault(head or "", []).extend(pending)
    return {
        new: kept
        for new, olds in found.items()
        if is_oid(new) and (kept := [old for old in olds if _is_here(repo, old)])
    }


def parse_pairs(text: str) -> list[tuple[str, str]]:
    """Returns old and new commits, which Git writes in a line each."""
    rows = (line.split()[:2] for line in text.split("\n"))
    return [(row[0], row[1]) for row in rows if len(row) > 1 and all(map(is_oid, row))]


def list_applied(repo: Repository) -> list[str]:
    """Returns the commits that are being applied: picked, and squashed into one by a rebase."""
    return list(dict.fromkeys([*history.pseudo_ref(repo, "CHERRY_PICK_HEAD"), *_done(repo)]))


def _done(repo: Repository) -> list[str]:
    found = []
    # A subject stands behind each: it may hold what a text is split at elsewhere.
    for line in reversed(_read(repo, _DONE).split("\n")):
        action, *words = [word for word in line.split() if not word.startswith("-")] or [""]
        if words and action in _PICKS | _SQUASHES:
            found.append(index.resolve(repo, f"{words[0]}^{{commit}}"))
            if action in _PICKS:
                break
    return list(filter(None, found))


def _is_here(repo: Repository, commit: str) -> bool:
    return is_oid(commit) and index.resolve(repo, f"{commit}^{{commit}}") is not None


def _read(repo: Repository, name: str) -> str:
    path = repo.git_dir / name
    return path.read_text("utf-8", "replace") if path.is_file() else ""
