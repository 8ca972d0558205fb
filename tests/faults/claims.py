"""What must hold after every fault: a message that helps, a sound repository, no leak."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from git_model_security.errors import FAILED, UNCHECKED
from tests.fixtures.processes import execute
from tests.fixtures.repositories import NO_HOOKS

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterable

    from tests.fixtures.repositories import Repository

MARKER = b"TOP-SECRET-WEIGHTS-7f3a"
"""Stands in every plaintext of these tests: wherever it turns up, that is a leak."""


GATES = ("audit", "status", "verify")


def failed(command: str) -> int:
    """Returns what a command ends with that could not do its work."""
    return UNCHECKED if command.split(maxsplit=1)[0] in GATES else FAILED


def told(done: subprocess.CompletedProcess[Any], *texts: str, status: int | None = 1) -> str:
    """Asserts that a command failed with words for a person; returns what it said.

    Args:
        done: the finished command.
        texts: what it must say, on either stream.
        status: its exit status; None is any but 0 (Git's own differ by command).
    """
    said = str(done.stdout) + str(done.stderr)
    assert done.returncode == status if status is not None else done.returncode != 0, said
    assert "Traceback" not in said, said
    assert "this is a bug" not in said, said
    for text in texts:
        assert text in said, said
    return said


def sound(repo: Repository) -> None:
    """Asserts that the repository is whole and that nobody holds its index."""
    done = repo.git.run("fsck", "--full", "--no-dangling", check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert not list(repo.path.rglob(".git/index.lock"))


def clean(repo: Repository) -> None:
    """Asserts that the repository is sound and its work tree what the index says."""
    sound(repo)
    assert repo.status() == ""


def sealed(*repos: Repository, marker: bytes = MARKER) -> None:
    """Asserts that no object and no file below a git directory holds plaintext."""
    for repo in repos:
        everything = ("cat-file", "--batch", "--batch-all-objects", "--unordered")
        objects = repo.git.run(*everything, text=False).stdout
        assert marker not in objects, f"plaintext is an object of {repo.path}"
        absolute = repo.git("rev-parse", "--path-format=absolute", "--git-common-dir")
        assert not holders([Path(absolute)], marker)


def holders(roots: Iterable[Path], marker: bytes = MARKER) -> list[Path]:
    """Returns the files below some directories that hold the marker as it is."""
    files = (path for root in roots for path in root.rglob("*") if path.is_file())
    return [path for path in files if marker in path.read_bytes()]


def no_plaintext(path: Path, marker: bytes = MARKER) -> None:
    """Asserts that a file is not there, or holds nothing of the plaintext."""
    assert not path.exists() or marker not in path.read_bytes()


def plumb(repo: Repository, path: str | bytes, content: bytes, mode: str = "100644") -> str:
    """Commits a blob as a client without filter, hooks or scruples does; returns its oid."""
    oid = repo.git("hash-object", "-w", "--stdin", "--no-filters", stdin=content)
    name = path.encode() if isinstance(path, str) else path
    entry = b"%s %s 0\t%s\0" % (mode.encode(), oid.encode(), name)
    repo.git("update-index", "-z", "--index-info", stdin=entry)
    commit(repo)
    return oid


def commit(repo: Repository) -> str:
    """Commits the index as it is, without any hook, and returns the commit."""
    parents = repo.git("rev-parse", "--verify", "--quiet", "HEAD", check=False).split()
    words = [word for parent in parents for word in ("-p", parent)]
    oid = repo.git("commit-tree", repo.git("write-tree"), *words, "-m", "by plumbing")
    repo.git(*NO_HOOKS, "update-ref", "HEAD", oid)
    return oid


def model(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[Any]:
    """Runs git-model by its name, as a user's shell does."""
    return execute("git", "model", *arguments, cwd=cwd, check=False)
