"""Recipients: for whom a key may be wrapped, judged before any library sees them.

A recipient comes in a request, from somebody who may send any text, and what is wrapped for
it is committed where everybody can read it. So besides one writing of each kind, this asks
for a key that opens nothing without its secret half: pyrage wraps for points of low order,
whose wraps open without any key, and takes a second line and what stands behind a key.
docs/SPEC.md, "Team: recipients".
"""

from __future__ import annotations

import base64
import hashlib
import math
import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from git_model_security.errors import RecipientError
from git_model_security.messages import legible

if TYPE_CHECKING:
    from collections.abc import Container

X25519, SSH_ED25519, SSH_RSA = "age", "ssh-ed25519", "ssh-rsa"
PASSPHRASE: Final = "scrypt"  # noqa: S105
"""A label of 16 random bytes: it names the file that a passphrase opens, and says nothing."""
PLUGIN: Final = "plugin"

RSA_BITS: Final = (2048, 4096)
MAX_CHARACTERS: Final = 2048
"""The longest is an RSA key of 4096 bits, with under 800."""

_BECH32: Final = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_X25519: Final = re.compile(f"age1([{_BECH32}]{{58}})")
_PLUGIN: Final = re.compile(f"age1([a-z0-9+._-]+)1[{_BECH32}]{{6,}}")
_BLOB: Final = re.compile("(ssh-ed25519|ssh-rsa|scrypt) ([A-Za-z0-9+/]+={0,2})")
_COMMENTED: Final = re.compile(b"(ssh-ed25519 [^ ]+|ssh-rsa [^ ]+)(?: [^\n]*)?\n?")
_LABEL_BYTES: Final = 16
_SUM_CHARACTERS: Final = 6

_PRIME: Final = 2**255 - 19
_EDWARDS_D: Final = -121665 * pow(121666, -1, _PRIME) % _PRIME
"""Of the curve that Ed25519 is on (RFC 8032, 5.1)."""
_LARGEST_EXPONENT: Final = 2**32
_SMALL: Final = math.prod(number for number in range(3, 2000, 2))
_WANTED: Final = "an age recipient (`age1…`), or a public key of ssh-ed25519 or ssh-rsa"
_REFUSED_KINDS: Final = {
    "ecdsa-": "age cannot encrypt for ECDSA keys",
    "sk-": "a key in a token signs, and decrypts nothing",
    "ssh-dss": "DSA keys are no more",
    "github:": "the host would name the keys; paste the key itself",
}


class Recipient(NamedTuple):
    """A recipient in its one writing."""

    kind: str
    text: str

    @property
    def rid(self) -> str:
        """What its wraps are named by."""
        return hashlib.sha256(self.text.encode("ascii")).hexdigest()[:32]


def parse(text: str, plugins: Container[str] = ()) -> Recipient:
    """Judges a recipient as a `reader` line has it.

    Args:
        text: the recipient.
        plugins: names of age plugins that the user's own configuration allows; a plugin
            is a program that is looked for by this name.

    Raises:
        RecipientError: nothing may be wrapped for it; the message says why.
    """
    if len(text) > MAX_CHARACTERS:
        raise RecipientError(f"a recipient of {len(text)} characters is none")
    if _X25519.fullmatch(text):
        return _x25519(text)
    if found := _PLUGIN.fullmatch(text):
        if found[1] not in plugins:
            raise RecipientError(
                f"{_shown(text)}: the age plugin {found[1]!r} is not one that you allow",
                hint="a plugin is a program; only your own configuration names one",
            )
        return Recipient(PLUGIN, text)
    if found := _BLOB.fullmatch(text):
        blob = _decoded(found[2], text)
        {SSH_ED25519: _ed25519, SSH_RSA: _rsa, PASSPHRASE: _label}[found[1]](blob, text)
        return Recipient(found[1], text)
    raise RecipientError(_instead(text), hint=_WANTED)


def from_file(data: bytes) -> Recipient:
    """Judges what `age-keygen` or `ssh-keygen` wrote for others: one recipient.

    The comment behind an ssh key, which names a machine, is left out.

    Raises:
        RecipientError: see `parse`.
    """
    if data.startswith((b"AGE-SECRET-KEY-", b"AGE-PLUGIN-", b"-----BEGIN ")):
        raise RecipientError("a secret key, where a public one is wanted", hint=_WANTED)
    if found := _COMMENTED.fullmatch(data):
        data = found[1]
    return parse(data.removesuffix(b"\n").decode("utf-8", "replace"))


def load(recipient: Recipient) -> Any:
    """Returns what pyrage wraps for.

    Raises:
        RecipientError: pyrage does not take it.
    """
    import pyrage

    try:
        if recipient.kind == X25519:
            return pyrage.x25519.Recipient.from_str(recipient.text)
        return pyrage.ssh.Recipient.from_str(recipient.text)
    except pyrage.RecipientError as error:
        raise RecipientError(
            f"{_shown(recipient.text)}: {str(error)[:1].lower()}{str(error)[1:]}", hint=_WANTED
        ) from None


def _x25519(text: str) -> Recipient:
    recipient = Recipient(X25519, text)
    load(recipient)  # the sum at its end; what pyrage takes is regrouped below
    digits = [_BECH32.index(char) for char in text[len("age1") : -_SUM_CHARACTERS]]
    number = sum(digit << 5 * place for place, digit in enumerate(reversed(digits)))
    point, rest = divmod(number, 1 << 5 * len(digits) - 256)
    value = int.from_bytes(point.to_bytes(32), "little")
    if rest or value >= _PRIME:
        raise RecipientError(f"{_shown(text)}: it is another writing of a key", hint=_WANTED)
    _require_order(value, text)
    return recipient


def _ed25519(blob: bytes, text: str) -> None:
    kind, point = _strings(blob, 2, text)
    if kind != SSH_ED25519.encode() or len(point) != 32:
        raise _damaged(text)
    y = int.from_bytes(point, "little") & (2**255 - 1)
    if y >= _PRIME or not _is_on_curve(y):
        raise RecipientError(f"{_shown(text)}: it is no point of Ed25519", hint=_WANTED)
    # The map to Curve25519 (RFC 7748, 4.1), which has no image of the neutral element.
    _require_order((1 + y) * pow(1 - y, -1, _PRIME) % _PRIME if y != 1 else 0, text)


def _is_on_curve(y: int) -> bool:
    square = (y * y - 1) * pow(_EDWARDS_D * y * y + 1, -1, _PRIME) % _PRIME
    return square == 0 or pow(square, (_PRIME - 1) // 2, _PRIME) == 1


def _require_order(u: int, text: str) -> None:
    """Refuses a point whose multiples are few: every secret would open what is wrapped."""
    from cryptography.hazmat.primitives.asymmetric.x25519 import (
        X25519PrivateKey,
        X25519PublicKey,
    )

    public = X25519PublicKey.from_public_bytes(u.to_bytes(32, "little"))
    try:
        X25519PrivateKey.generate().exchange(public)
    except ValueError:  # RFC 7748, 6.1: the shared secret is zero
        raise RecipientError(
            f"{_shown(text)}: a key of low order; anybody could open what is wrapped for it",
            hint="whoever sent it means harm, or made no real key",
        ) from None


def _rsa(blob: bytes, text: str) -> None:
    kind, exponent, modulus = _strings(blob, 3, text)
    e, n = _integer(exponent, text), _integer(modulus, text)
    if kind != SSH_RSA.encode():
        raise _damaged(text)
    least, most = RSA_BITS
    if not least <= n.bit_length() <= most:
        raise RecipientError(
            f"{_shown(text)}: an RSA key of {n.bit_length()} bits; from {least} to {most} are"
            " wanted",
            hint="`ssh-keygen -t ed25519` makes a key that is shorter and stronger",
        )
    # With an exponent of 1 nothing is encrypted; a modulus that falls apart hides nothing.
    if not 3 <= e < _LARGEST_EXPONENT or e % 2 == 0 or n % 2 == 0 or math.gcd(n, _SMALL) > 1:
        raise RecipientError(f"{_shown(text)}: it is no RSA key", hint=_WANTED)


def _label(blob: bytes, text: str) -> None:
    if len(blob) != _LABEL_BYTES:
        raise _damaged(text)


def _strings(blob: bytes, count: int, text: str) -> list[bytes]:
    """Returns the strings of an SSH public key (RFC 4251, 5), which ends behind them."""
    found = []
    for _ in range(count):
        size = int.from_bytes(blob[:4])
        if len(blob) < 4 + size:
            raise _damaged(text)
        found.append(blob[4 : 4 + size])
        blob = blob[4 + size :]
    if blob:
        raise _damaged(text)
    return found


def _integer(data: bytes, text: str) -> int:
    """Returns a positive `mpint` in its shortest writing (RFC 4251, 5)."""
    value = int.from_bytes(data)
    if not value or data != value.to_bytes(value.bit_length() // 8 + 1):
        raise _damaged(text)
    return value


def _decoded(text: str, whole: str) -> bytes:
    try:
        blob = base64.b64decode(text, validate=True)
    except ValueError:
        raise _damaged(whole) from None
    if base64.b64encode(blob).decode("ascii") != text:
        raise _damaged(whole)
    return blob


def _damaged(text: str) -> RecipientError:
    return RecipientError(f"{_shown(text)}: a damaged key", hint=_WANTED)


def _instead(text: str) -> str:
    """Says what stands where a recipient should; a secret is not repeated."""
    if "SECRET-KEY" in text.upper() or "PRIVATE KEY" in text:
        return "a secret key, where a public one is wanted"
    if "\n" in text or "\r" in text:
        return f"{_shown(text)}: more than one line"
    for start, why in _REFUSED_KINDS.items():
        if text.startswith(start):
            return f"{_shown(text)}: {why}"
    if text.startswith(("ssh-ed25519 ", "ssh-rsa ", "scrypt ")):
        return f"{_shown(text)}: more than a kind and a key in base64"
    if text.lower().startswith("age1"):
        return f"{_shown(text)}: a damaged age recipient"
    return f"{_shown(text)}: no recipient"


def _shown(text: str) -> str:
    return f"`{legible(text[:40])}{'…' * (len(text) > 40)}`"
