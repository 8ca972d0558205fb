"""Our own reader of keys on P-256: it reads what `cryptography` writes, and nothing else."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from git_model_security.errors import ConfigError
from git_model_security.signing import p256, pem

_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
"""Of the group (FIPS 186-5, P-256): private scalars are smaller, and not 0."""
_FORMATS = [
    serialization.PrivateFormat.PKCS8,
    serialization.PrivateFormat.TraditionalOpenSSL,
]


def _written(
    key: ec.EllipticCurvePrivateKey,
    form: serialization.PrivateFormat = serialization.PrivateFormat.PKCS8,
) -> tuple[bytes, bytes]:
    """Returns a private key and its public one, as `cryptography` writes them."""
    none = serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, form, none), _public(key)


def _public(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )


@given(scalar=st.integers(1, _ORDER - 1) | st.sampled_from([1, 255, 256, _ORDER - 1]))
def test_keys_are_read_and_written_as_cryptography_does(scalar: int) -> None:
    key = ec.derive_private_key(scalar, ec.SECP256R1())
    private, public = _written(key)
    read = p256.parse_private(private)
    assert read is not None
    assert read.private_numbers() == key.private_numbers()
    found = p256.parse_public(public)
    assert found is not None
    assert found.public_numbers() == key.public_key().public_numbers()
    assert p256.public_pem(found) == public


@given(at=st.integers(0, 240), char=st.integers(0, 255))
def test_a_private_key_with_one_byte_changed_is_no_other_key(at: int, char: int) -> None:
    key = ec.derive_private_key(0xC0FFEE << 200, ec.SECP256R1())
    private, _ = _written(key)
    changed = bytes([*private[:at], char, *private[at + 1 :]])
    read = p256.parse_private(changed)
    assert (read is not None) == (changed == private)


@given(at=st.integers(0, 177), char=st.integers(0, 255))
def test_a_public_key_with_one_byte_changed_is_what_cryptography_says(
    at: int, char: int
) -> None:
    _, public = _written(ec.derive_private_key(7, ec.SECP256R1()))
    changed = bytes([*public[:at], char, *public[at + 1 :]])
    read = p256.parse_public(changed)
    if read is not None:
        assert serialization.load_pem_public_key(changed) == read


@pytest.mark.parametrize("curve", [ec.SECP384R1(), ec.SECP521R1(), ec.SECP256K1()])
def test_other_curves_are_left_to_cryptography(curve: ec.EllipticCurve) -> None:
    key = ec.generate_private_key(curve)
    private, public = _written(key)
    assert p256.parse_private(private) is None
    assert p256.parse_public(public) is None
    assert p256.public_pem(key.public_key()) is None
    assert pem.canonical(key.public_key()) == public


@pytest.mark.parametrize("form", _FORMATS)
@pytest.mark.parametrize("end", [b"", b"\n", b"\r\n"])
def test_other_ways_to_write_a_key_name_the_same_one(
    form: serialization.PrivateFormat, end: bytes
) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    private, public = _written(key, form)
    read = pem.parse_private(private + end)
    assert pem.public_pem(read) == public


def test_a_private_key_beside_another_ones_public_key_is_damaged() -> None:
    one, other = (
        p256._decoded(p256.PRIVATE, _written(ec.derive_private_key(scalar, ec.SECP256R1()))[0])
        for scalar in (5, 6)
    )
    mixed = one[: -p256._POINT_BYTES] + other[-p256._POINT_BYTES :]
    assert p256.parse_private(p256.armored(p256.PRIVATE, one)) is not None
    assert p256.parse_private(p256.armored(p256.PRIVATE, mixed)) is None


def test_a_key_outside_of_the_group_is_damaged() -> None:
    private, _ = _written(ec.derive_private_key(5, ec.SECP256R1()))
    whole = p256._decoded(p256.PRIVATE, private)
    for scalar in (0, _ORDER, 2**256 - 1):
        der = whole.replace((5).to_bytes(32), scalar.to_bytes(32))
        written = p256.armored(p256.PRIVATE, der)
        assert p256.parse_private(written) is None
        with pytest.raises(ConfigError, match="a damaged private key"):
            pem.parse_private(written)
