"""Key material in clear: what must leave a machine even less than a model.

Finds mistakes: the files that `git model key` and openssl write. A key inside an
archive, or a password, is not seen.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from git_model_security.envelope import KEY_BYTES, Key
from git_model_security.errors import ConfigError
from git_model_security.keyring import key_material

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

_ENCODED_LIMIT_BYTES: Final = 128
"""A key in hexadecimal, and some blanks."""

# RFC 7468, section 10; SEC1, OpenSSH, PGP and encrypted keys have more words.
_PEM: Final = re.compile(rb"(?:\A|[\r\n])-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----")
_REMEDY: Final = "take it out with `git rm --cached`; make a new key if this one was pushed"


# Of 32 random bytes about 30 are different, and 20 are no printable ASCII.
_KEY_NAME: Final = re.compile(rb"(key|aes|secret)[^/]*$", re.IGNORECASE)
_MIN_DIFFERENT: Final = 20
_MIN_UNPRINTABLE: Final = 6


def key_in(
    head: bytes, size: int, key_ids: Collection[str], names: Iterable[bytes] = ()
) -> str | None:
    """Says which key a blob gives away, or returns None.

    Args:
        head: the first bytes of the blob, or all of it.
        size: its length in bytes.
        key_ids: ids of the AES keys that protect this repository. They are public,
            so an audit without any key finds one as well.
        names: paths of the blob: one that is called a key, and looks like one, is one.
    """
    if _PEM.search(head):
        return f"private key (PEM) in clear; {_REMEDY}"
    key_id = _key_id(head, size)
    if key_id is not None and key_id in key_ids:
        return f"the AES-256 key {key_id} itself; {_REMEDY}"
    if size == KEY_BYTES and _is_random(head) and any(map(_KEY_NAME.search, names)):
        return f"32 random bytes in a file that is called a key; {_REMEDY}"
    return None


def _is_random(content: bytes) -> bool:
    unprintable = sum(not 0x20 <= byte < 0x7F for byte in content)
    return len(set(content)) >= _MIN_DIFFERENT and unprintable >= _MIN_UNPRINTABLE


def _key_id(content: bytes, size: int) -> str | None:
    if not KEY_BYTES <= size <= _ENCODED_LIMIT_BYTES:
        return None
    if size == KEY_BYTES:
        return Key(content).id
    try:
        return key_material.from_text(content.decode("ascii"), "").id
    except (ConfigError, UnicodeDecodeError):
        return None
