"""Who works here, as Git knows it."""

from __future__ import annotations

import getpass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from git_model_security.git.repository import Repository


def committer(repo: Repository) -> str:
    """Returns `Name <address>` as Git would write it into a commit, else the login name."""
    said = repo.git("var", "GIT_COMMITTER_IDENT", accept=(0, 128)).decode("utf-8", "replace")
    # The address ends the name; a time and a time zone follow (git-var).
    found = said.rpartition(">")[0]
    if found:
        return f"{found}>"
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return ""
