"""What stands at protected paths in clear is sealed: each blob once, into few packs."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from git_model_security import messages
from git_model_security.content import reader
from git_model_security.content.blob import Kind, open_blob, survey
from git_model_security.content.sealed import seal_content
from git_model_security.errors import (
    EnvelopeError,
    GitError,
    KeyNotFoundError,
    NewerFormatError,
    NotFetchedError,
    PolicyError,
)
from git_model_security.git import batch
from git_model_security.git.fast_import import Import
from git_model_security.git.objects import WORTH_A_RESTART_BYTES
from git_model_security.git.paths import shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from git_model_security.clone.clone import Clone
    from git_model_security.content.sealed import Sealed
    from git_model_security.migrate.journal import Journal
    from git_model_security.storage.pointer import Pointer

    Progress = Callable[[int, int], None]
    """Told how many bytes of how many are done."""

_SHOWN = 20
_SAVED_BYTES = 256 << 20
_SAVED_BLOBS = 4096
"""After so much what is done is on the disk, and remembered."""


@dataclass
class Content:
    """The blobs that ever stood at protected paths.

    Attributes:
        clear: those to be sealed, with their lengths in bytes.
        taken_over: those of them that are pointers of git-lfs to plaintext; the length
            is the object's.
        sealed: how many are ciphertext already.
        paths: one path of each blob in clear.
    """

    clear: dict[str, int] = field(default_factory=dict)
    taken_over: dict[str, Pointer] = field(default_factory=dict)
    sealed: int = 0
    paths: dict[str, bytes] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """All plaintext, in bytes."""
        return sum(self.clear.values())


def look_at_content(
    clone: Clone, files: Mapping[bytes, Iterable[str]], protected: set[bytes], limit: int | None
) -> Content:
    """Looks at the beginning of each blob that ever stood at a protected path.

    Args:
        limit: the longest plaintext in bytes, or None.

    Raises:
        NotFetchedError: objects of git-lfs are not here.
        PolicyError: something can be neither sealed nor kept.
        GitError: an object is missing or corrupt.
    """
    found = Content()
    for path in sorted(protected & files.keys()):
        for oid in sorted(files[path]):
            found.paths.setdefault(oid, path)
    problems = _Problems()
    for oid, path in found.paths.items():
        if clone.knows(oid):
            found.sealed += 1
        else:
            _look_at(clone, found, problems, oid, path)
        length = found.clear.get(oid, 0)
        if limit is not None and length > limit:
            problems.long.append(f"{shown(path)} ({length} bytes)")
    problems.tell(limit)
    return found


@dataclass
class _Problems:
    absent: list[str] = field(default_factory=list)
    strange: list[str] = field(default_factory=list)
    newer: list[str] = field(default_factory=list)
    damaged: list[str] = field(default_factory=list)
    long: list[str] = field(default_factory=list)

    def tell(self, limit: int | None) -> None:
        if self.absent:
            raise NotFetchedError(
                f"{len(self.absent)} git-lfs objects of the history are not on this machine,"
                f" so they cannot be encrypted:{_listed(self.absent)}",
                hint="`git lfs fetch --all` brings them",
            )
        if self.strange:
            raise PolicyError(
                "pointers that are not written as git-lfs writes them, so that nobody can say"
                f" what they stand for:{_listed(self.strange)}",
                hint="take these paths out of the history first, or --exclude them",
            )
        if self.newer:
            raise NewerFormatError(
                f"ciphertext that this git-model cannot check:{_listed(self.newer)}"
            )
        if self.damaged:
            raise PolicyError(
                f"what begins like an envelope and cannot be opened:{_listed(self.damaged)}",
                hint="unlock with the key it was sealed under; what is damaged has to be taken"
                " out of the history first",
            )
        if self.long:
            raise PolicyError(
                f"longer than the {limit} bytes that go into Git without"
                f" git-lfs:{_listed(self.long)}",
                hint="install git-lfs, or choose --storage inline",
            )


def _listed(lines: list[str]) -> str:
    return "".join(f"\n  {line}" for line in messages.shortened(lines, _SHOWN))


def _look_at(clone: Clone, found: Content, problems: _Problems, oid: str, path: bytes) -> None:
    with open_blob(clone.objects.stream(oid), clone.lfs) as blob:
        said = f"{shown(path)} ({oid[:12]})"
    if blob.blob_size > WORTH_A_RESTART_BYTES:
        clone.objects.close()
    if not blob.size:
        return
    if blob.kind.is_sealed:
        _require_opened(clone, found, problems, oid, said)
    elif blob.is_lookalike:
        problems.strange.append(said)
    elif blob.pointer is None:
        found.clear[oid] = blob.size
    elif blob.kind is Kind.ABSENT:
        problems.absent.append(f"{shown(path)} ({blob.pointer.oid[:12]})")
    else:
        found.clear[oid] = blob.size
        found.taken_over[oid] = blob.pointer


def _require_opened(
    clone: Clone, found: Content, problems: _Problems, oid: str, said: str
) -> None:
    """Opens what is an envelope already: behind a copied header can stand plaintext."""
    try:
        reader.digests(clone, oid)
    except NewerFormatError as error:
        problems.newer.append(f"{said}: {error}")
    except (EnvelopeError, KeyNotFoundError) as error:
        problems.damaged.append(f"{said}: {error}")
    else:
        found.sealed += 1


def seal_all(
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
            fresh.append((oid, _seal(clone, oid, sink)))
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
    sizes, pointers = survey(clone.repo, known.values())
    current = clone.ring.current.id
    there = {
        oid
        for oid in sizes
        if (digests := clone.digests.get(oid)) is not None
        and digests.key_id == current
        and (oid not in pointers or clone.lfs.holds(pointers[oid]))
    }
    return {old: new for old, new in known.items() if new in there}


def _seal(clone: Clone, oid: str, sink: Import) -> str:
    """Seals what a blob, or the object that it points to, holds; returns the new blob."""
    with open_blob(clone.objects.stream(oid), clone.lfs) as blob:
        return seal_content(clone, blob.file, blob.pointer, partial(_add, sink=sink))


def _add(sealed: Sealed, sink: Import) -> None:
    pieces = sealed.keep()
    length = sealed.size if sealed.pointer is None else len(sealed.pointer.render())
    sink.blob(length, pieces)


def require_there(clone: Clone, oids: set[str]) -> None:
    """Raises a GitError unless all of these blobs are in the repository."""
    missing = oids - batch.sizes(clone.repo, oids).keys()
    if missing:
        raise GitError(
            f"{len(missing)} sealed blobs are not in the repository",
            hint="run it again: they are sealed anew",
        )
