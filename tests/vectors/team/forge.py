"""Lists as anybody may write them: each line as it is given, signed by whom one likes.

It shares no code with git-model, so that it writes what git-model would not.
"""

from __future__ import annotations

import base64
import hashlib
from functools import cached_property

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils

IDENTITY = "81e451f8e225b2329284a5358d9b7d0a"
TIME = "2026-11-29T14:02:11Z"
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
ORDERS = {
    256: ORDER,
    384: (1 << 384) - 0x389CB27E0BC8D220A7E5F24DB74F58851313E695333AD68D,
    521: (1 << 521) - 0x5AE79787C40D069948033FEB708F65A2FC44A36477663B851449048E16EC79BF7,
}


class Hand:
    """A signing key on P-256 (or another curve), the same in each run."""

    def __init__(
        self, name: str, device: str = "laptop", curve: ec.EllipticCurve | None = None
    ):
        self.name = name
        self.label = f"{name}/{device}"
        scalar = int.from_bytes(hashlib.sha256(self.label.encode()).digest())
        self.private = ec.derive_private_key(scalar, curve or ec.SECP256R1())

    @cached_property
    def der(self) -> bytes:
        return self.private.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )

    @cached_property
    def pem(self) -> bytes:
        return self.private.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )

    @property
    def pin(self) -> str:
        return base64.b64encode(self.der).decode()

    @property
    def fingerprint(self) -> str:
        return hashlib.sha256(self.pem).hexdigest()

    def signer(self, roles: str = "content+list") -> str:
        return f"signer {self.label} {roles} key {self.pin}"

    def raw(self, data: bytes) -> tuple[int, int]:
        by_bits = {256: hashes.SHA256(), 384: hashes.SHA384(), 521: hashes.SHA512()}
        # Deterministic (RFC 6979), so that vectors are the same in each run.
        algorithm = ec.ECDSA(by_bits[self.private.key_size], deterministic_signing=True)
        return utils.decode_dss_signature(self.private.sign(data, algorithm))

    def sign(self, data: bytes, *, high: bool = False) -> bytes:
        r, s = self.raw(data)
        order = ORDERS[self.private.key_size]
        if (s > order // 2) != high:
            s = order - s
        return utils.encode_dss_signature(r, s)


ADA, BOB, CY, MALLORY = (Hand(name) for name in ("ada", "bob", "cy", "mallory"))
ADA_CI = Hand("ada", "ci")


def key_id(number: int) -> str:
    return hashlib.sha256(b"%d" % number).hexdigest()[:32]


def reader(number: int) -> str:
    """Return a recipient by form alone; it has no sum that holds."""
    digits = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
    value = hashlib.sha512(b"%d" % number).digest()
    return "age1" + "".join(digits[byte % 32] for byte in value[:58])


def header(identity: str = IDENTITY) -> bytes:
    return f"git-model-team 1 {identity}\n".encode()


def signed_bytes(data: bytes) -> bytes:
    kind = b"application/vnd.git-model.team.v1"
    payload = hashlib.sha256(data).digest()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def signature(hand: Hand, data: bytes, *, high: bool = False) -> bytes:
    der = hand.sign(signed_bytes(data), high=high)
    return f"sig {hand.fingerprint} {base64.b64encode(der).decode()}\n".encode()


def sign(data: bytes, *hands: Hand) -> bytes:
    """Sign the last change, in the order of the fingerprints."""
    ordered = sorted(hands, key=lambda hand: hand.fingerprint)
    return data + b"".join(signature(hand, data) for hand in ordered)


def change(number: int, *lines: str, time: str = TIME) -> bytes:
    return "".join(f"{line}\n" for line in (f"change {number} {time}", *lines)).encode()


class List:
    """A list that grows, change by change."""

    def __init__(self, data: bytes | None = None, number: int = 0) -> None:
        self.data = header() if data is None else data
        self.number = number

    def add(self, *lines: str, by: tuple[Hand, ...] = (ADA,)) -> List:
        """Return a list with one change more."""
        longer = self.data + change(self.number + 1, *lines)
        return List(sign(longer, *by), self.number + 1)


FIRST = (
    "member ada Ada Lovelace <ada@example.org>",
    ADA.signer(),
    f"reader ada/laptop {reader(1)}",
    f"key main {key_id(1)}",
    "may main ada",
)
WITH_BOB = ("member bob Bob", BOB.signer(), f"reader bob/laptop {reader(2)}", "may main bob")


def one() -> List:
    """Ada alone."""
    return List().add(*FIRST)


def two() -> List:
    """Ada and Bob, each of whom may change the list alone."""
    return one().add(*WITH_BOB)


def both() -> List:
    """Ada and Bob, who change the list together."""
    return two().add("quorum 2")
