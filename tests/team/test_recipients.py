"""Recipients: what nothing is wrapped for, and why."""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING

import pyrage
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from hypothesis import given
from hypothesis import strategies as st

from git_model_security.errors import RecipientError
from git_model_security.team import recipients, words
from git_model_security.team.recipients import parse

if TYPE_CHECKING:
    from collections.abc import Iterable

BECH32 = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
PRIME = 2**255 - 19
D = -121665 * pow(121666, -1, PRIME) % PRIME


def bech32(data: bytes, name: str = "age") -> str:
    """Encode by BIP 173: to write what no age program would."""
    number = int.from_bytes(data) << (-len(data) * 8 % 5)
    count = -(-len(data) * 8 // 5)
    return digits([number >> 5 * at & 31 for at in reversed(range(count))], name)


def digits(values: list[int], name: str = "age") -> str:
    expanded = [*(ord(char) >> 5 for char in name), 0, *(ord(char) & 31 for char in name)]
    check = 1
    for value in (*expanded, *values, *[0] * 6):
        top = check >> 25
        check = (check & 0x1FFFFFF) << 5 ^ value
        for at, generator in enumerate(
            (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
        ):
            check ^= generator if top >> at & 1 else 0
    total = check ^ 1
    return f"{name}1" + "".join(
        BECH32[value] for value in (*values, *(total >> 5 * at & 31 for at in range(5, -1, -1)))
    )


def ssh(kind: bytes, *parts: bytes) -> str:
    blob = b"".join(len(part).to_bytes(4) + part for part in (kind, *parts))
    return f"{kind.decode()} {base64.b64encode(blob).decode()}"


def mpint(value: int) -> bytes:
    return value.to_bytes(value.bit_length() // 8 + 1)


def openssh(key: ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey) -> str:
    return (
        key.public_key()
        .public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
        .decode()
    )


AGE = str(pyrage.x25519.Identity.generate().to_public())
ED = openssh(ed25519.Ed25519PrivateKey.generate())
RSA_KEY = rsa.generate_private_key(65537, 2048)
RSA = openssh(RSA_KEY)
N = RSA_KEY.public_key().public_numbers().n
LABEL = f"scrypt {base64.b64encode(bytes(range(16))).decode()}"

LOW_U = [
    0,
    1,
    325606250916557431795983626356110631294008115727848805560023387167927233504,
    39382357235489614581723060781553021112529911719440698176882885853963445705823,
    PRIME - 1,
]
"""Curve25519's points of low order (RFC 7748, 7)."""


def edwards_of(u: int) -> int:
    return (u - 1) * pow(u + 1, -1, PRIME) % PRIME if u != PRIME - 1 else 1


@pytest.mark.parametrize("text", [AGE, ED, RSA, LABEL], ids=["age", "ed25519", "rsa", "label"])
def test_a_recipient_is_taken_in_its_one_writing(text: str) -> None:
    found = parse(text)
    assert found.text == text
    assert found.rid == hashlib.sha256(text.encode()).hexdigest()[:32]
    assert str(words.parse(f"reader ada/laptop {text}")).endswith(text)
    assert words.parse(f"unreader {text}")


@pytest.mark.parametrize("u", LOW_U)
def test_an_x25519_key_of_low_order_is_refused(u: int) -> None:
    with pytest.raises(RecipientError, match="a key of low order"):
        parse(bech32(u.to_bytes(32, "little")))


@pytest.mark.parametrize("sign", [0, 1])
@pytest.mark.parametrize("u", LOW_U)
def test_an_ed25519_key_of_low_order_is_refused(u: int, sign: int) -> None:
    y = edwards_of(u)
    point = (y | sign << 255).to_bytes(32, "little")
    with pytest.raises(RecipientError, match="a key of low order"):
        parse(ssh(b"ssh-ed25519", point))


def test_pyrage_would_wrap_for_such_a_key() -> None:
    """The reason for all this; when it fails, pyrage has learned it."""
    line = ssh(b"ssh-ed25519", edwards_of(0).to_bytes(32, "little"))
    assert pyrage.encrypt(b"key", [pyrage.ssh.Recipient.from_str(line)])
    assert pyrage.ssh.Recipient.from_str(f"{ED}\nsecond line")


def test_another_writing_of_a_point_is_refused() -> None:
    for value in (9 + PRIME, 9 | 1 << 255):
        with pytest.raises(RecipientError):
            parse(bech32(value.to_bytes(32, "little")))
    values = [BECH32.index(char) for char in bech32(bytes([9]) + bytes(31))[4:-6]]
    assert parse(digits(values))
    with pytest.raises(RecipientError):
        parse(digits([*values[:-1], values[-1] | 1]))
    y = next(y for y in range(2, 19) if is_on_curve(y))
    with pytest.raises(RecipientError, match="no point of Ed25519"):
        parse(ssh(b"ssh-ed25519", (y + PRIME).to_bytes(32, "little")))


def is_on_curve(y: int) -> bool:
    square = (y * y - 1) * pow(D * y * y + 1, -1, PRIME) % PRIME
    return pow(square, (PRIME - 1) // 2, PRIME) == 1


def test_what_is_no_point_is_refused() -> None:
    y = next(y for y in range(2, 100) if not is_on_curve(y))
    with pytest.raises(RecipientError, match="no point of Ed25519"):
        parse(ssh(b"ssh-ed25519", y.to_bytes(32, "little")))


BAD = {
    "nothing": ("", "no recipient"),
    "a wrong sum": (AGE[:-1] + ("q" if AGE[-1] != "q" else "p"), "invalid Bech32"),
    "upper case": (AGE.upper(), "a damaged age recipient"),
    "mixed case": ("A" + AGE[1:], "a damaged age recipient"),
    "age and more": (f"{AGE} ada", "a damaged age recipient"),
    "age cut": (AGE[:-1], "a damaged age recipient"),
    "another name": (bech32(bytes([9]) + bytes(31), "agf"), "no recipient"),
    "a second line": (f"{ED}\n{ED}", "more than one line"),
    "a line feed": (f"{AGE}\n", "more than one line"),
    "a carriage return": (f"{ED}\r", "more than one line"),
    "a comment": (f"{ED} ada@laptop", "more than a kind and a key"),
    "a blank behind": (f"{ED} ", "more than a kind and a key"),
    "a blank before": (f" {ED}", "no recipient"),
    "options": (f'command="x" {ED}', "no recipient"),
    "a certificate": (
        ED.replace("ssh-ed25519 ", "ssh-ed25519-cert-v01@openssh.com "),
        "no recip",
    ),
    "ECDSA": ("ecdsa-sha2-nistp256 AAAA", "cannot encrypt for ECDSA"),
    "hardware": ("sk-ssh-ed25519@openssh.com AAAA", "a key in a token signs"),
    "DSA": ("ssh-dss AAAA", "DSA keys are no more"),
    "a name at a host": ("github:ada", "the host would name the keys"),
    "a plugin": (bech32(bytes(5), "age1evil"), "the age plugin 'evil' is not one"),
    "a plugin that is a path": ("age1../../x1qqqqqq", "a damaged age recipient"),
    "no base64": ("ssh-ed25519 ****", "more than a kind and a key"),
    "no padding": (ED.rstrip("=")[:-1], "a damaged key"),
    "a kind within that differs": (f"ssh-rsa {ED.split()[1]}", "a damaged key"),
    "a long point": (ssh(b"ssh-ed25519", bytes(33)), "a damaged key"),
    "a short point": (ssh(b"ssh-ed25519", bytes(31)), "a damaged key"),
    "bytes behind a key": (ssh(b"ssh-ed25519", bytes(32), b""), "a damaged key"),
    "a length beyond the end": (
        f"ssh-ed25519 {base64.b64encode(b'x' * 8).decode()}",
        "damaged",
    ),
    "an empty key": ("ssh-rsa AAAA", "a damaged key"),
    "RSA without a modulus": (ssh(b"ssh-rsa", mpint(65537)), "a damaged key"),
    "RSA 1024": (ssh(b"ssh-rsa", mpint(65537), mpint(2**1023 + 1)), "of 1024 bits; from 2048"),
    "RSA 2047": (ssh(b"ssh-rsa", mpint(65537), mpint(2**2046 + 1)), "of 2047 bits; from 2048"),
    "RSA 4097": (ssh(b"ssh-rsa", mpint(65537), mpint(2**4096 + 1)), "of 4097 bits; from 2048"),
    "an even modulus": (ssh(b"ssh-rsa", mpint(65537), mpint(2**2047)), "it is no RSA key"),
    "a modulus of small factors": (ssh(b"ssh-rsa", mpint(65537), mpint(3**1300)), "no RSA key"),
    "an exponent of 1": (ssh(b"ssh-rsa", mpint(1), mpint(N)), "it is no RSA key"),
    "an even exponent": (ssh(b"ssh-rsa", mpint(65536), mpint(N)), "it is no RSA key"),
    "a long exponent": (ssh(b"ssh-rsa", mpint(2**32 + 1), mpint(N)), "it is no RSA key"),
    "a zero before an integer": (ssh(b"ssh-rsa", b"\0" + mpint(65537), mpint(N)), "damaged"),
    "a negative integer": (ssh(b"ssh-rsa", mpint(65537), mpint(N)[1:]), "a damaged key"),
    "a short label": (f"scrypt {base64.b64encode(bytes(15)).decode()}", "a damaged key"),
    "a very long line": ("ssh-rsa " + "A" * 4000, "4008 characters"),
    "an escape": ("\x1b[31mage1", "no recipient"),
}


@pytest.mark.parametrize("name", BAD)
def test_anything_else_is_refused_with_its_own_message(name: str) -> None:
    text, message = BAD[name]
    with pytest.raises(RecipientError) as caught:
        parse(text)
    assert message in str(caught.value)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    "text",
    [
        str(pyrage.x25519.Identity.generate()),
        "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAA\n",
    ],
    ids=["age", "ssh"],
)
def test_a_secret_key_is_refused_and_not_repeated(text: str) -> None:
    for refuse in (parse, lambda given: recipients.from_file(given.encode())):
        with pytest.raises(RecipientError, match="a secret key") as caught:
            refuse(text)
        assert text[20:30] not in str(caught.value)


def test_a_plugin_is_taken_where_the_user_allows_it() -> None:
    text = bech32(bytes(5), "age1yubikey")
    assert parse(text, plugins={"yubikey"}).kind == "plugin"


def test_the_comment_of_a_public_key_file_is_left_out() -> None:
    def texts(files: Iterable[str]) -> set[str]:
        return {recipients.from_file(file.encode()).text for file in files}

    assert texts([f"{ED}\n", ED, f"{ED} ada@laptop\n", f"{ED} a b\n"]) == {ED}
    assert texts([f"{AGE}\n", AGE]) == {AGE}
    for file in (
        f"{ED}\n{ED}\n",
        f"{ED} x\n{ED}\n",
        f"{ED}\n\n",
        f"{AGE}\n{AGE}\n",
        f"{AGE} x\n",
    ):
        with pytest.raises(RecipientError):
            recipients.from_file(file.encode())


@pytest.mark.parametrize("bits", [3072, 4096])
def test_larger_rsa_keys_are_taken(bits: int) -> None:
    assert parse(openssh(rsa.generate_private_key(65537, bits))).kind == "ssh-rsa"


@given(st.binary(min_size=32, max_size=32))
def test_each_x25519_key_that_is_taken_can_be_wrapped_for(point: bytes) -> None:
    try:
        found = parse(bech32(point))
    except RecipientError:
        return
    assert pyrage.encrypt(b"key", [recipients.load(found)])


@given(st.binary(min_size=32, max_size=32))
def test_each_ed25519_key_that_is_taken_can_be_wrapped_for(point: bytes) -> None:
    try:
        found = parse(ssh(b"ssh-ed25519", point))
    except RecipientError:
        return
    assert pyrage.encrypt(b"key", [recipients.load(found)])


def test_a_key_of_another_kind_in_ssh_form_is_refused() -> None:
    public = ec.generate_private_key(ec.SECP256R1()).public_key()
    text = public.public_bytes(
        serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH
    )
    with pytest.raises(RecipientError, match="ECDSA"):
        recipients.from_file(text + b" ada@laptop\n")
