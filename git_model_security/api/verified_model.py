"""Weights out of a model whose signature holds; nothing is written, or decrypted twice.

1. The bundle is by a signer who is trusted, and in a repository over just this commit.
2. A file that is asked for is, as it lies there, what was signed: an envelope has the root
   that was signed for it, which commits to every byte for whoever has the key. Where none was
   signed, its digest is found once, in one pass, and leaves its root.
3. The envelope has that root, whenever it is opened; each segment that is read is of it.

So a file that is exchanged in between is found, and files that nobody asks for cost nothing.
"""

from __future__ import annotations

import hashlib
import io
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, Unpack

from git_model_security.api.verified_commit import Commit
from git_model_security.api.verified_directory import Directory
from git_model_security.api.verified_files import not_as_signed
from git_model_security.directories import model as models
from git_model_security.errors import ConfigError, ModelError
from git_model_security.keyring import key_material
from git_model_security.loading.encrypted_file import open_encrypted, open_regular, unreadable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from _typeshed import StrPath

    from git_model_security.api.options import VerifierOptions
    from git_model_security.api.verified_files import Place, Source
    from git_model_security.envelope import Key
    from git_model_security.keyring.key_material import KeyLike


class VerifiedModel:
    """A model whose signature holds; a context manager.

    Attributes:
        names: the files that were signed.
        signer: who signed, for people.
        roots: that were signed for encrypted files, by name; none where a bundle has none.
    """

    def __init__(self, source: Source, key: Key) -> None:
        self._source = source
        self._key = key
        self._places: dict[str, Place] = {}
        self.names: Sequence[str] = sorted(source.names)
        self.signer = source.signer
        self.roots: Mapping[str, bytes] = source.roots

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Gives back what was held open."""
        self._source.close()

    def open(self, name: str, *, threads: int | None = None) -> io.BufferedReader | io.BytesIO:
        """Opens a file of the model; of an encrypted one its plaintext, as `open_encrypted`.

        Args:
            threads: that open segments of an encrypted file at once.

        Raises:
            VerificationError: it is not what was signed.
            ConfigError: nothing of that name was signed.
            Error: see `open_encrypted`.
        """
        place = self._verified(name)
        if place.root is not None:
            return open_encrypted(place.path, self._key, root=place.root, threads=threads)
        try:
            with open_regular(place.path) as file:
                file.seek(0)  # a path of a descriptor may share its position
                content = file.read()
        except OSError as error:
            raise unreadable(name, error) from error
        if hashlib.sha256(content).digest() != place.sha256:
            raise not_as_signed(name)
        return io.BytesIO(content)

    def safetensors(self, name: str, framework: str = "pt", **more: Any) -> Any:
        """Opens an encrypted safetensors file of the model; see `loading.safetensors`.

        Args:
            framework: `np` or `pt`.
            more: `threads` and `lock`, see `loading.safetensors.safe_open`.

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

    def load_tensors(self, framework: str = "pt", **more: Any) -> dict[str, Any]:
        """Returns the tensors of all safetensors files of the model by name.

        Args:
            framework: `np` or `pt`.
            more: `threads` and `lock`, see `loading.safetensors.safe_open`.

        Raises:
            ModelError: two files have a tensor of one name.
            Error: as `safetensors`.
        """
        found: dict[str, Any] = {}
        for name in self.names:
            if not name.endswith(".safetensors"):
                continue
            with self.safetensors(name, framework, **more) as file:
                tensors = file.get_tensors()
            if twice := found.keys() & tensors.keys():
                raise ModelError(f"{name}: {min(twice)!r} is in another file as well")
            found |= tensors
        return found

    def _verified(self, name: str) -> Place:
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
            `encrypt+sign`, or that came out of a repository; with `revision`, a clone.
        key: a key file, its 32 bytes, or the key.
        revision: the commit to read, such as `HEAD`, of a clone that is the caller's own:
            its Git configuration is used, and its pinned signers are trusted. Nothing need be
            checked out, and nothing is fetched. A directory does not become one by what
            lies in it: it may have come from anywhere.
        signature: of a directory, its bundle, if not the usual one.
        trust: see `VerifierOptions`; of a clone, those that it trusts, unless said.

    Raises:
        VerificationError: the signature does not hold.
        ConfigError: nobody is trusted, or there is no such directory.
        GitError: there is no such clone or commit.
    """
    held = key_material.of(key)
    top = Path(source)
    if revision is not None:
        return VerifiedModel(Commit(top, revision, trust), held)
    found = models.find(top, signature, is_sealed=True)
    return VerifiedModel(Directory(found, held, trust), held)
