"""Who works here, as Git knows it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from git_model_security.git import config

if TYPE_CHECKING:
    from git_model_security.git.repository import Repository


def committer(repo: Repository) -> str:
    """Returns `Name <address>` as Git would write it into a commit, else the login name."""
    settings = config.read(repo, "(committer|user)")
    name, address = (
        os.environ.get(f"GIT_COMMITTER_{word.upper()}")
        or config.last(settings, f"committer.{word}")
        or config.last(settings, f"user.{word}")
        for word in ("name", "email")
    )
    if name and address:
        return f"{name} <{address}>"
    said = repo.git("var", "GIT_COMMITTER_IDENT", accept=(0, 128)).decode("utf-8", "replace")
    # The address ends the name; a time and a time zone follow (git-var).
    found = said.rpartition(">")[0]
    if found:
        return f"{found}>"
    import getpass  # where Git knows nobody

    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return ""
