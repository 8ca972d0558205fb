"""Uploads by stock git-lfs: to a remote by its name, or to one of its addresses.

Must not know what a pointer stands for; what may leave was judged before.
"""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

from git_model_security.git import config, lfs, remotes

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from git_model_security.git.repository import Repository


_AT_ONCE = 500
"""Names of objects that fit into one command line."""


@dataclass(frozen=True)
class Target:
    """Where git-lfs uploads to.

    Attributes:
        name: what it is called to git-lfs: a remote, or an address.
        url: the address that Git pushes to.
        is_remote: it is a remote, whose tracking refs git-lfs goes by.
        settings: options of git that make git-lfs see it so.
    """

    name: str
    url: str
    is_remote: bool
    settings: tuple[str, ...] = ()


def find_target(repo: Repository, remote: str, url: str, *, by_name: bool) -> Target:
    """Returns where the objects of a push go.

    Of a remote with several addresses git-lfs takes the last one, and where commits are
    on one it takes them to be on all: an address by itself has no tracking refs. Where a
    server for objects is named (git-lfs-config, "lfs.url", "remote.<remote>.lfsurl"), all
    addresses share that one.

    Args:
        remote: the name that is pushed to, or the address itself.
        by_name: tracking refs say what is there.
    """
    if by_name:
        return Target(remote, url, is_remote=True)
    named = remotes.read(repo)
    if remote in named and _is_server_named(repo, remote):
        return Target(remote, url, is_remote=True)
    # git-lfs takes an address for the remote whose only one it is: let it have it twice.
    alike = [name for name, one in named.items() if one.pushed == [url]]
    again = tuple(word for name in alike for word in ("-c", f"remote.{name}.pushurl={url}"))
    # By a path and not by a name: git-lfs knows paths only as those of remotes.
    if directory := _directory(repo, url):
        url = directory.resolve().as_uri()
    return Target(url, url, is_remote=False, settings=again)


def upload_push(repo: Repository, to: Target, stdin: bytes, onto: Iterable[str] = ()) -> None:
    """Uploads what a push needs, as the hook of git-lfs does.

    Args:
        stdin: what Git gives to pre-push.
        onto: commits that are there, and below what is pushed.

    Raises:
        GitError: git-lfs is missing, an object is, or the server refused.
    """
    lines = [line for line in stdin.splitlines() if line.split()[-3].strip(b"0")]
    # What stands behind a ref at the remote is what git-lfs leaves out.
    start = lines[0].rpartition(b" ")[0] if lines else b""
    lines += (b"%s %s" % (start, oid.encode()) for oid in sorted(onto))
    _upload(repo, to, ("pre-push", to.name, to.url), b"".join(line + b"\n" for line in lines))


def send(repo: Repository, to: Target, objects: Iterable[str]) -> None:
    """Uploads objects by their names, whatever the remote is thought to have.

    Args:
        objects: their SHA-256 in hexadecimal; all of them are here.

    Raises:
        GitError: one did not arrive.
    """
    names = sorted(objects)
    for start in range(0, len(names), _AT_ONCE):
        some = names[start : start + _AT_ONCE]
        _upload(repo, to, ("push", "--object-id", to.name, *some))


def is_asked_for_locks(repo: Repository, to: Target, settings: config.Values) -> bool:
    """Tells whether `pre-push` may find locks of others, as no other upload does.

    A directory has none, nor a server of which git-lfs noted so (git-lfs-config,
    "lfs.<url>.locksverify").

    Args:
        settings: the variables `lfs.*` and `remote.*`.
    """
    committed = repo.work_tree and repo.work_tree / ".lfsconfig"
    if committed and committed.exists():
        return True
    if any(key.endswith((".lfsurl", ".lfspushurl")) for key in settings):
        return True
    if "lfs.url" in settings or "lfs.pushurl" in settings:
        return True
    if _directory(repo, to.url) or to.url.startswith("file://"):
        return False
    server = f"{to.url.rstrip('/').removesuffix('.git')}.git/info/lfs"
    return config.last(settings, f"lfs.{server}.locksverify") != "false"


def _directory(repo: Repository, url: str) -> Path | None:
    directory = (repo.work_tree or repo.git_dir) / url
    return directory if directory.is_dir() else None


def _is_server_named(repo: Repository, remote: str) -> bool:
    keys = ["lfs.url", "lfs.pushurl", f"remote.{remote}.lfsurl", f"remote.{remote}.lfspushurl"]
    values = config.read(repo, "(lfs|remote)")
    committed = repo.work_tree and repo.work_tree / ".lfsconfig"
    if committed and committed.is_file():
        # What git-lfs itself cannot read it refuses.
        said = repo.git("config", "--file", str(committed), "-z", "--list", accept=(0, 128))
        values |= config.parse(said)
    return any(config.last(values, key) for key in keys)


def _upload(repo: Repository, to: Target, words: Sequence[str], stdin: bytes = b"") -> None:
    lfs.require()
    strict = ("-c", "lfs.allowincompletepush=false")
    command = (*to.settings, *strict, "lfs", *words)
    with lfs.Transfer(repo, command, stdin=subprocess.PIPE) as upload:
        upload.communicate(stdin)
        upload.require("git-lfs could not upload all objects")
