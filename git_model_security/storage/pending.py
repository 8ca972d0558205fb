"""Files that a hook shall write directly: the filter left their pointers.

Git holds a filter's whole answer in memory, so a long file is not answered but
written outside the filter (docs/LARGE_FILES.md, "Memory"). The filter notes its path here;
the hooks' shims look only whether there is a note, which costs nothing.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from git_model_security.git import sharing
from git_model_security.git.run import records

if TYPE_CHECKING:
    from git_model_security.git.repository import Repository

NAME = "git-model-pending"
"""In the git directory of the work tree."""


def note(repo: Repository, path: bytes) -> None:
    """Notes a file."""
    sharing.append(repo.common_dir, repo.git_dir / NAME, path + b"\0")


def take(repo: Repository) -> list[bytes]:
    """Returns the noted paths, each once, and forgets them."""
    notes = repo.git_dir / NAME
    taken = notes.with_name(f"{NAME}.{os.getpid()}")
    try:
        notes.rename(taken)
    except FileNotFoundError:
        return []
    try:
        return list(dict.fromkeys(records(taken.read_bytes())))
    finally:
        taken.unlink()
