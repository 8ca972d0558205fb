"""A model signed in clear and encrypted then, or encrypted, and its ciphertext signed.

Once a file is encrypted nothing could be signed but its ciphertext. So where a run follows one
that was interrupted, the bundle that stands there is verified, over what the files decrypt to,
and encrypting goes on.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from git_model_security.directories import (
    encryption,
    outputs,
    own_keys,
    selection,
    signing,
    verified,
)
from git_model_security.directories.outputs import IN_PLACE
from git_model_security.directories.reading import Opened
from git_model_security.errors import PolicyError
from git_model_security.git.paths import shown
from git_model_security.keyring import key_material
from git_model_security.verification import listing

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from git_model_security.directories.encryption import Plan
    from git_model_security.directories.model import Model
    from git_model_security.directories.outputs import Run
    from git_model_security.directories.selection import Selection
    from git_model_security.directories.writing import Done
    from git_model_security.envelope import Key
    from git_model_security.signing.methods import Signer
    from git_model_security.trust.verdict import Verdict

    Progress = Callable[[int, int], object]


class Sealed(NamedTuple):
    """What was done.

    Attributes:
        files: how many the signature is over.
        signature: where it is.
        signer: who signed, for people.
        is_new: it was made by this run, and not by one before.
        done: what was encrypted.
    """

    files: int
    signature: Path
    signer: str
    is_new: bool
    done: Done


def sign_and_encrypt(
    model: Model,
    signer: Signer,
    material: bytes,
    run: Run = IN_PLACE,
    hashing: Progress | None = None,
) -> Sealed:
    """Signs a model, and encrypts it then; what the signature leaves out as well.

    Args:
        model: what is signed; its bundle stays clear.
        signer: who signs.
        material: the 32 bytes of the key.
        run: an output gets the ciphertext and the bundle, so that the model stays as it is.
        hashing: told how many bytes of how many are read.

    Raises:
        PolicyError: a file holds a key, another signer's bundle would be lost, a file is
            encrypted already and no bundle of this signer is over it; or see
            `encryption.encrypt`. Nothing was written.
        Error: a file cannot be read, signed or written; those before it are done.
    """
    key = key_material.of(material)
    planned = _plan(model, key, material, run.output)
    place = model.copied_to(run.output).signature if run.output else model.signature
    sealed = _find_sealed(planned.found, model)
    if sealed is None:
        bundle, signed = signing.make(model, signer, place, progress=hashing)
        count = signed.files
    else:
        verdict, bundle = _verify(model, signer, key, sealed, hashing)
        count = verdict.files
    # In place it is there before the first file is encrypted; elsewhere it comes last, so
    # that what is not complete is not signed either.
    is_new = sealed is None
    if run.output is None and is_new:
        signing.write(place, bundle)
    done = encryption.carry_out(planned, run)
    if run.output is not None:
        _complete(run, place, bundle)
    return Sealed(count, place, str(signer.identity), is_new, done)


def encrypt_and_sign(
    model: Model,
    signer: Signer,
    material: bytes,
    run: Run = IN_PLACE,
    hashing: Progress | None = None,
) -> Sealed:
    """Encrypts a model, and signs the ciphertext then.

    Args:
        run: an output gets the ciphertext, and is what is signed.
        model, signer, material, hashing: see `sign_and_encrypt`.

    Raises:
        PolicyError: see `sign_and_encrypt`. Nothing was written.
        Error: a file cannot be read, written or signed; those before it are done.
    """
    target = model.copied_to(run.output) if run.output else model
    signing.require_signable(model, signer, target.signature)
    planned = _plan(model, key_material.of(material), material, run.output)
    done = encryption.carry_out(planned, run)
    bundle, signed = signing.make(target, signer, target.signature, progress=hashing)
    _complete(run, target.signature, bundle)
    return Sealed(signed.files, signed.signature, signed.signer, True, done)


def _plan(model: Model, key: Key, material: bytes, output: Path | None) -> Plan:
    """Looks at what is to be encrypted: all that is there but the bundle.

    Raises:
        PolicyError: see `encryption.plan`; or what stands in the bundle's place is the key.
    """
    outputs.sweep(model.path)
    found = selection.select(model.path)
    own_keys.require_none(found, key)
    own = None if model.own is None else os.fsencode(model.own)
    rest = found._replace(files=[file for file in found.files if file.path != own])
    return encryption.plan_found(rest, material, output=output, also=model.beside)


def _complete(run: Run, place: Path, bundle: bytes) -> None:
    """Writes a bundle, with which an output is complete."""
    if run.output is not None:
        place.parent.mkdir(parents=True, exist_ok=True)
    signing.write(place, bundle)
    run.finish()


def _find_sealed(found: Selection, model: Model) -> bytes | None:
    """Returns a file that is encrypted already, of those that a signature is over."""
    signed = [
        file
        for file in found.files
        if model.ignored.isdisjoint((*listing.above(file.path), file.path))
    ]
    sealed = selection.list_sealed(found._replace(files=signed))
    return next((file.path for file in sealed), None)


def _verify(
    model: Model, signer: Signer, key: Key, sealed: bytes, progress: Progress | None
) -> tuple[Verdict, bytes]:
    """Verifies the bundle that stands there, as this signer's; returns it with the verdict.

    Raises:
        PolicyError: there is none, or it does not hold.
        KeyNotFoundError: a file is encrypted under another key.
    """
    path, file = shown(os.fsencode(model.path)), shown(sealed)
    if not os.path.lexists(model.signature):
        raise PolicyError(
            f"{file}: is encrypted already, and what would be signed is its ciphertext",
            hint=f"`git model decrypt {path}` first; `git model encrypt+sign` signs ciphertext",
        )
    own, reading = signer.verifier(), Opened(key)
    said = "this signer cannot be told before it signs"
    if own is not None:
        verdict = verified.check(model, [own], progress, reading=reading)
        if verdict.good:
            return verdict, reading.signature
        first = verdict.findings[0]
        said = f"{first.reason.value}: {first.detail}"
    raise PolicyError(
        f"{file}: is encrypted already, and {shown(os.fsencode(model.signature))} does not"
        f" hold for it ({said}); nothing was changed",
        hint=f"`git model decrypt+verify METHOD {path}` tells all that differs, and decrypts it"
        " where the signature holds",
    )
