"""`git model clone`: clone, unlock, check out and verify in one go."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from git_model_security import messages
from git_model_security.errors import GitError
from git_model_security.git import index, refs, worktree
from git_model_security.git.repository import Repository
from git_model_security.git.run import child_environment, run
from git_model_security.keyring import key_material
from git_model_security.setup import unlock
from git_model_security.trust import anchors

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from git_model_security.checkout.materialise import Progress

_BY_HAND = {"GIT_MODEL_SKIP_SMUDGE": "1", "GIT_MODEL_VERIFY": "off"}
"""Git writes pointers, which are replaced after it; only then can anything be verified."""


@dataclass(frozen=True)
class Source:
    """What is cloned, and where to; `files` describe the signers, see `anchors`."""

    url: str
    directory: Path | None
    options: Sequence[str]
    files: Sequence[Path] = ()


def clone(
    source: Source, request: unlock.Request, progress: Progress | None = None
) -> tuple[Repository, unlock.Unlocked]:
    """Clones a repository and unlocks it.

    Nothing is checked out before the clone may decrypt and knows whom to trust,
    so each file is written once and the first checkout is verified.

    Raises:
        GitError: Git could not clone, or not write all files; the clone stays, unlocked.
        Error: see `unlock.unlock`; the clone stays, locked.
    """
    # Before anything is fetched: a mistyped file name should not cost a download.
    if request.key is not None:
        key_material.read(request.key)
    with fetched(source) as repo:
        pass  # from here on it stays, whatever happens
    if index.head_tree(repo) is None:
        _require_empty(repo)
        return repo, unlock.Unlocked(lines=["the repository is empty: `git model init` it"])
    repo.git("read-tree", "HEAD")
    staged = index.staged(repo)
    try:
        done = unlock.permit(repo, staged, request)
    except Exception:
        # What a plain `git clone` leaves: ciphertext in the work tree.
        repo.git("checkout", "--quiet", "--force", "HEAD", show=True, accept=(0, 1, 128))
        messages.warn(
            f"{repo.top} is cloned, and locked",
            "`git model unlock --key FILE` in it, with the key of this repository",
        )
        raise
    problem = _check_out(repo)
    present = [entry for entry in staged if index.is_there(repo, entry)]
    done.report = unlock.decrypt(repo, present, progress)
    failed = {failure.path for failure in done.report.failed} | set(done.report.pointers)
    done.report.written = [entry.path for entry in present if entry.path not in failed]
    if problem is not None:
        raise problem
    return repo, done


@contextlib.contextmanager
def fetched(source: Source, *options: str) -> Iterator[Repository]:
    """Clones with Git, and lets it write no file; `options` come before the user's.

    Removes it all again when what is done with it fails: half a deployment is none. Only
    what this process made is removed. Git clones into no directory that has any files, and
    removes itself what it leaves when it fails.

    Raises:
        GitError: Git could not, or the directory is in use.
        ConfigError: one of the signers' files lies in a checkout of what was cloned.
    """
    target = source.directory or Path(_humanish(source.url))
    with _claimed(target):
        words = ("clone", "--no-checkout", *options, *source.options)
        words += ("--", source.url, str(target))
        run(*words, env=child_environment(local=False), show=True)
        try:
            repo = Repository.discover(target, local=False)
            # Only now it can be told what is another checkout of this repository.
            anchors.require_outside(repo, source.files)
            yield repo
        except BaseException:
            for path in target.iterdir():
                is_directory = path.is_dir() and not path.is_symlink()
                shutil.rmtree(path) if is_directory else path.unlink()
            raise


@contextlib.contextmanager
def _claimed(target: Path) -> Iterator[None]:
    """Holds an empty directory against other processes; on failure, removes what it made.

    By a lock on the directory itself, which goes with the process: one that the user made is
    empty for another process too, and its parent may be nobody's to write to.
    """
    made: list[Path] = []
    try:
        _make(target, made)
        with _locked(target):
            _require_free(target)
            yield
    except BaseException:
        for path in made:
            with contextlib.suppress(OSError):  # gone already, or in use
                path.rmdir()
        raise


def _make(target: Path, made: list[Path]) -> None:
    """Makes a directory and its parents; notes those that were not there, deepest first."""
    _require_free(target)
    try:
        for path in (*reversed(target.parents), target):
            if not path.exists():
                path.mkdir()
                made.insert(0, path)
    except FileExistsError:
        raise _in_use(target) from None
    except OSError as error:
        raise GitError(f"{target}: cannot be made: {messages.reason(error)}") from error


@contextlib.contextmanager
def _locked(target: Path) -> Iterator[None]:
    try:
        held = os.open(target, os.O_RDONLY | os.O_DIRECTORY)
    except FileNotFoundError:
        raise _in_use(target) from None  # another made it, failed, and removed it
    try:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise _in_use(target) from None
        except OSError:
            pass  # a file system without locks; Git refuses what is not empty
        if not target.exists() or not os.path.samestat(os.fstat(held), target.stat()):
            raise _in_use(target)
        yield
    finally:
        os.close(held)


def _in_use(target: Path) -> GitError:
    return GitError(
        f"{target}: another process clones into it",
        hint="wait for it to end, or name another directory",
    )


def _require_free(target: Path) -> None:
    if target.is_dir():
        taken = "is not empty" if any(target.iterdir()) else ""
    else:
        taken = "is no directory" if os.path.lexists(target) else ""
    if taken:
        raise GitError(f"{target}: exists and {taken}", hint="name another directory")


def _require_empty(repo: Repository) -> None:
    """Raises when the host's HEAD only names a branch that is not there."""
    prefix = b"refs/remotes/origin/"
    named = (ref.name.removeprefix(prefix) for ref in refs.read(repo, prefix))
    names = [name.decode("utf-8", "replace") for name in named if name != b"HEAD"]
    if names:
        raise GitError(
            f"{repo.top}: nothing was checked out: the host's HEAD names a branch that is not"
            f" there; there are {', '.join(map(repr, names))}",
            hint="remove that directory and clone with `-b BRANCH`",
        )


def _check_out(repo: Repository) -> GitError | None:
    """Has Git write the files, pointers as they are; returns what was in the way of some."""
    try:
        # HEAD, not the branch by name: the host chose it, and it may read like an option.
        words = ("checkout", "--quiet", "--force", "HEAD", "--")
        repo.git(*words, filters=True, show=True, extra=_BY_HAND)
    except GitError as stopped:
        # Git stops at the first file that does not decrypt; this names it and goes on.
        wanted = (entry for entry in index.staged(repo) if entry.is_file)
        missing = [entry.path for entry in wanted if not index.is_there(repo, entry)]
        try:
            worktree.rewrite(repo, missing, extra=_BY_HAND)
        except GitError as named:
            return named
        return stopped
    return None


def _humanish(url: str) -> str:
    """Returns the directory that `git clone` would choose (git-clone, "<directory>")."""
    name = url.rstrip("/")
    name = name.removesuffix("/.git").removesuffix(".git").rstrip("/")
    return name.replace("\\", "/").rsplit("/", 1)[-1].rsplit(":", 1)[-1] or os.curdir
