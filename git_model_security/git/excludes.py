"""Exclude patterns: which untracked files Git leaves alone (gitignore)."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

from git_model_security.git.run import ended, records

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from git_model_security.git.repository import Repository


def exclude(repo: Repository, pattern: str) -> None:
    """Lets Git leave files alone in this clone, in all of its work trees; once.

    A `.git` that cannot be written to stays as it is.
    """
    path = repo.common_dir / "info" / "exclude"
    line = os.fsencode(pattern)
    with contextlib.suppress(OSError):
        old = path.read_bytes() if path.exists() else b""
        if line in old.splitlines():
            return
        path.parent.mkdir(exist_ok=True)
        end = b"" if not old or old.endswith(b"\n") else b"\n"
        with path.open("ab") as file:
            file.write(end + line + b"\n")


def is_ignored(repo: Repository, path: Path) -> bool:
    """Tells whether `git add .` would pass over a file; it need not exist.

    A tracked file is never ignored.
    """
    # Absolute, so that no name is taken for an option or for pathspec magic.
    return bool(repo.git("check-ignore", "--", str(path), accept=(0, 1)))


def match_ignored(repo: Repository, paths: Iterable[bytes]) -> set[bytes]:
    """Returns those of some paths that exclude patterns match, whatever the index says.

    Args:
        paths: relative to the top; a directory ends in `/`. None is behind a link.
    """
    # With `./`, so that no name is taken for pathspec magic.
    asked = ended(b"./" + path for path in paths)
    if not asked:
        return set()
    said = repo.git("check-ignore", "--no-index", "-z", "--stdin", stdin=asked, accept=(0, 1))
    return {path.removeprefix(b"./") for path in records(said)}
