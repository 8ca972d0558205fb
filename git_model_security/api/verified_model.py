"""Weights out of a model whose signature holds; nothing is written, or decrypted twice.

1. The bundle is by a signer who is trusted, and in a repository over just this commit.
2. A file that is asked for is, as it lies there, what was signed. That is found once, in one
   pass, and leaves its root: what commits to every byte for whoever has the key.
3. The envelope has that root, whenever it is opened; each segment that is read is of it.

So a file that is exchanged in between is found, and files that nobody asks for cost nothing.
"""

from __future__ import annotations

import abc
import contextlib
import hashlib
import io
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Self, Unpack

from git_model_security.api import models, options
from git_model_security.clone.clone import Clone
from git_model_security.content import blob, reader
from git_model_security.directories import model as directory_model
from git_model_security.directories.reading import AsTheyStand, Opened
from git_model_security.errors import ConfigError, ModelError, Reason, VerificationError
from git_model_security.git import index
from git_model_security.git.repository import Repository
from git_model_security.keyring import key_material
from git_model_security.loading.encrypted_file import open_encrypted
from git_model_security.policy import gitmodel
from git_model_security.policy.gitmodel import NAME
from git_model_security.signing import bundle
from git_model_security.signing.roles import CIPHERTEXT, ONE_FILE, TREE_ITEM
from git_model_security.trust import verifiers
from git_model_security.verify import directory_bundle, file_digests, tree_check
from git_model_security.verify.model_roots import under

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from _typeshed import StrPath

    from git_model_security.api.options import VerifierOptions
    from git_model_security.directories.model import Model
    from git_model_security.envelope import Key
    from git_model_security.keyring.key_material import KeyLike
    from git_model_security.verify.reading import Reading


class _Place(NamedTuple):
    """Where a file lies that was verified: `root` stands for an envelope, else SHA-256."""

    path: Path
    root: bytes | None
    sha256: bytes | None


class VerifiedModel:
    """A model whose signature holds; a context manager.

    Attributes:
        names: the files that were signed.
        signer: who signed, for people.
    """

    def __init__(self, source: _Source, key: Key) -> None:
        self._source = source
        self._key = key
        self._places: dict[str, _Place] = {}
        self.names: Sequence[str] = sorted(source.names)
        self.signer = source.signer

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Gives back what was held open."""
        self._source.close()

    def open(self, name: str, *, threads: int | None = None) -> io.BufferedReader | io.BytesIO:
        """Opens a file of the model; of an encrypted one its plaintext, as `open_encrypted`.

        Raises:
            VerificationError: it is not what was signed.
            ConfigError: nothing of that name was signed.
            Error: see `open_encrypted`.
        """
        place = self._verified(name)
        if place.root is not None:
            return open_encrypted(place.path, self._key, root=place.root, threads=threads)
        content = place.path.read_bytes()
        if hashlib.sha256(content).digest() != place.sha256:
            raise _not_as_signed(name)
        return io.BytesIO(content)

    def safetensors(self, name: str, framework: str = "pt", **more: Any) -> Any:
        """Opens an encrypted safetensors file of the model; see `loading.safetensors`.

        Args:
            framework: `np` or `pt`.

        Raises:
            Error: as `open`; or it is no safetensors file.
        """
        from git_model_security.loading import safetensors

        place = self._verified(name)
        if place.root is None:
            raise ConfigError(
                f"{name}: is in clear", hint="load it with safetensors, after `verify`"
            )
        return safetensors.safe_open(place.path, self._key, framework, root=place.root, **more)  # type: ignore[arg-type]

    def load_tensors(self, framework: str = "pt") -> dict[str, Any]:
        """Returns the tensors of all safetensors files of the model by name.

        Raises:
            ModelError: two files have a tensor of one name.
            Error: as `safetensors`.
        """
        found: dict[str, Any] = {}
        for name in self.names:
            if not name.endswith(".safetensors"):
                continue
            with self.safetensors(name, framework) as file:
                tensors = file.get_tensors()
            if twice := found.keys() & tensors.keys():
                raise ModelError(f"{name}: {min(twice)!r} is in another file as well")
            found |= tensors
        return found

    def _verified(self, name: str) -> _Place:
        if name not in self._places:
            if name not in self._source.names:
                raise ConfigError(
                    f"{name}: nobody signed a file of that name",
                    hint="the names are those of `VerifiedModel.names`",
                )
            self._places[name] = self._source.verify(name)
        return self._places[name]


def load(
    source: StrPath,
    key: KeyLike,
    *,
    revision: str | None = None,
    signature: StrPath | None = None,
    **trust: Unpack[VerifierOptions],
) -> VerifiedModel:
    """Opens a model for reading once its signature holds.

        with load("granite/", "aes256.bin", public_key="key.pub") as model:
            tensors = model.load_tensors("np")

    Args:
        source: a directory with its bundle, encrypted by `git model sign+encrypt` or
            `encrypt+sign`, or that came out of a repository; or the clone itself, of which
            nothing need be checked out.
        key: a key file, its 32 bytes, or the key.
        revision: of a clone, the commit to read; HEAD, unless said.
        signature: of a directory, its bundle, if not the usual one.
        trust: see `VerifierOptions`; in a clone, those that it trusts, unless said.

    Raises:
        VerificationError: the signature does not hold.
        ConfigError: nobody is trusted, or there is no such directory.
    """
    held = key_material.of(key)
    top = Path(source)
    if revision is not None or _is_clone(top):
        return VerifiedModel(_Committed(top, revision or "HEAD", trust), held)
    found = directory_model.find(top, signature, is_sealed=True)
    return VerifiedModel(_Directory(found, held, trust), held)


def _is_clone(top: Path) -> bool:
    is_bare = (top / "HEAD").is_file() and (top / "objects").is_dir()
    return is_bare or (os.path.lexists(top / ".git") and (top / os.fsdecode(NAME)).is_file())


class _Source(abc.ABC):
    """Where the files of a model are, and what was signed of them.

    Attributes:
        names: the digests that were signed, by name.
        signer: who signed, for people.
    """

    names: Mapping[str, bytes]
    signer: str

    @abc.abstractmethod
    def verify(self, name: str) -> _Place:
        """Returns where a file is, once it is known to be as it was signed.

        Raises:
            VerificationError: it is not.
        """

    @abc.abstractmethod
    def close(self) -> None:
        """Gives back what is held open."""


class _Directory(_Source):
    """Files of a directory, against the bundle in it."""

    def __init__(self, model: Model, key: Key, trust: VerifierOptions) -> None:
        accepted = models.accepted(model, trust)
        self._model = model
        reading = Opened(key)
        signature = os.path.join(".", model.signature)  # noqa: PTH118 - Path drops the `./`
        data = directory_bundle.read(model.top, signature)
        opened = bundle.open_bundle(reading.bundle(b"", data), accepted)
        signed = dict(opened.manifest.files())
        self._is_sealed = opened.subject is not None and opened.subject.role == CIPHERTEXT
        if self._is_sealed:
            del signed[TREE_ITEM]
        if model.only is not None and signed.keys() == {ONE_FILE}:
            signed = {os.fsdecode(model.only): signed[ONE_FILE]}
        self._key = key
        self._manifest = opened.manifest
        self.names, self.signer = signed, str(opened.signer)

    def verify(self, name: str) -> _Place:
        """See `_Source`."""
        # Whether what is signed is ciphertext only a bundle of ours says.
        readings: list[AsTheyStand] = [AsTheyStand()]
        if not self._is_sealed:
            readings.append(Opened(self._key))
        for reading in readings:
            if self._digest(name, reading) == self.names[name]:
                seen = reading.seen[name.encode()]
                path = self._model.top / name
                is_sealed = blob.is_sealed(_head(path))
                return _Place(path, seen if is_sealed else None, None if is_sealed else seen)
        raise _not_as_signed(name)

    def _digest(self, name: str, reading: Reading) -> bytes | None:
        manifest = self._manifest
        found = file_digests.digests(
            self._model.top,
            [name.encode()],
            manifest.digest,
            shard_bytes=manifest.shard_bytes,
            chunks=reading.chunks,
        )
        return found.get(name.encode())

    def close(self) -> None:
        """See `_Source`; nothing is held open."""


class _Committed(_Source):
    """Files of a commit; of an object of git-lfs where it lies, else in a file without name."""

    def __init__(self, top: Path, revision: str, trust: VerifierOptions) -> None:
        repo = Repository.discover(top, local=False)
        self._clone = Clone(repo)
        self._stack = contextlib.ExitStack()
        self._stack.enter_context(self._clone.objects)
        accepted = verifiers.of(repo, options.asked(trust))
        commit = index.unambiguous(repo, revision)
        entries = index.tree(repo, index.require(repo, f"{commit}^{{tree}}"))
        verdict = tree_check.check(
            self._clone, commit, accepted, sealed_only=True, entries=entries
        )
        models.require_good(verdict)
        policy = gitmodel.find(entries, self._clone.objects)
        assert policy is not None  # or nothing had been verified
        if len(policy.roots) > 1:
            raise ConfigError(
                f"{top}: has several models: {', '.join(policy.roots)}",
                hint="`git model export` makes a directory, of which one is loaded",
            )
        root = tree_check.Root(self._clone, policy, policy.roots[0], entries, accepted)
        opened = root.open(CIPHERTEXT)
        self._entries = {os.fsdecode(name): entry for name, entry in under(root.name, entries)}
        signed = opened.manifest.files()
        self.names = {name: signed[name] for name in signed if name in self._entries}
        self.signer = str(opened.signer)

    def verify(self, name: str) -> _Place:
        """See `_Source`."""
        entry = self._entries[name]
        pointer = blob.pointer_of(self._clone.objects.stream(entry.oid))
        reading = AsTheyStand()
        if pointer is not None:
            path = self._clone.lfs.path(pointer)
            with self._clone.lfs.open(pointer) as file:
                found = _digest(reading, file.fileno())
        else:
            held = tempfile.TemporaryFile()  # noqa: SIM115 - it is closed with the model
            self._stack.enter_context(held)
            for chunk in reader.chunks(self._clone, entry.oid):
                held.write(chunk)
            held.seek(0)
            path = Path(f"/dev/fd/{held.fileno()}")
            found = _digest(reading, held.fileno())
        if found != self.names[name]:
            raise _not_as_signed(name)
        is_sealed = blob.is_sealed(_head(path))
        seen = reading.seen[b""]
        return _Place(path, seen if is_sealed else None, None if is_sealed else seen)

    def close(self) -> None:
        """See `_Source`."""
        self._stack.close()


def _digest(reading: AsTheyStand, descriptor: int) -> bytes:
    running = hashlib.sha256()
    for chunk in reading.chunks(b"", descriptor, None):
        running.update(chunk)
    return running.digest()


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(blob.HEAD_BYTES)


def _not_as_signed(name: str) -> VerificationError:
    return VerificationError(
        Reason.TAMPERED,
        f"{name}: not the content that was signed",
        hint="bring back what the signer published, and find out who changed it",
    )
