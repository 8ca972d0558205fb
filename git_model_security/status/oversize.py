"""Which files of the index are longer than the hosts of a clone take."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from git_model_security.git import config, index
from git_model_security.storage import INLINE, LFS, behind, limits

if TYPE_CHECKING:
    from git_model_security.git.repository import Repository
    from git_model_security.storage.limits import Limit


@dataclass
class Over:
    """A limit, and the files that are over it."""

    limit: Limit
    paths: list[bytes] = field(default_factory=list)


def found(repo: Repository) -> dict[str, Over]:
    """Returns what is too long, by `inline` and `lfs`; nothing where no limit is known.

    Raises:
        ConfigError: `git-model.maxFileSize` is no size.
    """
    settings = config.read(repo, limits.SECTIONS)
    over = {
        storage: Over(limit)
        for storage in (INLINE, LFS)
        if (limit := limits.of(settings, storage)) is not None
    }
    if not over:
        return {}
    entries = [entry for entry in index.staged(repo) if entry.is_file]
    sizes, pointers = behind.survey(repo, (entry.oid for entry in entries))
    for entry in entries:
        pointer = pointers.get(entry.oid)
        # A partial clone may not have the blob, and cannot tell then.
        size = pointer.size if pointer else sizes.get(entry.oid, 0)
        one = over.get(LFS if pointer else INLINE)
        if one is not None and size > one.limit.size:
            one.paths.append(entry.path)
    return {storage: one for storage, one in over.items() if one.paths}
