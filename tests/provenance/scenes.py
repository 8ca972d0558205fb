"""What the scenes of provenance are told with: a few deeds, and the verdict on a commit.

A scene ends with a commit or a signature, and one of two verdicts: `SIGNED`, the commit was
made and verifies, or `asked(PATHS)`, a person is to look at just these paths first. A commit
is made also then, unsigned; `git model sign --amend` refuses.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from tests.fixtures.repositories import Repository

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

    from tests.fixtures.people import Project

    Said = subprocess.CompletedProcess[Any]

MODEL = "model.safetensors"
"""A protected file; `config.json` and `other.bin` are two more."""
CODE = "train.py"
"""A clear file; `README.md` and `old.txt` are two more."""
TOOL = ".tools/run.py"
"""A clear file that only strangers bring."""
NEW = "experiment.py"
"""A clear file that a colleague's draft has."""

TEXT = "".join(f"line number {number} of the text\n" for number in range(20))
EVIL_LINE = "import os; os.system('evil thing')\n"
OWN_LINE = "own line here\n"
_CONFIG = """\
{
  "layers": %d,
  "heads": 4,
  "mid": 1,
  "other": 2,
  "more": 3,
  "width": %d
}
"""

LFS_OPTIONS = ("--storage", "lfs", "--threshold", "1")
"""Options of `init` where all ciphertext goes into git-lfs."""
BY_FILE = ("-c", "protocol.file.allow=always")
"""Options of git where a submodule is a directory of this machine."""


def config(*, layers: int = 2, width: int = 8) -> str:
    """Returns a `config.json`; two changes of it, one of each value, can be merged."""
    return _CONFIG % (layers, width)


def weights(version: int) -> bytes:
    """Returns content of a weights file that has nothing in common with another version."""
    return random.Random(version).randbytes(6000)


def append(repo: Repository, path: str, line: str) -> None:
    """Adds a line at the end of a text."""
    repo.write(path, repo.read(path) + line.encode())


def prepend(repo: Repository, path: str, line: str) -> None:
    """Adds a line at the top of a text."""
    repo.write(path, line.encode() + repo.read(path))


def readme(repo: Repository, word: str = "x") -> None:
    """Adds a line of one's own to the README: as innocent as a change can be."""
    append(repo, "README.md", f"more {word}\n")


def push(stranger: Repository, *branches: str, message: str = "Nothing to see here") -> None:
    """Commits all that a stranger did, and pushes it past the hooks; to main, unless told."""
    stranger.git("add", "--all")
    stranger.git("commit", "--message", message)
    send(stranger, *branches)


def send(stranger: Repository, *branches: str) -> None:
    """Pushes a stranger's commit past the hooks; to main, unless told."""
    send_objects(stranger)
    refs = [f"HEAD:{branch}" for branch in branches or ("main",)]
    stranger.git("push", "--no-verify", "--force", "origin", *refs)


def stores_in_lfs(repo: Repository) -> bool:
    """Tells whether the ciphertext of a project is in git-lfs: of a stranger's, nothing is."""
    policy = repo.path / ".gitmodel"
    return policy.exists() and b"engine = lfs" in policy.read_bytes()


def send_objects(stranger: Repository) -> None:
    """Uploads the git-lfs objects of a stranger's commit, where there are any."""
    if stores_in_lfs(stranger):
        stranger.git("lfs", "push", "origin", "HEAD")


def forge(stranger: Repository, *branches: str) -> None:
    """Publishes forged weights; on a branch called `evil`, unless told."""
    stranger.write(MODEL, weights(66))
    push(stranger, *(branches or ("evil",)))


def bring_tool(stranger: Repository, *branches: str) -> None:
    """Publishes a clear file that was not there before; on `evil`, unless told."""
    stranger.write(TOOL, TEXT.replace("text", "evil text"))
    push(stranger, *(branches or ("evil",)))


def change_code(stranger: Repository, *branches: str, line: str = EVIL_LINE) -> None:
    """Publishes a line more at the end of the code; on `evil`, unless told."""
    append(stranger, CODE, line)
    push(stranger, *(branches or ("evil",)))


def publish(trusted: Repository, version: int = 1) -> None:
    """Has a trusted colleague work on top of main: signed, and pushed."""
    trusted.git("pull")
    prepend(trusted, "README.md", f"bob {version}\n")
    trusted.write("other.bin", weights(100 + version))
    trusted.commit()
    trusted.git("push")


def sign_when_pushing(repo: Repository) -> None:
    """Has commits of the project stay unsigned until they are pushed."""
    repo.model("config", "signing.when", "push")
    repo.commit("Sign at the push")
    repo.model("sign", "--amend")
    repo.git("push")


def lose_memory(repo: Repository) -> None:
    """Deletes what this clone has recorded."""
    for file in (repo.path / ".git" / "git-model").glob("memory*"):
        file.unlink()


def signing_key(home: Path) -> Path:
    """Returns the file of somebody's private key."""
    return next((home / ".config" / "git-model").rglob("*.pem"))


def shallow_clone(project: Project, home: Path, *, depth: int) -> Repository:
    """Clones a part of the history for Ada, who signs there too."""
    path = project.ada.path.parent / "shallow"
    url = f"file://{project.remote.path}"
    project.ada.git("clone", "--depth", str(depth), url, path)
    clone = Repository(path)
    keys = ("--key", str(project.key), "--signing-key", str(signing_key(home)))
    clone.model("unlock", *keys)
    return clone


def with_submodule(directory: Path) -> Repository:
    """Makes a repository of Ada's, with a submodule of two commits staged, and its remote."""
    outer = Repository(directory / "outer")
    inner = Repository(directory / "inner")
    remote = directory / "outer.git"
    inner.write("file", "1")  # makes its directory
    inner.git("init")
    inner.commit("One")
    inner.write("file", "2")
    inner.commit("Two")
    outer.write("models/m.safetensors", weights(1))
    outer.write("README.md", TEXT)
    outer.git("init")
    outer.git("init", "--bare", remote)
    outer.git("remote", "add", "origin", remote)
    outer.model("init", "--model-root", "models")
    outer.commit("First")
    outer.git(*BY_FILE, "submodule", "add", inner.path, "sub")
    return outer


@dataclass(frozen=True)
class Verdict:
    """What became of a commit: signed, or the paths that a person is asked about."""

    is_signed: bool
    paths: frozenset[str] = frozenset()


SIGNED = Verdict(is_signed=True)


def asked(*paths: str) -> Verdict:
    """Returns the verdict that just these paths are to be looked at."""
    return Verdict(is_signed=False, paths=frozenset(paths))


def commit(repo: Repository) -> Said:
    """Commits all that is in the work tree: that is made in any case."""
    repo.git("add", "--all")
    return repo.git.run("commit", "--message", "Change")


def sign(repo: Repository) -> Said:
    """Puts a signature into HEAD, or not."""
    return repo.model("sign", "--amend", check=False)


def verdict(repo: Repository, said: Said) -> Verdict:
    """Returns what became of HEAD, from its signature and from what a command said of it."""
    lines = said.stderr.splitlines()
    # Git clears its progress with blanks.
    listed = (line for line in lines if line.startswith("  ") and line.strip())
    paths = frozenset(line[2:].split(" (")[0] for line in listed)
    is_signed = repo.model("verify", "HEAD", check=False).returncode == 0
    if not is_signed and not paths:
        pytest.fail(f"neither signed nor asked, {said.returncode}:\n{said.stdout}{said.stderr}")
    if not is_signed:
        assert "without a trusted signature" in said.stderr
        assert "git model sign --adopt PATH" in said.stderr
        assert ("this commit is not signed" in said.stderr) == (said.returncode == 0)
    return Verdict(is_signed, paths)
