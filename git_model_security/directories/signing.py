"""Signs a directory or a file without Git, as model_signing does, and reads it once.

The bundle is one of other software: its subject is the name of the model (OMS 1.0, 6.5), and
the stock verifier accepts it.
"""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING, NamedTuple

from git_model_security import files
from git_model_security.directories import model as models
from git_model_security.directories import outputs, own_keys, selection
from git_model_security.errors import GitError, PolicyError, VerificationError
from git_model_security.git.paths import shown
from git_model_security.git.replacement import Replacement, naming
from git_model_security.policy import gitmodel
from git_model_security.signatures import signature_place
from git_model_security.signing import dsse, key_bundle, roles
from git_model_security.signing.manifest import DIGESTS, Digest, Manifest
from git_model_security.verification import bundle_place, directory_bundle, file_digests

if TYPE_CHECKING:
    from pathlib import Path

    from git_model_security.directories.model import Model
    from git_model_security.signing.methods import Signer
    from git_model_security.verification.file_digests import Progress

_NO_DIGEST = {file_digests.NOT_A_FILE, file_digests.UNREADABLE}


class Signed(NamedTuple):
    """What was signed.

    Attributes:
        files: how many.
        signature: where the bundle is.
        signer: who signed, for people.
        manifest: what of it.
    """

    files: int
    signature: Path
    signer: str
    manifest: Manifest


def make_manifest(
    model: Model, digest: Digest = "sha256", progress: Progress | None = None
) -> Manifest:
    """Returns the names and digests of a model's files.

    Raises:
        PolicyError: there are none, or one that cannot be signed.
        GitError: one cannot be read.
    """
    assert digest in DIGESTS, digest
    names = models.list_files(model)
    found = file_digests.digests(model.top, names, digest, progress)
    for name in names:
        if found.get(name) is None or found[name] in _NO_DIGEST:
            raise GitError(
                f"{shown(name)}: cannot be read, so that nothing was signed",
                hint="look who may read it, and run the same again",
            )
    if model.only is not None:
        return Manifest(model.name, digest, {roles.ONE_FILE: found[model.only]})
    items = {roles.name_of(name): found[name] for name in names}
    return Manifest(model.name, digest, items, tuple(model.unsigned))


def digest_of(manifest: Manifest) -> str:
    """Returns the digest of a model, in hexadecimal: SHA-256 over those of its files.

    In the order of their names; a bundle has it as the digest of its subject.
    """
    return key_bundle.root_of(manifest).hex()


def sign(
    model: Model,
    signer: Signer,
    digest: Digest = "sha256",
    progress: Progress | None = None,
) -> Signed:
    """Signs a model, and writes the bundle as a whole.

    Raises:
        PolicyError: see `make`.
        GitError: a file cannot be read, or the bundle cannot be written.
        Error: signing failed.
    """
    bundle, signed = make(model, signer, model.signature, digest, progress)
    write(model.signature, bundle)
    return signed


def make(
    model: Model,
    signer: Signer,
    place: Path,
    digest: Digest = "sha256",
    progress: Progress | None = None,
) -> tuple[bytes, Signed]:
    """Makes the bundle of a model, which is to be written to a place.

    Raises:
        PolicyError: see `require_signable` and `make_manifest`.
        GitError: a file cannot be read.
        Error: signing failed.
    """
    require_signable(model, signer, place)
    manifest = make_manifest(model, digest, progress)
    bundle = signer.sign(manifest)
    _require_own(place, signer, bundle)
    return bundle, Signed(len(manifest.items), place, str(signer.identity), manifest)


def require_signable(model: Model, signer: Signer, place: Path) -> None:
    """Raises where a model is not to be signed, or its bundle is not to be written to a place.

    Raises:
        PolicyError: it is that of a git-model repository, not complete, or has a link or a
            private key; or another signer's bundle, or no bundle, stands in that place.
    """
    require_no_repository(model)
    if model.only is None and not model.is_output:
        selection.require_complete(model.path)
    outputs.sweep(model.path)
    own_keys.require_no_private(model.top, models.list_files(model))
    _require_own(place, signer)


def _require_own(place: Path, signer: Signer, made: bytes | None = None) -> None:
    """Raises where the bundle of another signer stands, or what is none: it would be lost.

    What is called a signature and is none may stand there, and an empty file, as `mktemp`
    makes it.

    Raises:
        PolicyError: it says whose, or what.
    """
    try:
        facts = place.lstat()
    except OSError:  # nothing stands there; or whoever writes there says what is wrong
        return
    try:
        standing = directory_bundle.read(place.parent, bundle_place.of_path(place))
        bundle = dsse.parse(standing)
    except VerificationError as error:
        is_empty = stat.S_ISREG(facts.st_mode) and not facts.st_size
        if is_empty or directory_bundle.is_called_one(os.fsencode(place.name)):
            return
        # Weights or a key, for one, by a slip.
        raise _would_be_lost(place, "what is no signature") from error
    own = signer.verifier()
    if own is not None:
        is_own = signature_place.is_by(own, standing)
    elif made is None:  # a token of Sigstore tells who signs when it is used
        is_own = bundle.kind == signer.identity.method
    else:
        is_own = dsse.signer(bundle) == dsse.signer(dsse.parse(made))
    if not is_own:
        raise _would_be_lost(place, signature_place.describe(standing))


def _would_be_lost(place: Path, said: str) -> PolicyError:
    moving = selection.moving_out(place.parent, os.fsencode(place.name))
    return PolicyError(
        f"{shown(os.fsencode(place))}: {said} stands there already, and would be lost",
        hint=f"--signature OTHER writes ours elsewhere; or move that one away: {moving}",
    )


def require_no_repository(model: Model) -> None:
    """Raises where `git commit` signs the model: another bundle would take that one's place.

    Raises:
        PolicyError: it has a `.gitmodel`.
    """
    policy = model.top / os.fsdecode(gitmodel.NAME)
    if model.only is None and os.path.lexists(policy):
        raise PolicyError(
            f"{shown(os.fsencode(model.path))}: is the model of a git-model repository",
            hint="`git commit` signs it there; `git model export` makes a directory of it",
        )


def write(path: Path, bundle: bytes) -> None:
    """Writes a bundle, whole or not at all.

    Of a run that is killed meanwhile nothing stays that would be a file of the model.

    Raises:
        GitError: it cannot be written.
    """
    with (
        naming(os.fsencode(path)),
        Replacement(path.parent, os.fsencode(path.name), size=len(bundle)) as new,
    ):
        files.write_at(new.descriptor, bundle, 0)
        os.fsync(new.descriptor)
        new.commit()
