"""Files of a directory that came from anywhere, against the bundle in it.

What lies in it says neither whose signature counts, nor that it is a clone.
"""

from __future__ import annotations

import os
import stat
from functools import partial
from typing import TYPE_CHECKING

from git_model_security.api import models
from git_model_security.api.verified_files import Source, not_as_signed, place_of, rooted
from git_model_security.content import blob
from git_model_security.directories import writing
from git_model_security.directories.reading import Opened, Remembering
from git_model_security.envelope import HEADER_BYTES
from git_model_security.errors import ConfigError, EnvelopeError, VerificationError
from git_model_security.git.paths import shown
from git_model_security.loading.encrypted_file import open_encrypted
from git_model_security.signing import bundle
from git_model_security.signing.roles import CIPHERTEXT, ONE_FILE, STOCK_SIGNATURE, TREE_ITEM
from git_model_security.verification import directory_bundle, directory_check, file_digests
from git_model_security.verification.directory_check import Files
from git_model_security.verification.kinds import Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from git_model_security.api.options import VerifierOptions
    from git_model_security.api.verified_files import Place
    from git_model_security.directories.model import Model
    from git_model_security.envelope import Key
    from git_model_security.errors import Error
    from git_model_security.verification.reading import Reading


class Directory(Source):
    """Files of a directory, against the bundle in it."""

    def __init__(self, model: Model, key: Key, trust: VerifierOptions) -> None:
        accepted = models.accepted("load", model, trust)
        self._model = model
        name = os.fsencode(model.signature)
        try:
            data = directory_bundle.read(model.top, model.bundle)
            opened = bundle.open_bundle(Opened(key).bundle(name, data), accepted)
        except VerificationError as error:
            raise VerificationError(
                error.reason, f"{shown(name)}: {error}", hint=error.hint, claimed=error.claimed
            ) from error
        signed = dict(opened.manifest.files())
        self._is_sealed = opened.subject is not None and opened.subject.role == CIPHERTEXT
        if self._is_sealed:
            del signed[TREE_ITEM]
        if model.only is not None and signed.keys() == {ONE_FILE}:
            signed = {os.fsdecode(model.only): signed[ONE_FILE]}
        self._key = key
        self._readings: Sequence[Callable[[], Remembering]] = (Remembering,)
        if not self._is_sealed:
            # Of other software's bundles nobody knows whether they are over ciphertext.
            others = () if opened.subject else (Remembering,)
            self._readings = (*others, partial(Opened, key))
        self._manifest = opened.manifest
        self.names, self.signer = signed, str(opened.signer)
        self.roots = opened.manifest.roots

    def verify(self, name: str) -> Place:
        """See `Source`."""
        path = self._model.top / name
        if name in self.roots and os.path.lexists(path):
            return self._rooted(path, name)
        for kind in self._readings:
            reading, found = kind(), {}
            with writing.about(os.fsencode(name)):
                found = self._digest(name, reading)
            if found == {os.fsencode(name): self.names[name]}:
                place = place_of(path, reading, os.fsencode(name))
                self._require_one_reading(kind, place, name)
                return place
        raise self._differing(name, found)

    def _rooted(self, path: Path, name: str) -> Place:
        try:
            return rooted(path, self.roots[name], name)
        except EnvelopeError as error:
            raise VerificationError(
                Kind.NOT_SEALED.reason,
                f"{name}: {Kind.NOT_SEALED.detail}",
                hint=f"`signature=` with the {STOCK_SIGNATURE} is for decrypted files",
            ) from error

    def _digest(self, name: str, reading: Reading) -> dict[bytes, bytes]:
        return file_digests.digests(
            self._model.top,
            [os.fsencode(name)],
            self._manifest.digest,
            shard_bytes=self._manifest.shard_bytes,
            chunks=reading.chunks,
        )

    def _require_one_reading(
        self, kind: Callable[[], Remembering], place: Place, name: str
    ) -> None:
        """Has all that is encrypted be read in the way in which the first such file holds.

        Who signed ciphertext and who signed plaintext leave bundles that look alike. Ciphertext
        that was signed, and encrypted again by whoever has the key, would pass for plaintext.

        Raises:
            VerificationError: what is encrypted is ciphertext, which nobody encrypts.
        """
        if place.root is None:
            return
        if kind is not Remembering:
            with open_encrypted(place.path, self._key, root=place.root) as file:
                if blob.is_sealed(file.read(HEADER_BYTES)):
                    raise not_as_signed(name)
        self._readings = (kind,)

    def _differing(self, name: str, found: Mapping[bytes, bytes]) -> Error:
        """Returns the error of a file that is not what was signed, in words of `verify`."""
        path = os.fsencode(name)
        is_link = (self._model.top / name).is_symlink()
        if found.get(path) == file_digests.UNREADABLE and not is_link:
            return ConfigError(f"{name}: cannot read it")
        modes = {path: stat.S_IFLNK} if is_link else {}
        signed = {path: self.names[name]}
        reading = Remembering() if self._is_sealed else Opened(self._key)
        finding, *_ = directory_check.differences(
            *(signed, found, (), modes), Files(self._model.top, reading)
        )
        return VerificationError(finding.reason, f"{name}: {finding.detail}", hint=finding.hint)

    def close(self) -> None:
        """See `Source`; nothing is held open."""
