"""Where the files of a model are, and how each is found to be what was signed.

In a directory, or in a commit: there an inline blob is put into a file without a name, as the
ciphertext that it is.
"""

from __future__ import annotations

import abc
import contextlib
import hashlib
import os
import stat
import tempfile
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from git_model_security.api import models, options
from git_model_security.clone.clone import Clone
from git_model_security.content import blob, reader
from git_model_security.directories import writing
from git_model_security.directories.reading import AsTheyStand, Opened
from git_model_security.envelope import HEADER_BYTES
from git_model_security.envelope.root import of_file
from git_model_security.errors import ConfigError, Reason, VerificationError
from git_model_security.git import index
from git_model_security.git import partial as partial_clone
from git_model_security.git.repository import Repository
from git_model_security.loading.encrypted_file import (
    open_encrypted,
    open_envelope,
    open_regular,
)
from git_model_security.policy import gitmodel
from git_model_security.signing import bundle
from git_model_security.signing.roles import CIPHERTEXT, ONE_FILE, TREE_ITEM
from git_model_security.trust import verifiers
from git_model_security.verification import (
    directory_bundle,
    directory_check,
    file_digests,
    tree_check,
)
from git_model_security.verification.model_roots import under
from git_model_security.verification.root import Root

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from _typeshed import StrPath

    from git_model_security.api.options import VerifierOptions
    from git_model_security.directories.model import Model
    from git_model_security.envelope import Key
    from git_model_security.errors import Error
    from git_model_security.verification.reading import Reading


class Place(NamedTuple):
    """Where a file lies that was verified: `root` stands for an envelope, else SHA-256."""

    path: Path | Named
    root: bytes | None
    sha256: bytes | None


class Named(os.PathLike[str]):
    """A path that errors call by the name of what was put there."""

    def __init__(self, path: StrPath, name: str) -> None:
        self._path = os.fspath(path)
        self._name = name

    def __fspath__(self) -> str:
        return self._path

    def __str__(self) -> str:
        return self._name


class Source(abc.ABC):
    """Where the files of a model are, and what was signed of them.

    Attributes:
        names: the digests that were signed, by name.
        roots: of envelopes, what was signed beside these: no digest is needed then.
        signer: who signed, for people.
    """

    names: Mapping[str, bytes]
    roots: Mapping[str, bytes]
    signer: str

    @abc.abstractmethod
    def verify(self, name: str) -> Place:
        """Returns where a file is, once it is known to be as it was signed.

        Raises:
            VerificationError: it is not.
        """

    @abc.abstractmethod
    def close(self) -> None:
        """Gives back what is held open."""


class Directory(Source):
    """Files of a directory, against the bundle in it."""

    def __init__(self, model: Model, key: Key, trust: VerifierOptions) -> None:
        accepted = models.accepted(model, trust)
        self._model = model
        reading = Opened(key)
        data = directory_bundle.read(model.top, model.bundle)
        opened = bundle.open_bundle(reading.bundle(b"", data), accepted)
        signed = dict(opened.manifest.files())
        self._is_sealed = opened.subject is not None and opened.subject.role == CIPHERTEXT
        if self._is_sealed:
            del signed[TREE_ITEM]
        if model.only is not None and signed.keys() == {ONE_FILE}:
            signed = {os.fsdecode(model.only): signed[ONE_FILE]}
        self._key = key
        self._readings: Sequence[Callable[[], AsTheyStand]] = (AsTheyStand,)
        if not self._is_sealed:
            # Of other software's bundles nobody knows whether they are over ciphertext.
            others = () if opened.subject else (AsTheyStand,)
            self._readings = (*others, partial(Opened, key))
        self._manifest = opened.manifest
        self.names, self.signer = signed, str(opened.signer)
        self.roots = opened.manifest.roots

    def verify(self, name: str) -> Place:
        """See `Source`."""
        path = self._model.top / name
        if name in self.roots and os.path.lexists(path):
            return _rooted(path, self.roots[name], name)
        for kind in self._readings:
            reading, found = kind(), {}
            with writing.about(os.fsencode(name)):
                found = self._digest(name, reading)
            if found == {os.fsencode(name): self.names[name]}:
                place = _place(path, reading, os.fsencode(name))
                self._require_one_reading(kind, place, name)
                return place
        raise self._differing(name, found)

    def _digest(self, name: str, reading: Reading) -> dict[bytes, bytes]:
        return file_digests.digests(
            self._model.top,
            [os.fsencode(name)],
            self._manifest.digest,
            shard_bytes=self._manifest.shard_bytes,
            chunks=reading.chunks,
        )

    def _require_one_reading(
        self, kind: Callable[[], AsTheyStand], place: Place, name: str
    ) -> None:
        """Has all that is encrypted be read in the way in which the first such file holds.

        Who signed ciphertext and who signed plaintext leave bundles that look alike. Ciphertext
        that was signed, and encrypted again by whoever has the key, would pass for plaintext.

        Raises:
            VerificationError: what is encrypted is ciphertext, which nobody encrypts.
        """
        if place.root is None:
            return
        if kind is not AsTheyStand:
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
        reading = AsTheyStand() if self._is_sealed else Opened(self._key)
        finding, *_ = directory_check.differences(
            signed, found, (), modes, self._model.top, reading
        )
        return VerificationError(finding.reason, f"{name}: {finding.detail}", hint=finding.hint)

    def close(self) -> None:
        """See `Source`; nothing is held open."""


class Commit(Source):
    """Files of a commit; of an object of git-lfs where it lies, else in a file without name."""

    def __init__(self, top: Path, revision: str, trust: VerifierOptions) -> None:
        repo = partial_clone.offline(Repository.discover(top, local=False))
        self._clone = Clone(repo)
        self._stack = contextlib.ExitStack()
        self._stack.enter_context(self._clone.objects)
        accepted = verifiers.of(repo, options.asked(trust))
        commit = index.unambiguous(repo, revision)
        entries = index.tree(repo, index.require(repo, f"{commit}^{{tree}}"))
        # That the tree is the one that was signed; each file when it is asked for.
        verdict = tree_check.check(
            self._clone, commit, accepted, sealed_only=True, entries=entries, chosen=()
        )
        models.require_good(verdict)
        policy = gitmodel.find(entries, self._clone.objects)
        assert policy is not None  # or nothing had been verified
        if len(policy.roots) > 1:
            raise ConfigError(
                f"{top}: has several models: {', '.join(policy.roots)}",
                hint="`git model export` makes a directory, of which one is loaded",
            )
        root = Root(self._clone, policy, policy.roots[0], entries, accepted)
        opened = root.open(CIPHERTEXT)
        self._entries = {os.fsdecode(name): entry for name, entry in under(root.name, entries)}
        signed = opened.manifest.files()
        self.names = {name: signed[name] for name in signed if name in self._entries}
        self.roots = opened.manifest.roots
        self.signer = str(opened.signer)

    def verify(self, name: str) -> Place:
        """See `Source`."""
        entry = self._entries[name]
        pointer = blob.pointer_of(self._clone.objects.stream(entry.oid))
        path: Named
        if pointer is not None:
            self._clone.lfs.open(pointer).close()  # or it says how to fetch it
            path = Named(self._clone.lfs.path(pointer), name)
        else:
            held = tempfile.TemporaryFile()  # noqa: SIM115 - it is closed with the model
            self._stack.enter_context(held)
            for chunk in reader.chunks(self._clone, entry.oid):
                held.write(chunk)
            held.flush()
            path = Named(f"/dev/fd/{held.fileno()}", name)
        if name in self.roots:
            return _rooted(path, self.roots[name], name)
        return _hashed(path, self.names[name], name)

    def close(self) -> None:
        """See `Source`."""
        self._stack.close()


def _rooted(path: Path | Named, signed: bytes, name: str) -> Place:
    """Returns the place of an envelope that has the root that was signed.

    It is only what who opens it has to find, so that nothing else need be read before.

    Raises:
        VerificationError: it has another one, or is none.
        NotFetchedError: it is the pointer of an object of git-lfs.
    """
    with open_envelope(path) as file:
        if of_file(file.fileno()) != signed:
            raise not_as_signed(name)
    return Place(path, signed, None)


def _hashed(path: Path | Named, signed: bytes, name: str) -> Place:
    """Returns the place of a file that has the SHA-256 that was signed.

    Raises:
        VerificationError: it has another one.
    """
    reading, running = AsTheyStand(), hashlib.sha256()
    with open_regular(path) as file:
        # A path of a descriptor may share its position.
        file.seek(0)
        for chunk in reading.chunks(b"", file.fileno(), None):
            running.update(chunk)
    if running.digest() != signed:
        raise not_as_signed(name)
    return _place(path, reading, b"")


def _place(path: Path | Named, reading: AsTheyStand, name: bytes) -> Place:
    if name not in reading.sealed:
        return Place(path, None, reading.seen[name])
    # Without a root it is as long as no envelope is: whoever opens it is told.
    return Place(path, reading.seen.get(name, b""), None)


def not_as_signed(name: str) -> VerificationError:
    """Returns the error of a file that is not what was signed."""
    return VerificationError(
        Reason.TAMPERED,
        f"{name}: not the content that was signed",
        hint="bring back what the signer published, and find out who changed it",
    )
