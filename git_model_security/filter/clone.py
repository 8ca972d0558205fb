"""What the filter knows of the clone it runs in, each fact found when first asked."""

from __future__ import annotations

import os
import tempfile
from functools import cached_property
from typing import TYPE_CHECKING, BinaryIO, cast

from git_model_security.filter.database import Memory
from git_model_security.filter.digests import CLEAR, DigestCache
from git_model_security.filter.provenance import Provenance
from git_model_security.git import attributes, config, index
from git_model_security.git.objects import ObjectReader
from git_model_security.git.repository import Repository
from git_model_security.keyring import ring
from git_model_security.storage.inline import Inline

if TYPE_CHECKING:
    from git_model_security.keyring.ring import Ring
    from git_model_security.storage import Engine

SPOOL_MEMORY_BYTES = 8 << 20
"""Ciphertext beyond this waits in an unlinked file under the git common dir."""


class Clone:
    """One clone, for the length of one process."""

    def __init__(self, repo: Repository | None = None) -> None:
        self.repo = repo or Repository.discover()
        self.objects = ObjectReader(self.repo)

    @cached_property
    def top(self) -> bytes:
        """Top of the work tree, as bytes like the paths below it."""
        return os.fsencode(self.repo.top)

    @cached_property
    def settings(self) -> config.Values:
        """The `git-model.*` variables of the configuration."""
        return config.read(self.repo)

    @cached_property
    def ring(self) -> Ring:
        """The keys this clone may use."""
        return ring.of(self.repo, self.settings)

    @property
    def digest(self) -> str:
        """The digest that signatures are made over."""
        return config.last(self.settings, "git-model.digest") or "sha256"

    @cached_property
    def engine(self) -> Engine:
        """Where ciphertext lives."""
        return Inline()

    @cached_property
    def memory(self) -> Memory:
        """The clone's memory."""
        return Memory(self.repo)

    @cached_property
    def digests(self) -> DigestCache:
        """The digest cache."""
        return DigestCache(self.memory)

    @cached_property
    def has_replacements(self) -> bool:
        """Whether replace refs are here, so that Git may show one blob for another."""
        return bool(self.repo.git("for-each-ref", "--count=1", "refs/replace"))

    def knows(self, oid: str) -> bool:
        """Tells whether this clone sealed or opened a blob itself, so that it is ciphertext."""
        known = self.digests.get(oid)
        return known is not None and known.key_id != CLEAR

    @cached_property
    def provenance(self) -> Provenance:
        """The record of what was cleaned here."""
        return Provenance(self.memory)

    @cached_property
    def staged(self) -> dict[bytes, str]:
        """Oids by path in the index, as it was when this process first looked.

        Git holds the index lock while it cleans, so it does not change under us.
        """
        return {entry.path: entry.oid for entry in index.staged(self.repo)}

    @cached_property
    def committed(self) -> set[str]:
        """Oids of the blobs at protected paths of the index and of HEAD."""
        paths = dict.fromkeys(self.staged)
        pairs = list(self.staged.items())
        if index.head_tree(self.repo):
            head = index.tree(self.repo, "HEAD")
            pairs += [(entry.path, entry.oid) for entry in head]
            paths |= dict.fromkeys(entry.path for entry in head)
        guarded = attributes.protected(self.repo, paths)
        return {oid for path, oid in pairs if path in guarded}

    @cached_property
    def _spool_directory(self) -> str:
        directory = self.repo.state_dir / "tmp"
        directory.mkdir(mode=0o700, exist_ok=True)
        return str(directory)

    def spool(self) -> BinaryIO:
        """Returns a place for ciphertext: memory first, then an unlinked file."""
        spooled = tempfile.SpooledTemporaryFile(  # noqa: SIM115 - the caller closes it
            SPOOL_MEMORY_BYTES, dir=self._spool_directory
        )
        return cast("BinaryIO", spooled)
