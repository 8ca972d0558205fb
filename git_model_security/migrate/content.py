"""What stands at protected paths, told apart: to be sealed, sealed already, or neither."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from git_model_security import messages
from git_model_security.content import blob, blobs
from git_model_security.envelope import HEADER_BYTES
from git_model_security.errors import (
    EnvelopeError,
    KeyNotFoundError,
    NewerFormatError,
    NotFetchedError,
    PolicyError,
)
from git_model_security.git.objects import WORTH_A_RESTART_BYTES
from git_model_security.git.paths import shown
from git_model_security.storage import pointer as pointers

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from git_model_security.clone.clone import Clone
    from git_model_security.storage.pointer import Pointer

_SHOWN = 20
_AT_ONCE = 8192


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


def told_apart(
    clone: Clone, files: Mapping[bytes, Iterable[str]], protected: set[bytes], limit: int | None
) -> Content:
    """Looks at the beginning of each blob that ever stood at a protected path.

    Args:
        clone: the clone, which has its key where it is set up.
        files: the blobs of each path.
        protected: the paths that count.
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
    for oid, size, pointer in surveyed(clone, found.paths):
        if size == 0:
            continue
        if clone.knows(oid):
            found.sealed += 1
        elif pointer is not None:
            _look_behind(clone, found, problems, oid, pointer)
        else:
            _look_at(clone, found, problems, oid)
        length = found.clear.get(oid, 0)
        if limit is not None and length > limit:
            problems.long.append(f"{shown(found.paths[oid])} ({length} bytes)")
    problems.tell(limit)
    return found


def surveyed(
    clone: Clone, oids: Iterable[str]
) -> Iterator[tuple[str, int | None, Pointer | None]]:
    """Yields blobs with their lengths in bytes, and the pointers that some of them are.

    The length of what is not here is None. Short blobs are read some thousands at a time.
    """
    left = list(oids)
    for start in range(0, len(left), _AT_ONCE):
        some = left[start : start + _AT_ONCE]
        sizes, pointing = blob.survey(clone.repo, some)
        for oid in some:
            yield oid, sizes.get(oid), pointing.get(oid)


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


def _look_behind(
    clone: Clone, found: Content, problems: _Problems, oid: str, pointer: Pointer
) -> None:
    if not pointer.size:
        return
    if not clone.lfs.holds(pointer):
        problems.absent.append(f"{shown(found.paths[oid])} ({pointer.oid[:12]})")
        return
    with clone.lfs.open(pointer) as file:
        is_envelope = blob.is_sealed(file.read(HEADER_BYTES))
    if is_envelope:
        _require_opened(clone, found, problems, oid)
    else:
        found.clear[oid] = pointer.size
        found.taken_over[oid] = pointer


def _look_at(clone: Clone, found: Content, problems: _Problems, oid: str) -> None:
    stream = clone.objects.stream(oid)
    head = stream.read(HEADER_BYTES)
    if stream.size > WORTH_A_RESTART_BYTES:
        clone.objects.close()
    if blob.is_sealed(head):
        _require_opened(clone, found, problems, oid)
    elif pointers.is_alike(head, stream.size):
        problems.strange.append(f"{shown(found.paths[oid])} ({oid[:12]})")
    else:
        found.clear[oid] = stream.size


def _require_opened(clone: Clone, found: Content, problems: _Problems, oid: str) -> None:
    """Opens what is an envelope already: behind a copied header can stand plaintext."""
    try:
        blobs.digests(clone, oid)
    except NewerFormatError as error:
        problems.newer.append(f"{shown(found.paths[oid])} ({oid[:12]}): {error}")
    except (EnvelopeError, KeyNotFoundError) as error:
        problems.damaged.append(f"{shown(found.paths[oid])} ({oid[:12]}): {error}")
    else:
        found.sealed += 1
