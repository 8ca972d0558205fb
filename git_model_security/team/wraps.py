"""Wraps: an AES key encrypted for one recipient, as an age file of its 32 raw bytes.

A wrap needs no signature: what comes out of it is judged by the id of the key that was
asked for. It is hostile all the same, since whoever can push can put one there, so length,
stanzas and the cost of a passphrase are looked at before pyrage sees it. `age -d` opens
what is written here. docs/SPEC.md, "Team: wraps".
"""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING, Final, NamedTuple

from git_model_security.envelope import KEY_BYTES, Key
from git_model_security.errors import RecipientError, WrapError
from git_model_security.team import recipients
from git_model_security.team.recipients import PASSPHRASE, Recipient

if TYPE_CHECKING:
    from collections.abc import Sequence

    from git_model_security.team.identities import Identity

MAX_BYTES: Final = 8 * 1024
"""Asked of the file before it is read."""
MAX_STANZAS: Final = 4
"""One for the recipient and one of grease, which rage adds; parsing is quadratic in them."""
MAX_WORK_FACTOR: Final = 20
"""Two seconds and a gibibyte; each one more doubles both."""

_BEGIN: Final = b"-----BEGIN AGE ENCRYPTED FILE-----"
_END: Final = b"-----END AGE ENCRYPTED FILE-----"
_VERSION: Final = b"age-encryption.org/v1\n"
_STANZA: Final = re.compile(rb"^-> ([^\n]*)$", re.MULTILINE)
_FACTOR: Final = re.compile(rb"scrypt [A-Za-z0-9+/]{22} ([1-9][0-9]?)")
_NO_MATCH: Final = "no matching keys found"
_HINT: Final = "somebody exchanged it; ask who may change the team to wrap the key again"


class Wrap(NamedTuple):
    """An age file whose outside is as it must be.

    Attributes:
        content: the file without armor, which is what was looked at.
        needs_passphrase: whether a passphrase opens it, and nothing else.
    """

    content: bytes
    needs_passphrase: bool


def wrap(material: bytes, recipient: Recipient) -> bytes:
    """Wraps a key for one recipient, armored; each call gives other bytes.

    Raises:
        RecipientError: nothing is wrapped for it here.
    """
    import pyrage

    assert len(material) == KEY_BYTES
    if recipient.kind in {PASSPHRASE, recipients.PLUGIN}:
        raise RecipientError(f"nothing is wrapped for a {recipient.kind} without its owner")
    # Judged again: a line of a list is read by its form alone.
    judged = recipients.parse(recipient.text)
    return _checked(pyrage.encrypt(material, [recipients.load(judged)], armored=True))


def wrap_by_passphrase(material: bytes, passphrase: str) -> bytes:
    """Wraps a key by a passphrase; whoever has the repository can guess as long as they like.

    Raises:
        RecipientError: the passphrase is empty.
    """
    import pyrage

    assert len(material) == KEY_BYTES
    if not passphrase:
        raise RecipientError("an empty passphrase protects nothing")
    return _checked(pyrage.passphrase.encrypt(material, passphrase, armored=True))


def inspect(data: bytes) -> Wrap:
    """Looks at the outside of a wrap, or of an encrypted identity.

    Raises:
        WrapError: it is no age file, or one that would take too long to open.
    """
    if len(data) > MAX_BYTES:
        raise WrapError(f"{len(data)} bytes are more than a wrapped key has", hint=_HINT)
    content = _without_armor(data) if data.startswith(_BEGIN) else data
    head, end, _ = content.partition(b"\n--- ")
    if not content.startswith(_VERSION) or not end:
        raise WrapError("not a file of age, version 1", hint=_HINT)
    stanzas = _STANZA.findall(head)
    if not 1 <= len(stanzas) <= MAX_STANZAS:
        raise WrapError(
            f"{len(stanzas)} stanzas, where 1 to {MAX_STANZAS} are wanted", hint=_HINT
        )
    by_passphrase = [one for one in stanzas if one.startswith(b"scrypt ")]
    if not by_passphrase:
        return Wrap(content, needs_passphrase=False)
    if len(stanzas) > 1:
        # Else who knows the passphrase of one reader could not tell who else reads.
        raise WrapError("a passphrase stands beside other recipients", hint=_HINT)
    factor = _FACTOR.fullmatch(by_passphrase[0])
    if factor is None or int(factor[1]) > MAX_WORK_FACTOR:
        raise WrapError(
            f"its passphrase costs more than a work factor of {MAX_WORK_FACTOR}", hint=_HINT
        )
    return Wrap(content, needs_passphrase=True)


def unwrap(data: bytes, key_id: str, identities: Sequence[Identity]) -> bytes | None:
    """Opens a wrap; returns the 32 bytes of the key, or None where it is for nobody here.

    Args:
        data: the file.
        key_id: of the key that it must hold.
        identities: the user's own.

    Raises:
        WrapError: it is damaged, or holds something else.
    """
    found = inspect(data)
    if found.needs_passphrase or not identities:
        return None
    opened = decrypted(found, identities)
    return None if opened is None else _judged(opened, key_id)


def unwrap_by_passphrase(data: bytes, key_id: str, passphrase: str) -> bytes | None:
    """Opens a wrap by a passphrase; None where that is another one.

    Raises:
        WrapError: no passphrase opens it, or it holds something else.
    """
    found = inspect(data)
    if not found.needs_passphrase:
        raise WrapError("no passphrase opens it", hint="it is wrapped for a key")
    opened = decrypted_by_passphrase(found, passphrase)
    return None if opened is None else _judged(opened, key_id)


def decrypted(found: Wrap, identities: Sequence[Identity]) -> bytes | None:
    """Returns what a file of age holds; None where no identity opens it.

    Raises:
        WrapError: it is damaged.
    """
    import pyrage

    try:
        opened: bytes = pyrage.decrypt(found.content, [one.handle for one in identities])
    except pyrage.DecryptError as error:
        if str(error).lower() == _NO_MATCH:
            return None
        # It may go on in a second line, with advice that is not ours.
        why = str(error).partition("\n")[0].rstrip(".").lower()
        raise WrapError(f"it is damaged: {why}", hint=_HINT) from None
    return opened


def decrypted_by_passphrase(found: Wrap, passphrase: str) -> bytes | None:
    """Returns what a file of age holds; None where the passphrase is another one.

    Damage looks the same.
    """
    import pyrage

    try:
        opened: bytes = pyrage.passphrase.decrypt(found.content, passphrase)
    except pyrage.DecryptError:
        return None
    return opened


def _judged(material: bytes, key_id: str) -> bytes:
    if len(material) != KEY_BYTES:
        raise WrapError(f"it holds {len(material)} bytes, and no key", hint=_HINT)
    found = Key(material).id
    if found != key_id:
        raise WrapError(f"it holds the key {found}, not {key_id}", hint=_HINT)
    return material


def _checked(data: bytes) -> bytes:
    inspect(data)
    return data


def _without_armor(data: bytes) -> bytes:
    lines = data.splitlines()
    if lines[-1] != _END or len(lines) < 3:
        raise WrapError("its armor is damaged", hint=_HINT)
    try:
        return base64.b64decode(b"".join(lines[1:-1]), validate=True)
    except ValueError:
        raise WrapError("its armor is damaged", hint=_HINT) from None
