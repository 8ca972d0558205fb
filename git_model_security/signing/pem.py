"""Signing keys in PEM: telling them from everything else, and naming them.

NIST P-256, P-384 and P-521, as model_signing takes them: PKCS#8, and SEC1 "EC
PRIVATE KEY" as `openssl ecparam -genkey` writes it, with or without the "EC
PARAMETERS" before it. Bytes in, bytes out. docs/SPEC.md, "Signatures: keys".
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from git_model_security.errors import ConfigError
from git_model_security.signing import p256

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import (
        EllipticCurvePrivateKey,
        EllipticCurvePublicKey,
    )

Password = bytes | Callable[[str], bytes | None]
"""A password, or what asks for it, given what it is for, and returns None without one."""

AES_KEY_BYTES = 32
_CURVES = ("secp256r1", "secp384r1", "secp521r1")

WANTED = "a signing key is an elliptic-curve key on NIST P-256, P-384 or P-521, in PEM"
_GENERATE = "`git model key generate-signing PRIVATE PUBLIC` makes a new pair"
_PASSWORD = "set GIT_MODEL_SIGNING_KEY_PASSWORD or GIT_ASKPASS, or use a terminal"  # noqa: S105
_WRONG = (
    "where GIT_MODEL_SIGNING_KEY_PASSWORD is set, nobody is asked: give it the passphrase of"
    " this key, or unset it; else answer again"
)


def parse_private(
    pem: bytes, password: Password | None = None, origin: str = "the signing key"
) -> EllipticCurvePrivateKey:
    """Parses a private key; a password is used or asked for only if it is encrypted.

    Raises:
        ConfigError: it is something else; the message says what.
    """
    if (known := p256.parse_private(pem)) is not None:
        return known
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    labels = _labels(pem)
    if not any(label.endswith("PRIVATE KEY") for label in labels):
        raise ConfigError(f"{origin}: {_instead(pem, labels, 'private')}", hint=_GENERATE)
    _require_one(labels, origin)
    if "OPENSSH PRIVATE KEY" in labels:
        raise ConfigError(f"{origin}: an OpenSSH key; {WANTED}", hint=_GENERATE)
    encrypted = "ENCRYPTED PRIVATE KEY" in labels or b"Proc-Type: 4,ENCRYPTED" in pem
    secret = None
    if encrypted:
        secret = password(origin) if callable(password) else password
    if encrypted and not secret:
        raise ConfigError(f"{origin}: the private key is encrypted", hint=_PASSWORD)
    try:
        # A password for a key that has none is a TypeError there: the variable may
        # be set for another key.
        key = load_pem_private_key(pem, secret)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        if encrypted:
            raise ConfigError(
                f"{origin}: the password does not open the private key", hint=_WRONG
            ) from error
        raise ConfigError(f"{origin}: a damaged private key", hint=_GENERATE) from error
    if reason := key_fault(key.public_key()):
        raise ConfigError(f"{origin}: {reason}", hint=_GENERATE)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    return key


def parse_public(pem: bytes, origin: str = "the public key") -> EllipticCurvePublicKey:
    """Parses a public key.

    Raises:
        ConfigError: it is something else; the message says what.
    """
    if (known := p256.parse_public(pem)) is not None:
        return known
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    labels = _labels(pem)
    if any(label.endswith("PRIVATE KEY") for label in labels):
        raise ConfigError(
            f"{origin}: a private key where the public one is wanted",
            hint="`openssl ec -in PRIVATE -pubout -out PUBLIC` writes the public key",
        )
    if "PUBLIC KEY" not in labels:
        raise ConfigError(
            f"{origin}: {_instead(pem, labels, 'public')}", hint="ask the signer for it"
        )
    _require_one(labels, origin)
    try:
        key = load_pem_public_key(pem)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise ConfigError(f"{origin}: a damaged public key") from error
    if reason := key_fault(key):
        raise ConfigError(f"{origin}: {reason}", hint=_GENERATE)
    assert isinstance(key, ec.EllipticCurvePublicKey)
    return key


def of_der(der: bytes) -> bytes:
    """Returns the PEM of a public key in DER; of canonical DER it is the canonical one."""
    return p256.armored(p256.PUBLIC, der)


def parse_public_der(der: bytes, origin: str = "the public key") -> EllipticCurvePublicKey:
    """Parses a public key in DER, of which there is one writing.

    Raises:
        ConfigError: it is something else, or written in another way.
    """
    if (known := p256.parse_public_der(der)) is not None:
        return known
    text = of_der(der)
    key = parse_public(text, origin)
    if canonical(key) != text:
        raise ConfigError(f"{origin}: not written as SubjectPublicKeyInfo alone is")
    return key


def _require_one(labels: list[str], origin: str) -> None:
    """Refuses a file of several keys: one of them would be taken, and nobody says which."""
    keys = [label for label in labels if label.endswith(" KEY")]
    if len(keys) > 1:
        raise ConfigError(
            f"{origin}: holds {len(keys)} keys, where one is wanted",
            hint="put each key into a file of its own",
        )


def private_pem(private: EllipticCurvePrivateKey) -> bytes:
    """Returns the private key as PKCS#8 PEM, not encrypted."""
    from cryptography.hazmat.primitives import serialization

    return private.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def public_pem(private: EllipticCurvePrivateKey) -> bytes:
    """Returns the public key in canonical PEM (SubjectPublicKeyInfo)."""
    return canonical(private.public_key())


def canonical(public: EllipticCurvePublicKey) -> bytes:
    """Returns a public key in canonical PEM (SubjectPublicKeyInfo)."""
    if (known := p256.public_pem(public)) is not None:
        return known
    from cryptography.hazmat.primitives import serialization

    return public.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def key_fault(public: object) -> str | None:
    """Returns why a public key of any kind is none that verifies models, or None."""
    from cryptography.hazmat.primitives.asymmetric import ec

    if not isinstance(public, ec.EllipticCurvePublicKey):
        kind = type(public).__name__.removesuffix("PublicKey").lstrip("_")
        return f"a key of the kind {kind}; {WANTED}"
    if public.curve.name not in _CURVES:
        return f"a key on the curve {public.curve.name}; {WANTED}"
    return None


def fingerprint(canonical_pem: bytes) -> str:
    """Returns what names a key, as in model_signing's hints: SHA-256 over its canonical PEM."""
    return hashlib.sha256(canonical_pem).hexdigest()


def is_fingerprint(text: str) -> bool:
    """Tells whether a text has the form of a fingerprint."""
    return re.fullmatch("[0-9a-f]{64}", text) is not None


def _labels(pem: bytes) -> list[str]:
    return [found.decode() for found in re.findall(rb"-----BEGIN ([A-Z0-9 ]+)-----", pem)]


def _instead(pem: bytes, labels: list[str], wanted: str) -> str:
    if labels:
        # What stands first may be parameters; the last block is the thing itself.
        return f"a PEM file that holds {labels[-1]!r}, not a {wanted} key; {WANTED}"
    if len(pem) == AES_KEY_BYTES:
        return f"{AES_KEY_BYTES} bytes, as an AES-256 key has; {WANTED}"
    return f"not a PEM file; {WANTED}"
