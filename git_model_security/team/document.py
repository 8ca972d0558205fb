"""The file of the list: its lines, its entries, and what each entry's signatures sign.

Owns the outside: limits, numbers, times and hashes. Who may sign is `replay`'s to judge; an
entry that nobody has signed can only stand at the end. docs/SPEC.md, "Team: the file".
"""

from __future__ import annotations

import base64
import hashlib
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, NamedTuple

from git_model_security.errors import NewerTeamError, TeamError
from git_model_security.messages import legible
from git_model_security.signing import dsse
from git_model_security.team import words

if TYPE_CHECKING:
    from collections.abc import Iterable

    from git_model_security.team.words import Word

MAX_BYTES: Final = 1 << 20
"""Asked of the object before it is read."""
MAX_LINE_BYTES: Final = 32 * 1024
MAX_ENTRIES: Final = 4096
PAYLOAD_TYPE: Final = "application/vnd.git-model.team.v1"

_VERSION: Final = "1"
_HEADER: Final = re.compile("git-model-team ([1-9][0-9]{0,8}) (.*)")
_CHANGE: Final = re.compile(
    "change ([1-9][0-9]{0,4})"
    " ([0-9]{4}-[0-9]{2}-[0-9]{2}T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9])Z"
)
_SIGNATURE: Final = re.compile("sig ([0-9a-f]{64}) ([A-Za-z0-9+/]+={0,2})")
_FINGERPRINT: Final = re.compile("([1-9][0-9]{0,4}):([0-9a-f]{64})")


class Signature(NamedTuple):
    """Who says to have signed an entry, and the signature in DER; nothing is verified."""

    fingerprint: str
    der: bytes

    def __str__(self) -> str:
        return f"sig {self.fingerprint} {base64.b64encode(self.der).decode('ascii')}"


class Entry(NamedTuple):
    """One change.

    Attributes:
        number: counted from 1.
        time: when its maker says that it was made; it decides nothing.
        words: what it changes, in order.
        digest: SHA-256 of all bytes of the list before its first signature.
        signatures: none only where the list ends.
        line: where it begins, counted from 1.
        end: offset of the first byte after it.
    """

    number: int
    time: str
    words: tuple[Word, ...]
    digest: bytes
    signatures: tuple[Signature, ...]
    line: int
    end: int

    @property
    def fingerprint(self) -> str:
        """What names the list as it is with this entry, for people: `12:<64 hex>`."""
        return f"{self.number}:{self.digest.hex()}"

    @property
    def signed(self) -> bytes:
        """The bytes that its signatures are over."""
        return dsse.encoded(PAYLOAD_TYPE, self.digest)

    def fault(self, why: str, hint: str | None = None) -> TeamError:
        """Returns the error for an entry that does not hold."""
        return TeamError(f"the team's list, entry {self.number}: {why}", hint=hint)


class Document(NamedTuple):
    """A list that has the right form; nothing of it is verified.

    Attributes:
        identity: the random id of the list, 32 hexadecimal digits.
        entries: at least one.
    """

    identity: str
    entries: tuple[Entry, ...]


def require_length(size_bytes: int) -> None:
    """Refuses a list by its length, before it is read.

    Raises:
        TeamError: it is longer than any list may be.
    """
    if size_bytes > MAX_BYTES:
        raise TeamError(f"the team's list: {size_bytes} bytes are more than {MAX_BYTES}")


def parse(data: bytes) -> Document:
    """Reads a list.

    Raises:
        NewerTeamError: a newer version wrote it.
        TeamError: it is not as a list is written, with the line.
    """
    require_length(len(data))
    if not data:
        raise TeamError("the team's list: it is empty")
    if not data.endswith(b"\n"):
        raise TeamError("the team's list: its last line is cut")
    reader = _Reader(data)
    for line in data[:-1].split(b"\n"):
        try:
            reader.read(line)
        except TeamError as error:
            text = f"the team's list, line {reader.line}: {error}"
            raise type(error)(text, hint=error.hint) from None
    return reader.finish()


def header(identity: str) -> bytes:
    """Returns the first line of a new list."""
    assert re.fullmatch("[0-9a-f]{32}", identity)
    return f"git-model-team {_VERSION} {identity}\n".encode("ascii")


def change(number: int, time: datetime, said: Iterable[Word]) -> bytes:
    """Returns the lines of an entry, without signatures.

    Raises:
        TeamError: a word cannot stand in a list.
    """
    stamp = time.astimezone(UTC).replace(microsecond=0, tzinfo=None).isoformat()
    lines = [f"change {number} {stamp}Z", *map(str, map(words.canonical, said))]
    return "".join(f"{line}\n" for line in lines).encode("utf-8")


def parse_fingerprint(text: str) -> tuple[int, bytes]:
    """Returns the number and digest of a list's fingerprint.

    Raises:
        TeamError: it is none.
    """
    found = _FINGERPRINT.fullmatch(text)
    if found is None:
        raise TeamError(
            f"`{legible(text[:80])}` is not the fingerprint of a list",
            hint="a number, a colon and 64 hexadecimal digits, as `git model team` shows it",
        )
    return int(found[1]), bytes.fromhex(found[2])


class _Reader:
    """Reads a list line by line, and hashes each byte once."""

    def __init__(self, data: bytes) -> None:
        self.line = 0
        self._data = data
        self._hash = hashlib.sha256()
        self._hashed = self._offset = 0
        self._identity: str | None = None
        self._entries: list[Entry] = []
        # The entry that is being read; its number is 0 before the first.
        self._number = self._begun = 0
        self._time = ""
        self._words: list[Word] = []
        self._signatures: list[Signature] = []
        self._digest = b""

    def read(self, line: bytes) -> None:
        self.line += 1
        text = _decoded(line)
        if self._identity is None:
            self._identity = _identity(text)
        elif text.startswith("change "):
            self._close()
            self._open(text)
        elif not self._number:
            raise TeamError("`change 1` and a time come first")
        elif text.startswith("sig "):
            self._sign(text)
        elif self._signatures:
            raise TeamError("signatures end an entry, and words came after one")
        else:
            self._words.append(words.parse(text))
        self._offset += len(line) + 1

    def finish(self) -> Document:
        self._close(is_last=True)
        if not self._entries:
            raise TeamError("the team's list: it has no entry")
        assert self._identity is not None
        return Document(self._identity, tuple(self._entries))

    def _open(self, text: str) -> None:
        found = _CHANGE.fullmatch(text)
        if found is None or not _is_time(found[2]):
            raise TeamError("`change NUMBER YYYY-MM-DDTHH:MM:SSZ` is not written so")
        if int(found[1]) != self._number + 1:
            raise TeamError(f"change {found[1]} comes after {self._number}")
        if self._number == MAX_ENTRIES:
            raise TeamError(f"a list has at most {MAX_ENTRIES} entries")
        self._number, self._time, self._begun = int(found[1]), f"{found[2]}Z", self.line

    def _sign(self, text: str) -> None:
        if not self._words:
            raise TeamError("an entry that changes nothing is signed")
        if not self._signatures:
            self._digest = self._hash_to(self._offset)
        self._signatures.append(_signature(text))

    def _close(self, *, is_last: bool = False) -> None:
        if not self._number:
            return
        if not self._signatures:
            if not is_last:
                raise TeamError(f"entry {self._number} before it is not signed")
            if not self._words:
                raise TeamError(f"the team's list: entry {self._number} changes nothing")
            self._digest = self._hash_to(self._offset)
        self._entries.append(
            Entry(
                self._number,
                self._time,
                tuple(self._words),
                self._digest,
                tuple(self._signatures),
                self._begun,
                self._offset,
            )
        )
        self._words, self._signatures = [], []

    def _hash_to(self, offset: int) -> bytes:
        self._hash.update(self._data[self._hashed : offset])
        self._hashed = offset
        return self._hash.digest()


def _decoded(line: bytes) -> str:
    if len(line) > MAX_LINE_BYTES:
        raise TeamError(f"{len(line)} bytes are more than {MAX_LINE_BYTES}")
    if b"\r" in line:
        raise TeamError("its line ends were converted; `-text` keeps Git from it")
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError:
        raise TeamError("not UTF-8") from None


def _identity(text: str) -> str:
    found = _HEADER.fullmatch(text)
    if found is not None and found[1] != _VERSION:
        raise NewerTeamError(f"version {found[1]} of the list; this git-model reads {_VERSION}")
    if found is None or not re.fullmatch("[0-9a-f]{32}", found[2]):
        raise TeamError(f"not `git-model-team {_VERSION}` and the id of a list")
    return found[2]


def _is_time(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:  # the 30th of February
        return False
    return True


def _signature(text: str) -> Signature:
    found = _SIGNATURE.fullmatch(text)
    try:
        read = found and Signature(found[1], base64.b64decode(found[2], validate=True))
    except ValueError:
        read = None
    if read is None or str(read) != text:
        raise TeamError("`sig FINGERPRINT SIGNATURE` is not written so")
    return read
