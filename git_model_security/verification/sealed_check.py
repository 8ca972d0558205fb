"""Verifies a directory of ciphertext without Git and without a key.

That is what a repository holds, out of a tarball, `git archive`, a ZIP of the host, or a
download of a hub: envelopes or pointers of git-lfs, and the bundle that signs them as such.
"""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

from git_model_security import telemetry
from git_model_security.content import blob
from git_model_security.content.blob import Kind as Content
from git_model_security.envelope.root import RunningRoot
from git_model_security.errors import VerificationError
from git_model_security.git import worktree
from git_model_security.git.paths import shown
from git_model_security.policy.gitmodel import CIPHERTEXT_SIGNATURE
from git_model_security.signing import bundle
from git_model_security.signing.roles import CIPHERTEXT, TREE_ITEM
from git_model_security.storage import pointer as pointer_file
from git_model_security.trust.verdict import COVERS_CIPHERTEXT, Finding, Verdict
from git_model_security.verification import (
    directory_bundle,
    directory_check,
    file_digests,
    listing,
)
from git_model_security.verification.compare import compare, tell
from git_model_security.verification.kinds import Kind
from git_model_security.verification.reading import AS_THEY_STAND

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from git_model_security.envelope.layout import BytesLike
    from git_model_security.signing.methods import Verifier
    from git_model_security.verification.file_digests import Progress
    from git_model_security.verification.reading import Reading
    from git_model_security.verification.scope import Scope

_LEFT_OUT = frozenset({b".git"})
_MODES = "file modes are signed as well, and only a clone can tell what Git has of them"


@telemetry.span("verify")
def check(
    directory: Path,
    verifiers: Sequence[Verifier],
    scope: Scope,
    progress: Progress | None = None,
    reading: Reading = AS_THEY_STAND,
) -> Verdict:
    """Verifies the ciphertext of one model.

    1. Its bundle is signed by one of `verifiers`, and is over ciphertext. One of other
       software is over the files as they stand, and `directory_check` verifies that.
    2. Each file is hashed, and compared with what was signed of it, and so is the root of
       an envelope; a pointer stands for the object that it names.
    3. Nothing else lies there. The bundle also signs how Git lists the tree. Of that the
       names are looked at, and the modes are not: an archive may lose them.

    Raises:
        ConfigError: it is no directory.
    """
    directory_check.require_directory(directory)
    verdict = Verdict(
        shown(os.fsencode(directory)), covers=COVERS_CIPHERTEXT, strict=scope.strict
    )
    try:
        data = directory_bundle.read(directory, scope.signature)
        opened = bundle.open_bundle(data, verifiers)
    except VerificationError as error:
        verdict.findings.append(Finding.of_error(error, name=scope.signature))
        return verdict
    if opened.subject is None:
        return directory_check.check(directory, verifiers, scope, None, progress, reading)
    if opened.subject.role != CIPHERTEXT:
        verdict.findings.append(Kind.OF_PLAINTEXT.finding(()))
        return verdict
    verdict.took(".", scope.signature, opened)
    signed = {
        name: digest
        for name, digest in opened.manifest.by_path().items()
        if name != TREE_ITEM.encode()
    }
    verdict.files = len(signed)
    left_out = _LEFT_OUT | scope.ignored | {CIPHERTEXT_SIGNATURE.encode()}
    left_out |= directory_bundle.own_name(directory, scope.signature)
    present = listing.list_files(directory, left_out)
    roots = _Roots(reading)
    actual = file_digests.digests(
        directory, signed, opened.manifest.digest, progress, chunks=roots.chunks
    )
    pointers = dict(_pointers(directory, signed.keys() & present.keys()))
    if pointers:
        verdict.notes.append(f"{len(pointers)} of them are pointers of git-lfs, no objects")
    unsigned = set() if scope.ignore_unsigned_files else present.keys() - signed.keys()
    found = compare(signed, actual | pointers | dict.fromkeys(unsigned, b""))
    changed = found.pop(Kind.CHANGED, set())
    changed |= {
        name
        for name, value in opened.manifest.root_by_path().items()
        if name not in pointers and roots.seen.get(name, value) != value
    }
    # The bundle over plaintext is ciphertext, too: at least that is sealed.
    is_clear = not any(_is_sealed(directory, name) for name in actual) if changed else False
    found[Kind.NOT_SEALED if is_clear else Kind.SEALED_OTHERWISE] = changed
    links = {name for name in unsigned if stat.S_ISLNK(present[name])}
    found[Kind.UNSIGNED_LINK] = links
    found[Kind.UNSIGNED] = found.pop(Kind.EXTRA, set()) - links
    found[Kind.NOT_DEPLOYED] = found.pop(Kind.MISSING, set())
    verdict.findings += tell(found)
    verdict.notes.append(_MODES)
    return verdict


class _Roots:
    """Finds the roots of the files that a reading reads; of what is no envelope, None."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        self.seen: dict[bytes, bytes | None] = {}

    def chunks(
        self, path: bytes, descriptor: int, room: memoryview | None
    ) -> Iterator[BytesLike]:
        """Yields what a file holds, as that reading does."""
        running = RunningRoot()
        for chunk in self._reading.chunks(path, descriptor, room):
            running.update(chunk)
            yield chunk
        self.seen[path] = running.finish()


def _pointers(directory: Path, names: Iterable[bytes]) -> Iterator[tuple[bytes, bytes]]:
    """Yields the pointers among files, each with the SHA-256 of the object that it names."""
    for name in names:
        found = worktree.head(directory, name, pointer_file.MAX_BYTES + 1)
        pointer = pointer_file.parse(found[1]) if found else None
        if pointer is not None:
            yield name, bytes.fromhex(pointer.oid)


def _is_sealed(directory: Path, name: bytes) -> bool:
    return blob.classify_file(directory, name) in {Content.ENVELOPE, Content.NEWER}
