"""Verifies one file without Git, against the bundle beside it.

Other software signs a file as a model whose only item is `.`.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from git_model_security import telemetry
from git_model_security.errors import VerificationError
from git_model_security.git.paths import shown
from git_model_security.signing import bundle
from git_model_security.signing.roles import ONE_FILE
from git_model_security.trust.verdict import COVERS_DIRECTORY, Finding, Verdict
from git_model_security.verification import (
    bundle_place,
    directory_bundle,
    directory_check,
    file_digests,
)
from git_model_security.verification.directory_check import Files
from git_model_security.verification.kinds import Kind
from git_model_security.verification.reading import AS_THEY_STAND

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from git_model_security.signing.methods import Verifier
    from git_model_security.verification.file_digests import Progress
    from git_model_security.verification.reading import Reading


@telemetry.span("verify")
def check(
    file: Path,
    signature: Path,
    verifiers: Sequence[Verifier],
    progress: Progress | None = None,
    reading: Reading = AS_THEY_STAND,
) -> Verdict:
    """Verifies a file: its bundle is signed by one of `verifiers`, and is over just it."""
    verdict = Verdict(shown(os.fsencode(file)), covers=COVERS_DIRECTORY)
    name = os.fsencode(file.name)
    try:
        data = directory_bundle.read(file.parent, bundle_place.of_path(signature))
        data = reading.bundle(os.fsencode(signature), data)
        opened = bundle.open_bundle(data, verifiers)
        directory_bundle.require_plaintext(opened)
    except VerificationError as error:
        verdict.findings.append(Finding.of_error(error, name=shown(os.fsencode(signature))))
        return verdict
    verdict.took(".", str(signature), opened)
    signed = opened.manifest.files()
    verdict.files = len(signed)
    if signed.keys() != {ONE_FILE}:
        verdict.findings.append(Kind.OF_A_DIRECTORY.finding(()))
        return verdict
    actual = file_digests.digests(
        file.parent,
        [name],
        opened.manifest.digest,
        progress,
        opened.manifest.shard_bytes,
        reading.chunks,
    )
    there = {name: os.lstat(file).st_mode} if os.path.lexists(file) else {}
    wanted = {name: signed[ONE_FILE]}
    verdict.findings += directory_check.differences(
        *(wanted, actual, (), there),
        Files(file.parent, reading, None if opened.subject else False),
    )
    return verdict
