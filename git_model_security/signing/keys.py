"""Signing keys in files: making them and reading them.

docs/SPEC.md, "Signatures: keys".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_model_security.keyring import key_files
from git_model_security.signing import pem
from git_model_security.signing.pem import fingerprint, public_pem

if TYPE_CHECKING:
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

    from git_model_security.signing.pem import Password

__all__ = [
    "fingerprint",
    "generate",
    "load_private",
    "new",
    "public_pem",
]


def generate(path: Path) -> str:
    """Makes a P-256 key and writes it to a new file of mode 0600, as PKCS#8 PEM.

    Returns:
        The fingerprint.

    Raises:
        ConfigError: the file exists, or cannot be written.
    """
    key = new()
    key_files.write_new(path, pem.private_pem(key))
    return fingerprint(public_pem(key))


def new() -> EllipticCurvePrivateKey:
    """Returns a new P-256 key."""
    from cryptography.hazmat.primitives.asymmetric import ec

    return ec.generate_private_key(ec.SECP256R1())


def load_private(path: Path, password: Password | None = None) -> EllipticCurvePrivateKey:
    """Reads a private key.

    Args:
        path: a PEM file.
        password: of the key, used or asked for only if it is encrypted.

    Raises:
        ConfigError: it is something else; the message says what.
    """
    return pem.parse_private(key_files.read(path), password, str(path))
