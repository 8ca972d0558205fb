"""Repositories and clones of git-model and of git-lfs, made alike."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.large import content, turns

if TYPE_CHECKING:
    from benchmarks.place import Place

LARGE = "model.safetensors"
CHECKOUT = ("git", "checkout", "--quiet", "--force", "main")
_ATTRIBUTES = "*.safetensors filter=lfs diff=lfs merge=lfs -text\n"
_SKIP = {"GIT_MODEL_SKIP_SMUDGE": "1", "GIT_LFS_SKIP_SMUDGE": "1"}
VERIFY_OFF = {"GIT_MODEL_VERIFY": "off"}


@dataclass(frozen=True)
class Peer:
    """One way of keeping large files; `digest` is git-model's, None means git-lfs."""

    place: Place
    digest: str | None = None

    @property
    def name(self) -> str:
        return f"git-model {self.digest}" if self.digest else "git-lfs"

    def repository(self, name: str, source: Path) -> Path:
        """Makes a repository with content in its work tree, not yet added."""
        repository = self.place.repository(name)
        if self.digest is None:
            self.place.run("git", "lfs", "install", "--local", "--skip-repo", cwd=repository)
            (repository / ".gitattributes").write_text(_ATTRIBUTES)
        else:
            options = ("--profile", "all", "--storage", "lfs", "--digest", self.digest)
            self.place.run("git-model", "init", *options, cwd=repository)
        content.link(source, repository / LARGE if source.is_file() else repository)
        return repository

    def committed(self, name: str, source: Path) -> Path:
        """Makes a repository with content committed."""
        repository = self.repository(name, source)
        self.place.run("git", "add", ".", cwd=repository)
        self.place.run("git", "commit", "--quiet", "-m", "all of it", cwd=repository)
        return repository

    def clone(self, source: Path, name: str, *, trusting: bool = False) -> Path:
        """Clones with all objects at hand, and nothing in the work tree yet.

        Args:
            source: the repository to clone.
            name: of the clone.
            trusting: pin the signer, so that a checkout is verified.
        """
        clone = self.place.directory / name
        run = self.place.run
        run("git", "clone", "--quiet", "--no-checkout", str(source), name, cwd=clone.parent)
        objects = source / ".git" / "lfs" / "objects"
        content.link(objects, clone / ".git" / "lfs" / "objects")
        run("git", "read-tree", "HEAD", cwd=clone)
        if self.digest is None:
            run("git", "lfs", "install", "--local", "--skip-repo", cwd=clone)
            return clone
        trust: tuple[str, ...] = ()
        if trusting:
            public = self.place.directory / f"{name}.pub"
            run("git-model", "key", "export", "--public", str(public), cwd=source)
            trust = ("--public-key", str(public))
        # The key is in the keyring of this home. Nothing is to be written yet.
        run("git-model", "unlock", *trust, cwd=clone, env=_SKIP)
        for file in trust[1:]:
            Path(file).unlink()
        return clone

    def pointers(self, clone: Path) -> None:
        """Checks out pointers, as a clone does that was told to skip the filter."""
        self.place.run(*CHECKOUT, cwd=clone, env={**_SKIP, **VERIFY_OFF})


def stored_bytes(repository: Path) -> int:
    """Returns how much a repository keeps in git-lfs objects."""
    objects = (repository / ".git" / "lfs" / "objects").rglob("*")
    return sum(path.stat().st_size for path in objects if path.is_file())


def remove(path: Path) -> None:
    """Removes a repository after its turn."""
    shutil.rmtree(path)
    turns.settle()
