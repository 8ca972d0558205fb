"""Key material: reading it from files and variables, making it, exporting it."""

from __future__ import annotations

import base64
import binascii
import os
from pathlib import Path

from git_model_security.envelope import KEY_BYTES, Key
from git_model_security.errors import ConfigError
from git_model_security.keyring import key_files

KeyLike = str | os.PathLike[str] | bytes | Key
"""A key file, the 32 bytes in it, or the key."""


def read(path: Path) -> bytes:
    """Reads a key file: exactly 32 raw bytes, as `dd` or `git model key generate` make.

    Raises:
        ConfigError: it cannot be read, or is something else.
    """
    hint = "name the file that holds the key"
    material = key_files.head(path, 4 * KEY_BYTES, hint=hint)
    _require_key(material, str(path))
    return material


def from_file(path: Path) -> Key:
    """Returns the key in a key file; see `read`."""
    return Key(read(path))


def of(given: KeyLike) -> Key:
    """Returns the key that a program gave: a file, its 32 bytes, or the key itself.

    Raises:
        ConfigError: it is none; no message shows it.
    """
    if isinstance(given, Key):
        return given
    material = material_of(given)
    assert material is not None
    return Key(material)


def material_of(given: KeyLike) -> bytes | None:
    """Returns the 32 bytes of a key that a program gave; a `Key` does not hold them.

    Raises:
        ConfigError: it is none; no message shows it.
    """
    if isinstance(given, Key):
        return None
    if isinstance(given, bytes | bytearray):
        if len(given) != KEY_BYTES:
            raise ConfigError(
                f"the key that was given: {len(given)} bytes; an AES-256 key is {KEY_BYTES}"
                " raw bytes",
                hint="the path of a key file is a str or a Path",
            )
        return bytes(given)
    return read(Path(given))


def _require_key(material: bytes, origin: str) -> None:
    if len(material) != KEY_BYTES:
        raise ConfigError(f"{origin}: {_mistaken(material)}", hint=_remedy(material))


def from_text(text: str, origin: str) -> Key:
    """Returns the key that a text holds; see `decode`."""
    return Key(decode(text, origin))


def decode(text: str, origin: str) -> bytes:
    """Decodes a key given as 64 hexadecimal digits or as base64; no message shows it.

    Raises:
        ConfigError: it is neither, or does not decode to 32 bytes.
    """
    material = _decoded("".join(text.split()))
    if material is None or len(material) != KEY_BYTES:
        raise ConfigError(
            f"{origin}: not a key: 64 hexadecimal digits or base64 of {KEY_BYTES} bytes",
            hint="`base64 < aes256.bin` prints a key file as base64",
        )
    return material


def generate() -> bytes:
    """Returns new key material from the operating system's generator."""
    return os.urandom(KEY_BYTES)


def _decoded(text: str) -> bytes | None:
    try:
        if len(text) == 2 * KEY_BYTES:
            return bytes.fromhex(text)
        return base64.b64decode(text, validate=True)
    except (ValueError, binascii.Error):
        return None


def _mistaken(material: bytes) -> str:
    if material.startswith(b"-----BEGIN "):
        return "a PEM file; an AES-256 key is 32 raw bytes"
    if material and material.isascii() and material.decode().strip().isprintable():
        return "a text file; an AES-256 key is 32 raw bytes"
    size = "more than 127" if len(material) == 4 * KEY_BYTES else str(len(material))
    return f"{size} bytes; an AES-256 key is 32 raw bytes"


def _remedy(material: bytes) -> str:
    if _decoded(material.decode("ascii", "replace").strip()) is not None:
        return "it looks encoded: pass it as GIT_MODEL_KEY, or decode it into a file"
    return "`git model key export FILE` writes such a file, where the repository is unlocked"
