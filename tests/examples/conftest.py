"""A classifier that examples/train has made, its keys, and its ciphertext."""

from __future__ import annotations

import os
import re
import shutil
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from tests.fixtures.copies import copied
from tests.fixtures.isolation import GITCONFIG
from tests.fixtures.people import Person
from tests.fixtures.processes import execute
from tests.fixtures.repositories import Repository
from tests.fixtures.tracked import ROOT

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

EXAMPLES = ROOT / "examples"


def commands(example: str, block: int) -> str:
    """Returns an indented block of a README, which a shell takes as it stands."""
    blocks = [[""]]
    for line in (EXAMPLES / example / "README.md").read_text().splitlines():
        if line.startswith("    "):
            blocks[-1].append(line.strip())
        elif blocks[-1][1:]:
            blocks.append([""])
    return "\n".join(blocks[block]) + "\n"


@dataclass(frozen=True)
class Scene:
    """A directory in which somebody tries the examples.

    Attributes:
        path: holds `granite`, a repository; `v1`, its ciphertext; `aes256.bin`, `signer.pub`,
            and `examples`.
        env: of whoever made them.
    """

    path: Path
    env: dict[str, str]

    @property
    def granite(self) -> Repository:
        return Repository(self.path / "granite", self.env)

    def run(self, *argv: str | Path, **options: Any) -> subprocess.CompletedProcess[Any]:
        """Runs a program here; see `execute`."""
        env = {**self.env, **options.pop("env", {})}
        return execute(*argv, **{"cwd": self.path, **options, "env": env})

    def shell(self, text: str, **options: Any) -> subprocess.CompletedProcess[Any]:
        """Runs what a person would type."""
        return self.run("sh", "-eu", stdin=text, **options)


def damage(file: Path) -> None:
    """Changes one bit, near the end."""
    content = file.read_bytes()
    file.write_bytes(content[:-9] + bytes([content[-9] ^ 1]) + content[-8:])


def files(*places: Path) -> set[Path]:
    """Returns all that is below some directories."""
    return {path for place in places for path in place.rglob("*")}


def _scene(directory: Path, bin_directory: Path) -> Scene:
    # The interpreter of the tests is `python`, as in an environment that is activated.
    path = os.pathsep.join((str(bin_directory), f"{sys.prefix}/bin", os.environ["PATH"]))
    return Scene(directory, {**Person("ada", directory / "home").env, "PATH": path})


@pytest.fixture(scope="session")
def trained(
    tmp_path_factory: pytest.TempPathFactory, bin_directory: Path, git_template: Path
) -> Path:
    """What the README of examples/train makes; a directory to copy."""
    directory = tmp_path_factory.mktemp("trained")
    (directory / "home").mkdir()
    (directory / "home" / ".gitconfig").write_text(GITCONFIG)
    (directory / "examples").symlink_to(EXAMPLES)
    made = _scene(directory, bin_directory)
    said = made.shell(commands("train", 0)).stdout
    losses = re.findall(r"(?m)^\d\.\d+$", said)
    (directory / "losses").write_text("\n".join(losses))
    made.granite.model("key", "export", "../aes256.bin")
    made.granite.model("key", "export", "--public", "../signer.pub")
    made.granite.model("export", "--encrypted", "HEAD", "../v1")
    return directory


@pytest.fixture
def scene(trained: Path, tmp_path: Path, bin_directory: Path) -> Scene:
    """A copy, to work on."""
    here = tmp_path / "scene"
    copied(trained / "granite", here / "granite")
    for name in ("home", "v1"):
        shutil.copytree(trained / name, here / name, symlinks=True)
    for name in ("aes256.bin", "signer.pub", "losses"):
        shutil.copy2(trained / name, here / name)
    (here / "examples").symlink_to(EXAMPLES)
    return _scene(here, bin_directory)
