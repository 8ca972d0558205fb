"""What came into this clone from elsewhere, whether a ref names it or not.

Must not know what a commit should hold.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_model_security.git import history
from git_model_security.git.objects import is_oid

if TYPE_CHECKING:
    from git_model_security.git import config
    from git_model_security.git.repository import Repository


def fetched(repo: Repository) -> list[str]:
    """Returns the commits that the last fetch brought, with or without a ref for them.

    A line of FETCH_HEAD each, the oid before a tab (git-fetch).
    """
    path = repo.git_dir / "FETCH_HEAD"
    lines = path.read_text("utf-8", "replace").splitlines() if path.is_file() else []
    oids = [oid for oid in (line.partition("\t")[0] for line in lines) if is_oid(oid)]
    return [oid for kind, oid in history.peeled(repo, oids).values() if kind == "commit"]


def cloned(repo: Repository, settings: config.Values) -> list[str]:
    """Returns the commit that `git clone --revision` (2.49) brought, which no ref names.

    HEAD's reflog, which is this clone's own, begins with it. In other clones refs hold what
    came, as they do of what is fetched.

    Args:
        repo: the repository.
        settings: its variables `remote.*`, maybe with others.
    """
    of_remotes = [key for key in settings if key.startswith("remote.")]
    if not of_remotes or any(key.endswith(".fetch") for key in of_remotes):
        return []
    # A signature is shown on standard output, where `log.showSignature` asks for it.
    words = ("log", "--walk-reflogs", "--no-show-signature", "--format=%H %gs", "HEAD")
    said = repo.git(*words, accept=(0, 128))
    first = said.decode("utf-8", "replace").rstrip("\n").rpartition("\n")[2]
    oid, _, action = first.partition(" ")
    return [oid] if action.startswith("clone: ") else []
