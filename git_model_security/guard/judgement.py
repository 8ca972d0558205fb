"""What one blob is: ciphertext, proven or not; key material in clear; or what nobody decided.

A key must leave a machine even less than a model. Finds mistakes: the files that `git model
key` and openssl write. A key inside an archive, or a password, is not seen.

No list of names or formats knows every model. So whoever makes a large binary file in clear
says once what it is: `git model track` encrypts it, `git model untrack` puts on record that it
is clear. Asked is who makes it, never who only has it: what a branch has is out already, or
was made before anybody asked.
"""

from __future__ import annotations

import os
import re
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final, NamedTuple, cast

from git_model_security.content.blob import Kind
from git_model_security.envelope import KEY_BYTES, Key
from git_model_security.errors import (
    AuthenticationError,
    ConfigError,
    EnvelopeError,
    NewerFormatError,
)
from git_model_security.git import history
from git_model_security.git.objects import CHUNK_BYTES
from git_model_security.guard import finding
from git_model_security.guard.finding import UNDECIDED, Finding
from git_model_security.keyring import key_material
from git_model_security.policy.content import is_text, model_format

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from git_model_security.content.blob import Blob
    from git_model_security.git.repository import Repository

LOOKALIKE = "a pointer that is not written as git-lfs does"
ENCODED_LIMIT_BYTES: Final = 128
"""A key in hexadecimal, and some blanks."""
# RFC 7468, section 10; SEC1, OpenSSH, PGP and encrypted keys have more words.
_PEM: Final = re.compile(rb"(?:\A|[\r\n])-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----")
_REMEDY: Final = "take it out with `git rm --cached`; make a new key if this one was pushed"
# Of 32 random bytes about 30 are different, and 20 are no printable ASCII.
_KEY_NAME: Final = re.compile(rb"(key|aes|secret)[^/]*$", re.IGNORECASE)
_MIN_DIFFERENT: Final = 20
_MIN_UNPRINTABLE: Final = 6
LIMIT_BYTES: Final = 256 * 1024
"""No longer are most pictures in documents, and no model that is worth anything."""
_REFS: Final = ("--branches", "--tags", "--remotes")
"""Not a stash, which nobody publishes, nor a HEAD in the middle of a rebase."""


class Judgement(NamedTuple):
    """What a blob at a protected path is.

    Attributes:
        rule: what it breaks; None for ciphertext.
        detail: what it is, for a person: lower case, no full stop.
        is_proven: it was opened to its end, or is the empty file.
    """

    rule: str | None
    detail: str = ""
    is_proven: bool = False


def judge(blob: Blob, keys: Mapping[str, Key] | None = None) -> Judgement:
    """Judges a blob at a protected path, that is here.

    Reads all of an envelope and only the head of anything else. Which of the
    `keys` is tried is what the header names; another key proves nothing.

    1. The empty blob is the empty file.
    2. What does not begin as an envelope does is a pointer or plaintext.
    3. A header that is cut is a damaged envelope: behind a copied one can stand
       plaintext. Of an unknown version or suite nothing can be said here.
    4. With the key that the header names the whole envelope must open.
    5. Without it, framing and randomness of each segment are checked.
    """
    if blob.kind is Kind.EMPTY:
        return Judgement(None, is_proven=True)
    if blob.kind.is_pointer:
        return Judgement(finding.POINTER, LOOKALIKE)
    if blob.kind is Kind.CLEAR:
        found = model_format(blob.head, blob.size, b"")
        shown = f" ({found})" if found else ""
        return Judgement(finding.PLAINTEXT, f"plaintext at a protected path{shown}")
    # Importing the ciphers costs time that a commit without ciphertext need not pay.
    from git_model_security.envelope import HEADER_BYTES, check_framing, decrypt, read_header

    stream = cast("BinaryIO", blob.file)
    try:
        header = read_header(blob.head[:HEADER_BYTES])
        assert header is not None
        if keys and header.key_id in keys:
            with Path(os.devnull).open("wb", buffering=0) as nowhere:
                decrypt(keys, stream, nowhere)
            return Judgement(None, is_proven=True)
        check_framing(stream)
    except NewerFormatError as error:
        said = f"{error}: a newer git-model is needed to check it"
        return Judgement(finding.NEWER, said)
    except AuthenticationError as error:
        return Judgement(finding.DAMAGED, f"envelope does not authenticate: {error}")
    except EnvelopeError as error:
        return Judgement(finding.DAMAGED, f"damaged envelope: {error}")
    return Judgement(None)


def key_in(
    head: bytes, size: int, key_ids: Collection[str], names: Iterable[bytes] = ()
) -> str | None:
    """Says which key a blob gives away, or returns None.

    Args:
        head: the first bytes of the blob, or all of it.
        key_ids: ids of the AES keys that protect this repository. They are public,
            so an audit without any key finds one as well.
        names: paths of the blob: one that is called a key, and looks like one, is one.
    """
    if is_private_key(head):
        return f"private key (PEM) in clear; {_REMEDY}"
    key_id = key_id_of(head, size)
    if key_id is not None and key_id in key_ids:
        return f"the AES-256 key {key_id} itself; {_REMEDY}"
    if size == KEY_BYTES and _is_random(head) and any(map(_KEY_NAME.search, names)):
        return f"32 random bytes in a file that is called a key; {_REMEDY}"
    return None


def is_private_key(head: bytes) -> bool:
    """Tells whether a file begins with a private key in PEM, or some text and one."""
    return _PEM.search(head) is not None


def _is_random(content: bytes) -> bool:
    unprintable = sum(not 0x20 <= byte < 0x7F for byte in content)
    return len(set(content)) >= _MIN_DIFFERENT and unprintable >= _MIN_UNPRINTABLE


def key_id_of(content: bytes, size: int) -> str | None:
    """Returns the id of the AES key that a file would be: raw, in hexadecimal or in base64.

    Of content that is too long or too short for one, or neither of the three, None.
    """
    if not KEY_BYTES <= size <= ENCODED_LIMIT_BYTES:
        return None
    if size == KEY_BYTES:
        return Key(content).id
    try:
        return key_material.from_text(content.decode("ascii"), "").id
    except (ConfigError, UnicodeDecodeError):
        return None


def find_undecided(
    oid: str, blob: Blob, paths: Sequence[bytes], again: Callable[[], Blob]
) -> list[Finding]:
    """Returns the question about content that is long and binary, for each path in clear.

    Args:
        blob: its content, whose file may stand anywhere.
        paths: where it is clear.
        again: opens it anew; asked only where the beginning is text.
    """
    if not paths or not _is_binary(blob, again):
        return []
    size = f"{blob.size >> 10} KiB"
    detail = f"binary, {size}, and nobody decided that it may be clear{blob.place}"
    return [Finding(UNDECIDED, path, oid, blob.blob_size, detail) for path in paths]


def _is_binary(blob: Blob, again: Callable[[], Blob]) -> bool:
    if blob.kind is Kind.ABSENT or blob.size <= LIMIT_BYTES:
        return False
    if not is_text([blob.head], is_cut=True):
        return True
    with again() as whole:
        return not is_text(iter(partial(whole.file.read, CHUNK_BYTES), b""))


def drop_known(repo: Repository, found: list[Finding]) -> list[Finding]:
    """Returns findings without the questions about what a commit of a branch brought in."""
    asked = {one.oid for one in found if one.rule == UNDECIDED}
    if not asked:
        return found
    from git_model_security.git import changes  # rarely is there anything to look for

    # The newest first: mostly it was moved, or comes from another branch.
    commits = history.commits(repo, _REFS)[::-1]
    for change in changes.changes(repo, commits, {}):
        asked.discard(change.entry.oid)
        if not asked:
            break
    return [one for one in found if one.rule != UNDECIDED or one.oid in asked]
