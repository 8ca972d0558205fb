"""A directory out of a commit: decrypted once it is verified, or as Git and git-lfs hold it."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, NamedTuple

from git_model_security import telemetry
from git_model_security.content import blob, reader
from git_model_security.directories import writing
from git_model_security.errors import EnvelopeError, KeyNotFoundError
from git_model_security.files import write_at
from git_model_security.git import index, worktree
from git_model_security.git.replacement import Replacement, naming
from git_model_security.keyring import ring
from git_model_security.verification import tree_check

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
        Error: a file cannot be read, opened or written; those before it are.
    """
    writing.require_new(directory)
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
    directory.mkdir(parents=True, exist_ok=True)
    written = [entry for entry in entries if entry.mode != index.GITLINK]
    for done, entry in enumerate(written, start=1):
        _write(clone, entry, directory, is_encrypted)
        if progress is not None:
            progress(done, len(written))
    modules = [entry.path for entry in entries if entry.mode == index.GITLINK]
    return Exported(verdict, len(written), modules)


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
