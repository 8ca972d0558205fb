"""Small JSON documents that stand beside weights, in clear or encrypted."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from git_model_security import messages
from git_model_security.envelope import HEADER_BYTES, read_header
from git_model_security.errors import ConfigError, ModelError
from git_model_security.loading.encrypted_file import EncryptedFile
from git_model_security.loading.roots import root_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from git_model_security.keyring.key_material import KeyLike

_MAX_BYTES: Final = 32 << 20
"""As much as a header of safetensors may have, which lists the same tensors as an index."""


def read_object(
    path: Path, key: KeyLike, roots: Mapping[str, bytes] | None = None
) -> dict[str, Any]:
    """Returns the JSON object that a file holds, in clear or encrypted.

    Args:
        roots: that were signed of encrypted files, by their names; None asks for none.

    Raises:
        ModelError: it holds none, or one of over 32 MiB.
        Error: see `open_encrypted`.
    """
    text = _read(path, key, roots)
    try:
        found = json.loads(text) if len(text) <= _MAX_BYTES else None
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise ModelError(f"{path}: no JSON object of at most {_MAX_BYTES} bytes")
    return found


def _read(path: Path, key: KeyLike, roots: Mapping[str, bytes] | None) -> bytes:
    try:
        with path.open("rb") as file:
            head = file.read(HEADER_BYTES)
            if read_header(head) is None:
                return head + file.read(_MAX_BYTES)
    except OSError as error:
        raise ConfigError(f"{path}: cannot read it: {messages.reason(error)}") from error
    with EncryptedFile(path, key, root=root_of(path, roots)) as encrypted:
        return bytes(encrypted.load_part(0, min(encrypted.length, _MAX_BYTES + 1)))
