"""Stock git-lfs: the way of objects from and to a server.

All a caller has is pointer blobs: attributes, include patterns and the history of a
path do not matter here. Where objects live on this machine is `storage.lfs`.
"""

from __future__ import annotations

import functools
import re
import subprocess
import sys
import tempfile
from typing import IO, TYPE_CHECKING

from git_model_security import logs
from git_model_security.errors import GitError
from git_model_security.git import config
from git_model_security.git.paths import shown
from git_model_security.git.run import run

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from git_model_security.git.repository import Repository

INSTALL_HINT = (
    "install git-lfs 3.3 or newer: `apt install git-lfs`, `dnf install git-lfs`,"
    " `brew install git-lfs`, or https://git-lfs.com"
)

# `fetchinclude` and `fetchexclude` would leave objects out, `fetchrecentalways` would
# add whole branches to a download of a few files.
_SETTINGS = tuple(
    word
    for pair in ("fetchinclude=", "fetchexclude=", "fetchrecentalways=false")
    for word in ("-c", f"lfs.{pair}")
)
_AUTHOR = {
    f"GIT_{role}_{what}": value
    for role in ("AUTHOR", "COMMITTER")
    for what, value in (
        ("NAME", "git-model"),
        ("EMAIL", "git-model@localhost"),
        ("DATE", "@1 +0000"),
    )
}
_SHOWN_LINES = 2
_OID = re.compile(r"(?<=[0-9a-f]{12})[0-9a-f]{52}\d*")
_PASSWORD = re.compile(r"(?<=://)[^/@\s]*@")
_NOISE = (
    *("error: failed to", "errors logged to", "use `git lfs logs", "warning: current git"),
    *("git lfs upload failed", "hint: ", "uploading lfs objects", "downloading lfs objects"),
    *("fetch: fetching", "locking support detected"),
)
_HINTS = (
    (
        ("authentication", "authorization", "credentials", "forbidden"),
        "log in to the server: see `git help credentials`",
    ),
    (
        ("does not exist", "[404]", "not found", "remote missing object"),
        "ask whoever pushed it to run `git lfs push --all REMOTE`",
    ),
    (
        ("(missing)", "unable to find source", "missing or corrupt"),
        "`git lfs fetch --all` brings what is missing here from the server",
    ),
    (("expected oid", "unexpected eof"), "the server sent other bytes: try again, or tell it"),
    (
        ("timeout", "deadline"),
        "try again; `git config lfs.activitytimeout SECONDS` waits longer",
    ),
)


class Transfer(subprocess.Popen[bytes]):
    """A running git-lfs; what it complains about is kept, however long."""

    def __init__(
        self, repo: Repository, arguments: Sequence[str], *, stdin: int = subprocess.DEVNULL
    ) -> None:
        # A file and not a pipe: nobody may be reading while the filter does its work.
        logs.running(("git", *arguments))
        self._said: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long
        super().__init__(
            ("git", *arguments),
            cwd=repo.work_tree or repo.git_dir,
            env=repo.environment(),
            stdin=stdin,
            stdout=_progress(self._said),
            stderr=self._said,
        )

    def require(self, what: str = "git-lfs could not download all objects") -> None:
        """Waits for the end.

        Raises:
            GitError: it failed. Those objects that came are here.
        """
        if self.wait():
            raise _failure(what, self._said)


@functools.cache  # a hook asks more than once
def version() -> tuple[int, ...] | None:
    """Returns the version of git-lfs as numbers, or None when it is not installed."""
    words = run("lfs", "version", accept=(0, 1))  # git: 'lfs' is not a git command
    found = re.match(rb"git-lfs/(\d+(?:\.\d+)*)", words)
    return tuple(map(int, found[1].split(b"."))) if found else None


def is_installed() -> bool:
    """Tells whether `git lfs` runs."""
    return version() is not None


def require() -> None:
    """Raises a GitError where git-lfs is not installed."""
    if not is_installed():
        raise GitError("git-lfs is not installed", hint=INSTALL_HINT)


def start_fetch(repo: Repository, oids: Iterable[str]) -> Transfer:
    """Starts one download of the objects behind pointer blobs; see `fetch`."""
    require()
    chosen = remote(repo)
    if chosen is None:
        raise GitError(
            "there is no remote to download git-lfs objects from",
            hint="`git remote add origin URL`",
        )
    fetching = ("lfs", "fetch", "--include=", "--exclude=", "--", chosen, _commit(repo, oids))
    return Transfer(repo, (*_SETTINGS, *_first_address(repo, chosen), *fetching))


def _first_address(repo: Repository, name: str) -> Sequence[str]:
    """Returns the settings by which git-lfs fetches from where Git does.

    Of several values of `remote.NAME.url` Git takes the first, and git-lfs the last.
    """
    urls = config.read(repo, "remote").get(f"remote.{name}.url", [])
    return ("-c", f"remote.{name}.url={urls[0]}") if len(urls) > 1 else ()


def fetch(repo: Repository, oids: Iterable[str]) -> None:
    """Downloads the objects behind pointer blobs, in one batch, from `remote`.

    Raises:
        GitError: git-lfs is missing, there is no remote, or not all objects came.
            Then the caller looks which are here.
    """
    with start_fetch(repo, oids) as download:
        download.require()


def remote(repo: Repository) -> str | None:
    """Returns the remote that git-lfs downloads from, chosen as git-lfs does.

    That of the current branch, else `remote.lfsdefault`, else the only one, else
    `origin` (git-lfs-config, "remote.lfsdefault"); None when there is none.
    """
    values = config.read(repo, "(branch|remote)")
    head = repo.git("symbolic-ref", "--quiet", "--short", "HEAD", accept=(0, 1))
    branch = head.decode("utf-8", "surrogateescape").rstrip("\n")
    remotes = {
        key.removeprefix("remote.").removesuffix(".url")
        for key in values
        if key.startswith("remote.") and key.endswith(".url")
    }
    wanted = [
        config.last(values, f"branch.{branch}.remote") if branch else None,
        config.last(values, "remote.lfsdefault"),
        *(remotes if len(remotes) == 1 else ("origin",)),
    ]
    # `.` is this repository itself (git-config, "branch.<name>.remote").
    return next((name for name in wanted if name in remotes and name != "."), None)


def _commit(repo: Repository, oids: Iterable[str]) -> str:
    """Returns a commit that holds just these blobs, and that no ref names.

    It is the same commit each time, and Git removes it some day with its garbage.
    """
    entries = "".join(
        f"100644 blob {oid}\t{number}\n" for number, oid in enumerate(dict.fromkeys(oids))
    )
    tree = repo.git("mktree", stdin=entries.encode()).decode().strip()
    made = repo.git("commit-tree", "--no-gpg-sign", tree, stdin=b"objects", extra=_AUTHOR)
    return made.decode().strip()


def _progress(said: IO[bytes]) -> int:
    """Returns where the standard output goes: progress, and of pre-push also errors.

    Ours may be the pipe to Git.
    """
    return sys.stderr.fileno() if sys.stderr.isatty() else said.fileno()


def _failure(what: str, said: IO[bytes]) -> GitError:
    """Returns the error of a command of git-lfs, with the last of what it said."""
    said.seek(0)
    lines = list(dict.fromkeys(_told(said.read().decode("utf-8", "replace"))))
    reason = "; ".join(lines[-_SHOWN_LINES:])
    more = f" (and {len(lines) - _SHOWN_LINES} lines more)" * (len(lines) > _SHOWN_LINES)
    # Nothing was kept where pre-push wrote to the terminal, which it does of those.
    lower = reason.lower() or "(missing)"
    hint = next(
        (hint for words, hint in _HINTS if any(word in lower for word in words)),
        "see `git lfs logs last` and `git lfs env`; what came stays, so try again",
    )
    return GitError(f"{what}: {reason or 'see above'}{more}", hint=hint)


def _told(text: str) -> Iterable[str]:
    """Yields what git-lfs says on a failure, safe for a terminal, without passwords."""
    for line in text.splitlines():
        if line.strip() and not line.strip().lower().startswith(_NOISE):
            yield _OID.sub("", _PASSWORD.sub("", shown(line.strip().encode())))
