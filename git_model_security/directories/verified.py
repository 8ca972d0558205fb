"""A directory decrypted after its signature was verified: nothing unverified is written.

A signature is over plaintext (`sign+encrypt`, or `git commit`), or over the ciphertext as it
stands (`encrypt+sign`, or `git commit` for who has no key). Either is checked first, in
memory; then just those files are written that were read (`reading`).
"""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING, NamedTuple

from git_model_security.content.blob import Kind as Content
from git_model_security.directories import encryption, outputs, selection, signing, writing
from git_model_security.directories.outputs import IN_PLACE
from git_model_security.directories.reading import Opened, Remembering, Resealed
from git_model_security.errors import (
    EnvelopeError,
    KeyNotFoundError,
    PolicyError,
    Reason,
    VerificationError,
)
from git_model_security.git.paths import shown
from git_model_security.policy.gitmodel import CIPHERTEXT_SIGNATURE
from git_model_security.trust.verdict import COVERS_DIRECTORY, Finding, Verdict
from git_model_security.verification import directory_check, file_check, sealed_check
from git_model_security.verification.kinds import Kind
from git_model_security.verification.reading import AS_THEY_STAND
from git_model_security.verification.scope import Scope

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from pathlib import Path

    from git_model_security.directories.model import Model
    from git_model_security.directories.outputs import Run
    from git_model_security.directories.selection import Selection
    from git_model_security.directories.writing import Done
    from git_model_security.envelope import Key
    from git_model_security.signing.methods import Verifier
    from git_model_security.verification.file_digests import Progress
    from git_model_security.verification.reading import Reading


_ELSEWHERE = "--signature FILE names a bundle that lies elsewhere"


class Decrypted(NamedTuple):
    """What was verified, and then done.

    Attributes:
        done: None where the signature does not hold.
        left: files that are encrypted still, since no signature is over them.
    """

    verdict: Verdict
    done: Done | None
    left: Sequence[bytes] = ()


def check(
    model: Model,
    verifiers: Sequence[Verifier],
    progress: Progress | None = None,
    *,
    reading: Reading = AS_THEY_STAND,
    ignore_unsigned_files: bool = False,
) -> Verdict:
    """Verifies a model as it is read, against its bundle.

    Raises:
        ConfigError: a directory cannot be read.
        KeyNotFoundError: a file is sealed under another key than it is read with.
    """
    if model.only is not None and model.is_usual and not os.path.lexists(model.signature):
        verdict = Verdict(shown(os.fsencode(model.path)), covers=COVERS_DIRECTORY)
        error = VerificationError(Reason.UNSIGNED, "there is no such file", hint=_ELSEWHERE)
        name = shown(os.fsencode(model.signature))
        verdict.findings.append(Finding.of_error(error, name=name))
        return verdict
    if model.only is not None:
        return file_check.check(model.path, model.signature, verifiers, progress, reading)
    scope = Scope(
        signature=model.bundle,
        ignored=model.ignored,
        has_git_paths=model.has_git_paths,
        ignore_unsigned_files=ignore_unsigned_files,
    )
    is_opened = isinstance(reading, Opened)
    if model.signature.name == CIPHERTEXT_SIGNATURE and not is_opened:
        return sealed_check.check(model.top, verifiers, scope, progress, reading)
    return directory_check.check(model.top, verifiers, scope, None, progress, reading)


def decrypt_and_verify(
    model: Model,
    key: Key,
    verifiers: Sequence[Verifier],
    *,
    run: Run = IN_PLACE,
) -> Decrypted:
    """Decrypts a model whose plaintext is signed.

    What is decrypted already is verified as it stands, so that a second run verifies.

    Raises:
        Error: a file cannot be read, opened or written; those before it are done.
    """
    outputs.sweep(model.path)
    reading = Opened(key)
    verdict = check(model, verifiers, run.progress, reading=reading)
    if not verdict.good and check(model, verifiers).good:
        verdict.findings = [Kind.OF_CIPHERTEXT.finding(())]
    done = _write(model, key, verdict, reading, run)
    if run.output is not None and verdict.good:
        _write_bundle(model, run.output, reading.signature)
        run.finish()
    return done


def verify_and_decrypt(
    model: Model,
    key: Key,
    verifiers: Sequence[Verifier],
    *,
    run: Run = IN_PLACE,
) -> Decrypted:
    """Decrypts a model that is signed as ciphertext.

    What is decrypted already is encrypted again in memory to be verified, which gives the
    same bytes: so whoever was interrupted runs the same again.

    Raises:
        Error: as `decrypt_and_verify`.
    """
    outputs.sweep(model.path)
    reading: Remembering = Remembering()
    verdict = check(model, verifiers, run.progress, reading=reading)
    if clear := _find_clear(model, verdict):
        reading = Resealed(key, clear)
        again = check(model, verifiers, run.progress, reading=reading)
        verdict = again if _names(again) < _names(verdict) else verdict
    with contextlib.suppress(KeyNotFoundError):  # of what does not hold under any key
        if not verdict.good and check(model, verifiers, reading=Opened(key)).good:
            verdict.findings = [Kind.OF_DECRYPTED.finding(())]
    done = _write(model, key, verdict, reading, run)
    if verdict.good:
        run.finish()
    return done


def _write_bundle(model: Model, output: Path, bundle: bytes) -> None:
    """Writes the bundle that was verified to where what it signs was written.

    Also over the one of an earlier run: the model may have another by now.
    """
    place = model.copied_to(output).signature
    if place != model.signature:
        place.parent.mkdir(parents=True, exist_ok=True)
        signing.write(place, bundle)


def _find_clear(model: Model, verdict: Verdict) -> set[bytes]:
    """Returns the files that are not as they were signed, and are no ciphertext."""
    found = {file.path: file.kind for file in selection.select(model.path).files}
    return {name for name in _names(verdict) if found.get(name) is Content.CLEAR}


def _names(verdict: Verdict) -> set[bytes]:
    return {os.fsencode(name) for finding in verdict.findings for name in finding.names}


def _write(
    model: Model,
    key: Key,
    verdict: Verdict,
    reading: Remembering,
    run: Run,
) -> Decrypted:
    if not verdict.good:
        return Decrypted(verdict, None)
    found = selection.select(model.path)
    sealed = {file.path for file in selection.list_sealed(found)}
    if run.output is not None and reading.led:
        name = shown(min(reading.led))
        raise PolicyError(
            f"{name}: a link leads to what was signed, and links are not written elsewhere",
            hint=f"put the file itself in place of {name}; or leave --output out",
        )
    _require_all(found, sealed, reading)
    done = encryption.decrypt_found(run, found, key, reading.seen, model.beside)
    return Decrypted(verdict, done, sorted(sealed - reading.seen.keys()))


def _require_all(found: Selection, sealed: Collection[bytes], reading: Remembering) -> None:
    """Raises unless each file that was verified is there still, and can be written.

    Raises:
        GitError: one was exchanged for what is no file.
        EnvelopeError: one was signed as it is, and is no whole envelope.
    """
    paths = {file.path for file in found.files}
    for name in sorted(reading.seen.keys() - paths - reading.bundles - {*reading.led.values()}):
        raise writing.exchanged(name)
    for name in sorted(reading.seen.keys() & sealed):
        if not reading.seen[name].is_root:
            raise EnvelopeError(
                f"{shown(name)}: begins as ciphertext, and none has its length: it was signed"
                " so, and does not open",
                hint="ask the signer for one that opens",
            )
