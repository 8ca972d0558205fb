"""Seals each blob once, whichever commits have it, into few packs."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, BinaryIO

from git_model_security.content.sealer import seal_content
from git_model_security.errors import GitError
from git_model_security.git import batch
from git_model_security.git.fast_import import Import
from git_model_security.migrate.content import surveyed

if TYPE_CHECKING:
    from collections.abc import Callable

    from git_model_security.clone.clone import Clone
    from git_model_security.content.sealed import Sealed
    from git_model_security.migrate.content import Content
    from git_model_security.migrate.journal import Journal
    from git_model_security.storage.pointer import Pointer

    Progress = Callable[[int, int], None]
    """Told how many bytes of how many are done."""

_SAVED_BYTES = 256 << 20
_SAVED_BLOBS = 4096
"""After so much what is done is on the disk, and remembered."""


def all_sealed(
    clone: Clone, content: Content, journal: Journal, progress: Progress | None = None
) -> dict[str, str]:
    """Seals what is in clear; what an earlier run has sealed is taken from the journal.

    Returns:
        What each blob becomes.

    Raises:
        Error: an object is damaged, or there is no room.
    """
    done = _remembered(clone, content, journal)
    total = content.size
    ahead = sum(content.clear[oid] for oid in done)
    fresh: list[tuple[str, str]] = []
    since = 0
    with Import(clone.repo) as sink:

        def save() -> None:
            sink.checkpoint()
            journal.add_sealed(fresh)
            done.update(fresh)
            fresh.clear()

        for oid, size in content.clear.items():
            if oid in done:
                continue
            fresh.append((oid, _sealed(clone, oid, content.taken_over.get(oid), sink)))
            ahead += size
            since += size
            if progress is not None:
                progress(ahead, total)
            if since >= _SAVED_BYTES or len(fresh) >= _SAVED_BLOBS:
                save()
                since = 0
        save()
        sink.finish()
    return done


def _remembered(clone: Clone, content: Content, journal: Journal) -> dict[str, str]:
    """Returns what was sealed before a run was killed, as far as it is still there."""
    known = {old: new for old, new in journal.sealed().items() if old in content.clear}
    there = {
        oid
        for oid, size, pointer in surveyed(clone, set(known.values()))
        if size is not None
        and (known_as := clone.digests.get(oid)) is not None
        and known_as.key_id == clone.ring.current.id
        and (pointer is None or clone.lfs.holds(pointer))
    }
    return {old: new for old, new in known.items() if new in there}


def _sealed(clone: Clone, oid: str, pointer: Pointer | None, sink: Import) -> str:
    """Seals what a blob, or the object that it points to, holds; returns the new blob."""
    place = partial(_add, sink=sink)
    if pointer is None:
        return seal_content(clone, clone.objects.stream(oid), None, place)
    with clone.lfs.open(pointer) as file:
        return seal_content(clone, _Source(file), pointer, place)


class _Source:
    """A file, as the pipeline reads it."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def readinto(self, room: memoryview) -> int:
        return int(self._file.readinto(room))  # type: ignore[attr-defined]


def _add(sealed: Sealed, sink: Import) -> None:
    pieces = sealed.keep()
    length = sealed.size if sealed.pointer is None else len(sealed.pointer.render())
    sink.blob(length, pieces)


def require_there(clone: Clone, oids: set[str]) -> None:
    """Raises unless all of these blobs are in the repository.

    Raises:
        GitError: some are not.
    """
    missing = oids - batch.sizes(clone.repo, oids).keys()
    if missing:
        raise GitError(
            f"{len(missing)} sealed blobs are not in the repository",
            hint="run it again: they are sealed anew",
        )
