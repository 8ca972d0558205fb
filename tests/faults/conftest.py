"""A small model repository with everything set up, copied anew for each test."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from tests.faults.claims import MARKER
from tests.fixtures.copies import copied
from tests.fixtures.processes import execute
from tests.fixtures.repositories import Repository

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fixtures.repositories import CloneFactory

SEGMENT_BYTES = 1 << 20
WEIGHTS = MARKER + bytes(range(256)) * ((2 * SEGMENT_BYTES + 5000) // 256)
"""Three segments of plaintext."""
CONTENT = {
    "model.safetensors": WEIGHTS,
    "config.json": b'{"secret": "%s"}\n' % MARKER,
    "sub/vocab.txt": b"one\ntwo\n" + MARKER + b"\n",
    "empty.txt": b"",
}


@dataclass(frozen=True)
class Established:
    """A set-up repository with one signed commit, pushed; and what to give to others.

    Attributes:
        repo: the work tree of the author, unlocked.
        remote: the bare repository it was pushed to.
        key: a file with the AES key.
        public: a file with the public key of the signer.
    """

    repo: Repository
    remote: Repository
    key: Path
    public: Path

    @property
    def keys(self) -> tuple[str, ...]:
        """Options of `unlock` for somebody who has the key and trusts the author."""
        return ("--key", str(self.key), "--public-key", str(self.public))

    @property
    def key_id(self) -> str:
        """The id of the AES key."""
        return self.repo.git("config", "git-model.keyId")

    def push(self) -> None:
        """Pushes past every hook, as a stranger's client does."""
        self.repo.git("push", "--quiet", "--no-verify", "--force", "origin", "HEAD:main")


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory, bin_directory: Path) -> Path:
    """A directory with a set-up repository, its remote, its keys and the keyring.

    Made once: nothing in it names its own place but `origin`, which copies set anew.
    """
    directory = tmp_path_factory.mktemp("template")
    (directory / "home").mkdir()
    settings = directory / "home" / ".gitconfig"
    settings.write_text(
        "[user]\n\tname = Ada Tester\n\temail = ada@example.com\n"
        "[init]\n\tdefaultBranch = main\n[maintenance]\n\tauto = false\n"
    )
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("GIT_")]:
            patch.delenv(name)
        patch.setenv("HOME", str(directory / "home"))
        patch.setenv("XDG_CONFIG_HOME", str(directory / "home" / ".config"))
        patch.setenv("GIT_CONFIG_GLOBAL", str(settings))
        patch.setenv("GIT_CONFIG_NOSYSTEM", "1")
        _establish(directory)
    return directory


def _establish(directory: Path) -> None:
    repo, remote = Repository(directory / "repo"), Repository(directory / "remote.git")
    execute("git", "init", "--quiet", repo.path)
    execute("git", "init", "--quiet", "--bare", remote.path)
    for path, content in CONTENT.items():
        repo.write(path, content)
    # The envelope is the blob: that is what these tests damage.
    repo.model("init", "--storage", "inline")
    repo.commit("The model")
    repo.model("key", "export", str(directory / "aes256.bin"))
    repo.model("key", "export", "--public", str(directory / "signer.pub"))
    repo.git("remote", "add", "origin", str(remote.path))
    repo.git("push", "--quiet", "--set-upstream", "origin", "main")


@pytest.fixture
def made(template: Path, tmp_path: Path, home: Path) -> Established:
    """The set-up repository; its author's keyring is in the home of this test."""
    repo = copied(template / "repo", tmp_path / "repo")
    remote = copied(template / "remote.git", tmp_path / "remote.git")
    for name in ("aes256.bin", "signer.pub"):
        shutil.copy2(template / name, tmp_path / name)
    kept = template / "home" / ".config" / "git-model"
    shutil.copytree(kept, home / ".config" / "git-model")
    repo.git("remote", "set-url", "origin", str(remote.path))
    return Established(repo, remote, tmp_path / "aes256.bin", tmp_path / "signer.pub")


@pytest.fixture
def keyless(made: Established, home: Path) -> Established:
    """The same, with an empty keyring: what a newcomer has who was sent both files."""
    shutil.rmtree(home / ".config" / "git-model")
    return made


@pytest.fixture
def locked(keyless: Established, clone: CloneFactory) -> Repository:
    """A newcomer's plain clone, where the filter is installed and there is no key."""
    execute("git", "model", "install")
    return clone(keyless.remote.path, "locked")
