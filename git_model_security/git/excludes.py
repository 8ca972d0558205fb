"""Exclude patterns: which untracked files Git leaves alone (gitignore)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from git_model_security.git.repository import Repository


def is_ignored(repo: Repository, path: Path) -> bool:
    """Tells whether `git add .` would pass over a file; it need not exist.

    A tracked file is never ignored.
    """
    # Absolute, so that no name is taken for an option or for pathspec magic.
    return bool(repo.git("check-ignore", "--", str(path), accept=(0, 1)))
