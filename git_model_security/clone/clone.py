"""What one command knows of the clone it runs in, each fact found when first asked."""

from __future__ import annotations

import os
from functools import cached_property
from typing import TYPE_CHECKING

from git_model_security.clone.database import Delivered, Judgements, Memory
from git_model_security.clone.digests import CLEAR, DigestCache
from git_model_security.clone.provenance import Provenance
from git_model_security.errors import ConfigError, GitError, PolicyError
from git_model_security.git import attributes, batch, config, index, refs
from git_model_security.git.repository import Repository
from git_model_security.keyring import ring
from git_model_security.policy import pinned
from git_model_security.storage import LFS
from git_model_security.storage.lfs import ObjectStore

if TYPE_CHECKING:
    from collections.abc import Collection
    from concurrent.futures import ThreadPoolExecutor

    from git_model_security.keyring.ring import Ring

DEFAULT_THRESHOLD_BYTES = 1 << 20
DIRECT_THRESHOLD_BYTES = 512 << 20
SKIP_SMUDGE = "git-model.skipsmudge"
VERIFY = "git-model.verify"
ENFORCE, WARN, OFF = "enforce", "warn", "off"


class Clone:
    """One clone, for the length of one process; a context manager, which ends what it began."""

    def __init__(self, repo: Repository | None = None) -> None:
        self.repo = repo or Repository.discover()
        self.objects = self.repo.objects

    def __enter__(self) -> Clone:
        return self

    def __exit__(self, *_: object) -> None:
        self.objects.close()
        if "memory" in vars(self):
            self.memory.close()

    @cached_property
    def settings(self) -> config.Values:
        """The `git-model.*`, `lfs.*`, `remote.*` and `hook.*` variables."""
        return config.read(self.repo, "(git-model|lfs|remote|hook)")

    @cached_property
    def ring(self) -> Ring:
        """The keys this clone may use."""
        return ring.of(self.repo, self.settings)

    @property
    def digest(self) -> str:
        """The digest that signatures are made over."""
        return config.last(self.settings, "git-model.digest") or "sha256"

    @cached_property
    def lfs(self) -> ObjectStore:
        """The objects of git-lfs in this clone."""
        return ObjectStore.of(self.repo, self.settings)

    @cached_property
    def threshold(self) -> int | None:
        """Length in bytes from which on a plaintext becomes an object; None means never."""
        if config.last(self.settings, "git-model.storage") != LFS:
            return None
        return config.number(self.settings, "git-model.threshold", DEFAULT_THRESHOLD_BYTES)

    def makes_object(self, plaintext_bytes: int, path: bytes = b"") -> bool:
        """Tells whether a plaintext of this length becomes an object of git-lfs.

        A signature never does: the commit that makes it puts it into Git. Were it another blob
        when Git looks at the file again, it would show as modified, and stop a rebase.
        """
        is_long = self.threshold is not None and plaintext_bytes >= self.threshold
        return is_long and path not in self.signatures

    @cached_property
    def signatures(self) -> set[bytes]:
        """The paths of signatures, by the policy that was taken over; none without one."""
        try:
            policy = pinned.policy(self.repo)
        except (ConfigError, PolicyError):
            policy = None
        return policy.signature_paths() if policy else set()

    @cached_property
    def direct_threshold(self) -> int:
        """Length in bytes from which on hooks write a file, and smudge its pointer."""
        key = "git-model.directthreshold"
        return config.number(self.settings, key, DIRECT_THRESHOLD_BYTES)

    @cached_property
    def skips_smudge(self) -> bool:
        """Whether smudge leaves the pointers to objects, for `git model checkout`."""
        value = os.environ.get("GIT_MODEL_SKIP_SMUDGE")
        settings = {SKIP_SMUDGE: [value]} if value else self.settings
        return config.is_true(settings, SKIP_SMUDGE)

    @cached_property
    def is_deploy(self) -> bool:
        """Whether only files of verified trees may be written here (`clone --deploy`)."""
        return config.is_deploy(self.settings)

    @cached_property
    def verification(self) -> str:
        """What is done about a signature that does not hold: `ENFORCE`, `WARN` or `OFF`.

        `GIT_MODEL_VERIFY`, else `git-model.verify`, else `WARN`; a deploy clone enforces,
        whatever is said.

        Raises:
            ConfigError: another word was chosen.
        """
        if self.is_deploy:
            return ENFORCE
        chosen = os.environ.get("GIT_MODEL_VERIFY") or config.last(self.settings, VERIFY)
        if chosen is not None and chosen not in {ENFORCE, WARN, OFF}:
            # A word that is mistyped would else be taken for the weaker one.
            raise ConfigError(
                f"GIT_MODEL_VERIFY, or {VERIFY}: {chosen!r} is no way to verify",
                hint="enforce, warn or off",
            )
        return chosen or WARN

    @property
    def repositories(self) -> frozenset[str]:
        """The names of the repository that this clone is of; none before it is known."""
        return pinned.repositories(self.repo)

    @property
    def verifies(self) -> bool:
        """Whether what arrives is checked against its signature."""
        return self.verification != OFF

    @cached_property
    def pool(self) -> ThreadPoolExecutor:
        """Threads for work on segments: as many as there are cores."""
        from concurrent.futures import ThreadPoolExecutor

        return ThreadPoolExecutor(os.cpu_count())

    @cached_property
    def memory(self) -> Memory:
        """The clone's memory."""
        memory = Memory(self.repo)
        record = Provenance(memory, self.repo)
        if memory.fault is None and not record.is_begun:
            # With all that the store has, before anything is made here.
            record.begin(batch.blob_lengths(self.repo))
        return memory

    @cached_property
    def digests(self) -> DigestCache:
        """The digest cache."""
        return DigestCache(self.memory)

    @cached_property
    def has_replacements(self) -> bool:
        """Whether replace refs are here, so that Git may show one blob for another."""
        return bool(refs.read(self.repo, b"refs/replace/"))

    def knows(self, oid: str) -> bool:
        """Tells whether this clone sealed or opened a blob itself, so that it is ciphertext."""
        known = self.digests.get(oid)
        return known is not None and known.key_id != CLEAR

    @cached_property
    def provenance(self) -> Provenance:
        """The record of what arrived and what was made here."""
        return Provenance(self.memory, self.repo)

    @cached_property
    def judgements(self) -> Judgements:
        """What was judged here before."""
        return Judgements(self.memory)

    @cached_property
    def delivered(self) -> Delivered:
        """The objects of git-lfs that were seen at a remote."""
        return Delivered(self.memory)

    def fetch(self, oids: Collection[str]) -> None:
        """Downloads the objects behind pointer blobs, and records that a remote has them.

        Raises:
            GitError: not all of them came.
        """
        from git_model_security.git import lfs

        lfs.fetch(self.repo, oids)
        self.delivered.note(oids)

    @cached_property
    def staged(self) -> dict[bytes, str]:
        """Oids by path in the index, as it was when this process first looked.

        Git holds the index lock while it cleans, so it does not change under us.
        """
        return {entry.path: entry.oid for entry in index.staged(self.repo)}

    @cached_property
    def claimed_clear(self) -> frozenset[bytes]:
        """Paths of the index that its `.gitmodel`, which anybody may have pushed, leaves clear.

        A claim: it may spare a person a file that looks modified, and must release nothing.
        """
        from git_model_security.policy import attributes as rendered
        from git_model_security.policy import gitmodel

        oid = self.staged.get(gitmodel.NAME)
        if oid is None:
            return frozenset()
        try:
            rules = rendered.render(gitmodel.of_blob(self.objects, oid))
        except (ConfigError, GitError):
            return frozenset()
        return frozenset(self.staged) - attributes.protected_by(rules, self.staged)

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
