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
from git_model_security.envelope import HEADER_BYTES
from git_model_security.envelope.root import RunningRoot
from git_model_security.errors import Reason, VerificationError
from git_model_security.git.paths import shown
from git_model_security.policy.gitmodel import CIPHERTEXT_SIGNATURE
from git_model_security.signing import bundle
from git_model_security.signing.roles import CIPHERTEXT, TREE_ITEM
from git_model_security.storage import pointer as pointer_file
from git_model_security.trust.verdict import COVERS_CIPHERTEXT, Finding, Verdict
from git_model_security.verification import (
    bundle_place,
    directory_bundle,
    directory_check,
    file_digests,
    form,
    listing,
    part,
)
from git_model_security.verification.compare import compare, tell
from git_model_security.verification.kinds import Kind
from git_model_security.verification.reading import AS_THEY_STAND

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from pathlib import Path

    from git_model_security.envelope.layout import BytesLike
    from git_model_security.signing.methods import Verifier
    from git_model_security.verification.file_digests import Progress
    from git_model_security.verification.reading import Reading
    from git_model_security.verification.scope import Scope

_LEFT_OUT = frozenset({b".git"})
_OWN_PLACE = CIPHERTEXT_SIGNATURE.encode()
_SEALED = {Content.ENVELOPE, Content.NEWER}
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
        _require_clear(data, scope.signature)
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
    signed = opened.manifest.by_path()
    del signed[TREE_ITEM.encode()]
    verdict.files = len(signed)
    own = {bundle_place.own_name(directory, scope.signature)}
    met: dict[bytes, int] = {}
    left_out = _LEFT_OUT | scope.ignored | own | {_OWN_PLACE}
    present = listing.list_files(directory, left_out, met)
    if not scope.ignore_unsigned_files:
        verdict.findings += _find_disguised(directory, met, own)
    signed, present = part.take(directory, scope.pathspecs, verdict, signed, present)
    ends = _Ends(reading)
    actual = file_digests.digests(
        directory, signed, opened.manifest.digest, progress, chunks=ends.chunks
    )
    if ends.pointers:
        verdict.notes.append(
            f"{len(ends.pointers)} of them are pointers of git-lfs, no objects"
        )
    unsigned = set() if scope.ignore_unsigned_files else present.keys() - signed.keys()
    found = compare(signed, actual | ends.pointers | dict.fromkeys(unsigned, b""))
    changed, roots = found.pop(Kind.CHANGED, set()), opened.manifest.root_by_path()
    changed |= ends.differing(roots)
    clear = set() if reading.may_be_sealed else _decrypted(directory, changed, actual, roots)
    found[Kind.NOT_SEALED] = clear
    found[Kind.SEALED_OTHERWISE] = changed - clear
    links = {name for name in unsigned if stat.S_ISLNK(present[name])}
    found[Kind.UNSIGNED_LINK] = links
    found[Kind.UNSIGNED] = found.pop(Kind.EXTRA, set()) - links
    found[Kind.NOT_DEPLOYED] = found.pop(Kind.MISSING, set())
    verdict.findings += tell(found)
    verdict.notes.append(_MODES)
    part.require_any(verdict)
    return verdict


def _require_clear(data: bytes, signature: str) -> None:
    """Raises where a bundle is encrypted: then it is not the one over ciphertext."""
    if blob.is_sealed(data[:HEADER_BYTES]):
        raise VerificationError(
            Reason.UNSIGNED,
            f"is encrypted itself: the bundle over the ciphertext, {CIPHERTEXT_SIGNATURE}, is"
            " missing",
            hint=f"bring {CIPHERTEXT_SIGNATURE} back; with the key `git model decrypt+verify`"
            f" needs {signature} alone",
        )


def _find_disguised(
    directory: Path, met: Mapping[bytes, int], own: set[bytes]
) -> Iterator[Finding]:
    """Yields that nothing but a bundle may have the place of the bundle."""
    if disguised := directory_bundle.find_disguised(directory, met, {_OWN_PLACE} - own):
        yield Kind.DISGUISED.finding(disguised)


def _decrypted(
    directory: Path,
    changed: Collection[bytes],
    actual: Collection[bytes],
    roots: Collection[bytes],
) -> set[bytes]:
    """Returns the files that are clear where envelopes were signed, as far as that is known.

    An envelope has a root that is signed. Bundles of before have none: what they sign is taken
    for decrypted where nothing at all is ciphertext, not even the bundle over plaintext.
    """
    clear = {name for name in changed if form.kind_of(directory, name) is Content.CLEAR}
    if roots:
        return clear.intersection(roots)
    is_any_sealed = changed and any(form.kind_of(directory, name) in _SEALED for name in actual)
    return set() if is_any_sealed else clear


class _Ends:
    """Looks at the files that a reading reads as these very bytes go by.

    What a file is must not be asked of it again: it may be another one by then.

    Attributes:
        roots: of envelopes; of what is none, None.
        pointers: SHA-256 of the objects that pointers name. They have no root, and nothing
            else is done with them.
    """

    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        self.roots: dict[bytes, bytes | None] = {}
        self.pointers: dict[bytes, bytes] = {}

    def chunks(
        self, path: bytes, descriptor: int, room: memoryview | None
    ) -> Iterator[BytesLike]:
        """Yields what a file holds, as that reading does."""
        running, head = RunningRoot(), b""
        for chunk in self._reading.chunks(path, descriptor, room):
            running.update(chunk)
            if len(head) <= pointer_file.MAX_BYTES:
                head += bytes(chunk[: pointer_file.MAX_BYTES + 1 - len(head)])
            yield chunk
        pointer = pointer_file.parse(head)
        if pointer is None:
            self.roots[path] = running.finish()
        else:
            self._reading.forget(path)
            self.pointers[path] = bytes.fromhex(pointer.oid)

    def differing(self, signed: Mapping[bytes, bytes]) -> set[bytes]:
        """Returns the files that have another root than the one that was signed, or none."""
        return {name for name in self.roots.keys() & signed if self.roots[name] != signed[name]}
