"""Keys on NIST P-256 in the one encoding that we write, read without a parser of others.

`cryptography`'s readers of PEM come with those of OpenSSH, and their import costs a commit an
eighth of what git-model adds to it. PKCS#8 and SubjectPublicKeyInfo of a key on P-256 are
constant but for the key itself (RFC 5208, 5480 and 5915): whatever is not that, byte for
byte, is None here, and left to those readers. docs/SPEC.md, "Signatures: keys".
"""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import (
        EllipticCurvePrivateKey,
        EllipticCurvePublicKey,
    )

PRIVATE, PUBLIC = "PRIVATE KEY", "PUBLIC KEY"

_SCALAR_BYTES: Final = 32
_POINT_BYTES: Final = 1 + 2 * _SCALAR_BYTES
_PEM_COLUMNS: Final = 64
_PRIVATE_HEAD: Final = bytes.fromhex(
    "308187020100301306072a8648ce3d020106082a8648ce3d030107046d306b0201010420"
)
_OF_POINT: Final = bytes.fromhex("a144034200")
"""What stands between the private scalar and the public point that belongs to it."""
_PUBLIC_HEAD: Final = bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d030107034200")


def parse_private(pem: bytes) -> EllipticCurvePrivateKey | None:
    """Returns a private key that is not encrypted; None where it is written in another way."""
    from cryptography.hazmat.primitives.asymmetric import ec

    der = _decoded(PRIVATE, pem)
    rest = der.removeprefix(_PRIVATE_HEAD)
    scalar, point = rest[:_SCALAR_BYTES], rest[_SCALAR_BYTES:].removeprefix(_OF_POINT)
    if der != _PRIVATE_HEAD + scalar + _OF_POINT + point or len(point) != _POINT_BYTES:
        return None
    try:
        key = ec.derive_private_key(int.from_bytes(scalar), ec.SECP256R1())
    except ValueError:  # no scalar of this curve
        return None
    return key if _point(key.public_key()) == point else None


def parse_public(pem: bytes) -> EllipticCurvePublicKey | None:
    """Returns a public key; None where it is written in another way."""
    return parse_public_der(_decoded(PUBLIC, pem))


def parse_public_der(der: bytes) -> EllipticCurvePublicKey | None:
    """Returns a public key in canonical DER; None where it is written in another way."""
    from cryptography.hazmat.primitives.asymmetric import ec

    point = der.removeprefix(_PUBLIC_HEAD)
    if der != _PUBLIC_HEAD + point or len(point) != _POINT_BYTES:
        return None
    try:
        return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
    except ValueError:  # no point of this curve
        return None


def public_pem(public: EllipticCurvePublicKey) -> bytes | None:
    """Returns a public key in canonical PEM; None where it is on another curve."""
    from cryptography.hazmat.primitives.asymmetric import ec

    if not isinstance(public.curve, ec.SECP256R1):
        return None
    return armored(PUBLIC, _PUBLIC_HEAD + _point(public))


def _point(public: EllipticCurvePublicKey) -> bytes:
    """Returns the uncompressed point (SEC 1, section 2.3.3)."""
    numbers = public.public_numbers()
    return b"\4" + b"".join(one.to_bytes(_SCALAR_BYTES) for one in (numbers.x, numbers.y))


def armored(label: str, der: bytes) -> bytes:
    """Returns DER as PEM is written by OpenSSL, of a key on any curve."""
    text = base64.b64encode(der).decode("ascii")
    lines = [text[at : at + _PEM_COLUMNS] for at in range(0, len(text), _PEM_COLUMNS)]
    marked = [f"-----BEGIN {label}-----", *lines, f"-----END {label}-----", ""]
    return "\n".join(marked).encode("ascii")


def _decoded(label: str, pem: bytes) -> bytes:
    """Returns what a PEM file holds that is written as `armored` does; else nothing."""
    try:
        der = base64.b64decode(b"".join(pem.split(b"\n")[1:-2]), validate=True)
    except binascii.Error:
        return b""
    return der if armored(label, der) == pem else b""
