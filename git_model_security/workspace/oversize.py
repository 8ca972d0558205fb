"""Which files of the index are longer than the hosts of a clone take."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from git_model_security.git import config, index
from git_model_security.git.objects import ObjectReader
from git_model_security.storage import INLINE, LFS, behind, limits
from git_model_security.storage import pointer as pointers

if TYPE_CHECKING:
    from git_model_security.git.index import Entry
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
    with ObjectReader(repo) as reader:
        for entry, size in zip(entries, _sizes(repo, entries), strict=True):
            small = 0 < size <= pointers.MAX_BYTES
            pointer = behind.pointer_of(reader.stream(entry.oid)) if small else None
            one = over.get(INLINE if pointer is None else LFS)
            if one is not None and (pointer.size if pointer else size) > one.limit.size:
                one.paths.append(entry.path)
    return {storage: one for storage, one in over.items() if one.paths}


def _sizes(repo: Repository, entries: list[Entry]) -> list[int]:
    """Returns the lengths of blobs in bytes; 0 for one that a partial clone has not."""
    out = repo.git(
        *("cat-file", "--batch-check=%(objectsize)"),
        stdin="".join(f"{entry.oid}\n" for entry in entries).encode(),
        extra={"GIT_NO_LAZY_FETCH": "1"},
    )
    return [int(line) if line.isdigit() else 0 for line in out.splitlines()]
