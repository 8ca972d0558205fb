"""What a remote has, as far as this clone can tell: by its memory of it, or by asking.

Tracking refs say what was fetched from where the remote *was*. When its address changes,
or pushes go elsewhere (`pushurl`), they say nothing of where a push goes.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from git_model_security.git import config, sharing
from git_model_security.git.objects import is_oid
from git_model_security.git.repository import STATE_DIRECTORY

if TYPE_CHECKING:
    from git_model_security.git.repository import Repository

_KNOWN = "remotes"
"""Under the clone's state: a line per remote, the SHA-256 of its address and its name."""


def note(repo: Repository) -> None:
    """Remembers where the remotes are, of those that are not known yet."""
    known = _known(repo)
    new = {name: _digest(url) for name in _names(repo) if (url := _address(repo, name))}
    if new.keys() - known.keys():
        lines = [f"{digest} {name}\n" for name, digest in (new | known).items()]
        path = repo.state_dir / _KNOWN
        path.write_text("".join(lines), "utf-8", "surrogateescape")
        sharing.adjust(repo.common_dir, path)


def held(repo: Repository, name: str, url: str) -> list[str]:
    """Returns objects that a remote has; not all of them need be here.

    Args:
        repo: the repository.
        name: the remote.
        url: the address that is pushed to.

    Raises:
        GitError: the remote had to be asked, and does not answer.
    """
    if name not in _names(repo):
        return []
    fetched = _fetched(repo, name)
    if not fetched and config.get(repo, f"remote.{name}.fetch") is not None:
        note(repo)
        return []
    # A clone of one revision (git 2.49) has no tracking refs, and remembers nothing.
    if fetched and _known(repo).get(name) == _digest(url) and url == _address(repo, name):
        return fetched
    listed = repo.git("ls-remote", "--quiet", url).decode("utf-8", "replace")
    return [oid for line in listed.splitlines() if is_oid(oid := line.partition("\t")[0])]


def _names(repo: Repository) -> list[str]:
    return repo.git("remote").decode("utf-8", "surrogateescape").splitlines()


def _address(repo: Repository, name: str) -> str:
    said = repo.git("remote", "get-url", name, accept=(0, 2))
    return said.decode("utf-8", "surrogateescape").removesuffix("\n")


def _fetched(repo: Repository, name: str) -> list[str]:
    """Returns what the tracking refs of a remote hold, without those of `NAME/OTHER`."""
    others = [f"refs/remotes/{one}/" for one in _names(repo) if one.startswith(f"{name}/")]
    listed = repo.git(
        "for-each-ref", "--format=%(objectname) %(refname)", f"refs/remotes/{name}/"
    ).decode("utf-8", "surrogateescape")
    pairs = (line.split(" ", 1) for line in listed.splitlines())
    return [oid for oid, ref in pairs if not ref.startswith(tuple(others))]


def _known(repo: Repository) -> dict[str, str]:
    path = repo.common_dir / STATE_DIRECTORY / _KNOWN
    lines = path.read_text("utf-8", "surrogateescape").splitlines() if path.exists() else []
    pairs = (line.split(" ", 1) for line in lines)
    return {pair[1]: pair[0] for pair in pairs if len(pair) == 2}


def _digest(url: str) -> str:
    # An address may hold a password.
    return hashlib.sha256(url.encode("utf-8", "surrogateescape")).hexdigest()
