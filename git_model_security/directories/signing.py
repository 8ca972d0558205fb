"""Signs a directory or a file without Git, as model_signing does, and reads it once.

The bundle is one of other software: its subject is the name of the model (OMS 1.0, 6.5), and
the stock verifier accepts it.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from git_model_security import files, messages
from git_model_security.directories import model as models
from git_model_security.errors import GitError, PolicyError
from git_model_security.git.paths import shown
from git_model_security.policy import gitmodel
from git_model_security.signing import key_bundle, roles
from git_model_security.signing.manifest import DIGESTS, Digest, Manifest
from git_model_security.verify import file_digests

if TYPE_CHECKING:
    from pathlib import Path

    from git_model_security.directories.model import Model
    from git_model_security.signing.methods import Signer
    from git_model_security.verify.file_digests import Progress

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
        PolicyError: see `make_manifest`; or the model is that of a Git repository.
        GitError: a file cannot be read, or the bundle cannot be written.
        Error: signing failed.
    """
    require_no_repository(model)
    manifest = make_manifest(model, digest, progress)
    write(model.signature, signer.sign(manifest))
    return Signed(len(manifest.items), model.signature, str(signer.identity), manifest)


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

    Raises:
        GitError: it cannot be written.
    """
    try:
        files.replace(path, bundle, 0o666, sync=True)
    except OSError as error:
        said = messages.reason(error)
        raise GitError(f"{shown(os.fsencode(path))}: cannot be written: {said}") from error
