"""A directory out of a commit: decrypted once it is verified, or as Git and git-lfs hold it."""

from __future__ import annotations

import contextlib
import hashlib
import os
from typing import TYPE_CHECKING, NamedTuple

from git_model_security import telemetry
from git_model_security.content import blob, reader
from git_model_security.directories import outputs, writing
from git_model_security.directories.outputs import Run
from git_model_security.directories.selection import UNFINISHED
from git_model_security.errors import (
    EnvelopeError,
    KeyNotFoundError,
    NotFetchedError,
)
from git_model_security.files import write_at
from git_model_security.git import index, worktree
from git_model_security.git.paths import shown
from git_model_security.git.replacement import Replacement, descend, naming
from git_model_security.keyring import ring
from git_model_security.verification import listing, tree_check

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    from git_model_security.clone.clone import Clone
    from git_model_security.envelope.layout import BytesLike
    from git_model_security.git.index import Entry
    from git_model_security.signing.methods import Verifier
    from git_model_security.trust.verdict import Verdict

    Progress = Callable[[int, int], object]


class Exported(NamedTuple):
    """What was written.

    Attributes:
        verdict: on the commit; None where nothing was decrypted, so that nobody asked.
        files: how many; 0 where the verdict is not good.
        submodules: which a directory without Git cannot have.
    """

    verdict: Verdict | None
    files: int
    submodules: Sequence[bytes]


@telemetry.span("export")
def export(
    clone: Clone,
    revision: str,
    directory: Path,
    verifiers: Sequence[Verifier],
    *,
    is_encrypted: bool = False,
    progress: Progress | None = None,
) -> Exported:
    """Writes what a commit holds into a new directory.

    Args:
        directory: is made, or is empty.
        verifiers: who may have signed what is decrypted.
        is_encrypted: write ciphertext, and the objects of git-lfs for their pointers; whoever
            gets it verifies it.
        progress: told how many files of how many are written.

    Raises:
        PolicyError: the directory holds something.
        KeyNotFoundError: the clone is locked, and it is to be decrypted.
        NotFetchedError: an object of git-lfs is not here.
        Error: a file cannot be read, opened or written; then none is.
    """
    outputs.require_new(directory)
    entries = index.tree(clone.repo, index.require(clone.repo, f"{revision}^{{tree}}"))
    verdict = None
    if not is_encrypted:
        if clone.ring.locked:
            raise KeyNotFoundError(
                "this clone is locked: it cannot decrypt", hint=f"--encrypted, or {ring.UNLOCK}"
            )
        verdict = tree_check.check(clone, revision, verifiers, entries=entries)
        if not verdict.good:
            return Exported(verdict, 0, ())
    written = [entry for entry in entries if entry.mode != index.GITLINK]
    _require_objects(clone, written)
    with _all_or_nothing(directory) as paths:
        for done, entry in enumerate(written, start=1):
            paths.append(entry.path)
            with writing.about(entry.path):
                _write(clone, entry, directory, is_encrypted)
            if progress is not None:
                progress(done, len(written))
    modules = [entry.path for entry in entries if entry.mode == index.GITLINK]
    return Exported(verdict, len(written), modules)


def _require_objects(clone: Clone, entries: Iterable[Entry]) -> None:
    """Raises unless all objects of git-lfs are here.

    Raises:
        NotFetchedError: one is not; its file is named.
    """
    pairs = [(entry.path, entry.oid) for entry in entries if entry.is_file]
    missing: list[tuple[bytes, NotFetchedError]] = []
    for path, pointer in blob.pointers(clone.repo, pairs):
        try:
            clone.lfs.open(pointer).close()
        except NotFetchedError as error:
            missing.append((path, error))
    if missing:
        path, first = missing[0]
        others = f"; and {len(missing) - 1} more" * (len(missing) > 1)
        is_bare = clone.repo.work_tree is None
        hint = "`git lfs fetch --all` fetches all" if is_bare else first.hint
        raise NotFetchedError(f"{shown(path)}: {first}{others}", hint=hint)


@contextlib.contextmanager
def _all_or_nothing(directory: Path) -> Iterator[list[bytes]]:
    """Makes a directory, and removes what was written to it where not all could be.

    Gives a list for the paths that are about to be written. Of one that is killed a file says
    that it is not complete.
    """
    is_new = not directory.exists()
    outputs.begin(directory)
    paths: list[bytes] = [UNFINISHED]
    try:
        yield paths
        Run(directory).finish()
    except BaseException:
        for path in paths:
            _remove(directory, path, os.unlink)
        for parent in sorted({one for path in paths for one in listing.above(path)})[::-1]:
            _remove(directory, parent, os.rmdir)
        if is_new:
            with contextlib.suppress(OSError):
                directory.rmdir()
        raise


def _remove(top: Path, path: bytes, remove: Callable[..., None]) -> None:
    """Removes what stands at a path, through no link, if it is there and can be removed."""
    with contextlib.suppress(OSError):
        *parents, name = path.split(b"/")
        directory = descend(top, parents)
        try:
            remove(name, dir_fd=directory)
        finally:
            os.close(directory)


def _write(clone: Clone, entry: Entry, directory: Path, is_encrypted: bool) -> None:
    with naming(entry.path):
        if not entry.is_file:
            target = b"".join(reader.chunks(clone, entry.oid))
            worktree.link(directory, entry.path, target)
            return
        mode = 0o777 if entry.mode == index.EXECUTABLE else 0o666
        content: Iterable[BytesLike] = _checked(clone, entry.oid)
        if not is_encrypted:
            head, content = reader.peek(iter(content))
            if blob.find_header(head) is not None:
                content = reader.open_chunks(clone, content)
        with Replacement(directory, entry.path, mode) as new:
            offset = 0
            for chunk in content:
                write_at(new.descriptor, chunk, offset)
                offset += len(chunk)
            new.commit()


def _checked(clone: Clone, oid: str) -> Iterator[bytes]:
    """Yields what is behind a blob; an object of git-lfs may have been exchanged.

    Raises:
        NotFetchedError: it is an object of git-lfs that is not here.
        EnvelopeError: the object is not the one that the pointer names.
    """
    pointer = blob.pointer_of(clone.objects.stream(oid))
    running = hashlib.sha256()
    for chunk in reader.sealed_chunks(clone, oid):
        running.update(chunk)
        yield chunk
    if pointer is not None and running.hexdigest() != pointer.oid:
        raise EnvelopeError(
            f"its git-lfs object {pointer.oid[:12]} is damaged",
            hint="`git lfs fsck` tells more, and `git lfs fetch` brings it again",
        )
