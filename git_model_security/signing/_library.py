"""model_signing itself: loading it cheaply, and its two customs that we rely on.

The only module that imports it at run time. Through its public API it signs
digests that are known already, and gives back the manifest that was signed: a
`hashing.Config` may return any manifest, and verification compares that one with
the signed one by `==`. tests/unit/test_signing_contract.py holds the library to it.
"""

from __future__ import annotations

import contextlib
import functools
import os
import sys
import tempfile
from importlib.machinery import PathFinder
from importlib.util import LazyLoader
from pathlib import Path
from typing import TYPE_CHECKING

from git_model_security import messages
from git_model_security.errors import ConfigError
from git_model_security.signing.manifest import Manifest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType

    from model_signing import hashing, manifest, signing

ANY_DIRECTORY = "."
"""The library wants the model's path, and hands it to our own hashing only."""

_SELDOM = frozenset(
    f"model_signing._signing.{name}" for name in ("sign_sigstore", "sign_certificate")
)
"""What a signature by key never touches: two thirds of the import time are sigstore,
requests, tuf and pyOpenSSL, which only these two need."""


class _LazyFinder:
    """Finds the seldom modules where they are, to be executed when first touched.

    They stay what they are: a method that uses one touches it, and it loads.
    """

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        spec = PathFinder.find_spec(name, path, target) if name in _SELDOM else None
        if spec is not None and spec.loader is not None:
            spec.loader = LazyLoader(spec.loader)
        return spec


@functools.cache
def load() -> ModuleType:
    """Imports model_signing, without what signing by key does not need."""
    # pydantic looks for plugins in the metadata of every installed package, at
    # the price of a fifth of the import; whatever it found would run as we sign.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    finder = _LazyFinder()
    sys.meta_path.insert(0, finder)
    try:
        import model_signing
    finally:
        sys.meta_path.remove(finder)
    return model_signing


@contextlib.contextmanager
def off_stdout() -> Iterator[None]:
    """Sends what the library prints to standard error.

    It prints warnings to standard output, where a filter speaks pkt-line and
    `--json` one document.
    """
    with contextlib.redirect_stdout(sys.stderr):
        yield


@contextlib.contextmanager
def scratch(doing: str) -> Iterator[Path]:
    """Gives a private directory: the library reads and writes bundles by path.

    Args:
        doing: names the operation in messages.

    Raises:
        ConfigError: there is no room to work in.
    """
    try:
        with tempfile.TemporaryDirectory(prefix="git-model-") as directory, off_stdout():
            yield Path(directory)
    except OSError as error:
        reason = messages.reason(error)
        raise ConfigError(f"cannot {doing}: {reason}") from error


def sign(
    manifest: Manifest,
    configure: Callable[[signing.Config, Path], None],
    explaining: Callable[[], contextlib.AbstractContextManager[None]] = contextlib.nullcontext,
) -> bytes:
    """Has the library sign digests that are known already.

    Args:
        manifest: what to sign.
        configure: sets the method; gets a private directory too.
        explaining: tells what the library means by an error of its own.

    Raises:
        ConfigError: there is no room to work in.
    """
    config = load().signing.Config().set_hashing_config(prepared(manifest))
    with scratch("sign") as directory, explaining():
        configure(config, directory)
        path = directory / "bundle"
        config.sign(ANY_DIRECTORY, path)
        return path.read_bytes()


def prepared(source: Manifest) -> hashing.Config:
    """Returns a hashing configuration that has hashed already."""
    from model_signing import hashing, manifest
    from model_signing._hashing.hashing import Digest

    serialization = manifest.SerializationType.from_args(
        {
            "method": "files",
            "hash_type": source.digest,
            "allow_symlinks": False,
            "ignore_paths": source.ignore_paths,
        }
    )
    items = [
        serialization.new_item(name, Digest(source.digest, digest))
        for name, digest in source.items.items()
    ]
    ready = manifest.Manifest(source.name, items, serialization)

    class Prepared(hashing.Config):
        def hash(self, *_: object, **__: object) -> manifest.Manifest:
            return ready

    return Prepared()  # type: ignore[no-untyped-call]


def recorder() -> tuple[hashing.Config, list[manifest.Manifest]]:
    """Returns a hashing configuration, and where it puts what was verified.

    Its manifest compares equal to any other and notes that one. The list is empty
    when nothing was compared: then nothing was verified.
    """
    from model_signing import hashing, manifest

    seen: list[manifest.Manifest] = []

    class Recorder(manifest.Manifest):
        def __eq__(self, other: object) -> bool:
            assert isinstance(other, manifest.Manifest)
            seen.append(other)
            return True

        __hash__ = None  # type: ignore[assignment]

    class Recording(hashing.Config):
        def hash(self, *_: object, **__: object) -> manifest.Manifest:
            serialization = manifest.SerializationType.from_args(
                {"method": "files", "hash_type": "sha256", "allow_symlinks": False}
            )
            return Recorder("", [], serialization)

    return Recording(), seen  # type: ignore[no-untyped-call]


def plain(source: manifest.Manifest) -> Manifest:
    """Returns one of the library's manifests as one of ours."""
    terms = source.serialization_type
    items = {
        item.identifier: item.digest.digest_value for item in source.resource_descriptors()
    }
    ignored = tuple(terms.get("ignore_paths", ()))
    shard_bytes = terms.get("shard_size")
    return Manifest(source.model_name, terms["hash_type"], items, ignored, shard_bytes)
