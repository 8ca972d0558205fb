"""The words of an entry: what a line of the list changes, each in one writing only.

A line is read by a pattern and written again; what does not come out as it went in is
refused, so that two readers cannot differ about what a line says. What a change means is
`roster`'s to know. docs/SPEC.md, "Team: words".
"""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING, Final, NamedTuple

from git_model_security.errors import NewerTeamError, TeamError
from git_model_security.messages import legible

if TYPE_CHECKING:
    from collections.abc import Callable

NAME: Final = "[a-z0-9][a-z0-9._-]{0,31}"
"""Of a member, a device or a key."""
MAX_TEXT_BYTES: Final = 256
MAX_ANCHORS: Final = 16
CONTENT, LIST = "content", "list"
BY_KEY: Final = "key"
"""The kind of signer whose signature no certificate ends: only such sign the list."""

# Named one by one and not asked of `str.isprintable`, which each version of Unicode answers
# in another way: a list must not be valid to one Python and damaged to the next. They are
# controls, blanks but U+0020, what turns the direction of writing or has no width, private
# use, surrogates and tags.
_UNSHOWN: Final = (
    "\\x00-\\x1f\\x7f-\\xa0\\xad\\u034f\\u061c\\u115f\\u1160\\u1680\\u17b4\\u17b5"
    "\\u180b-\\u180f\\u2000-\\u200f\\u2028-\\u202f\\u205f-\\u206f\\u2800\\u3000\\u3164"
    "\\ud800-\\uf8ff\\ufdd0-\\ufdef\\ufe00-\\ufe0f\\ufeff\\uffa0\\ufff0-\\uffff"
    "\\U0001bca0-\\U0001bca3\\U0001d173-\\U0001d17a\\U000e0000-\\U0010ffff"
)
_SHOWN: Final = f"[^ {_UNSHOWN}]+"
_TEXT: Final = f"{_SHOWN}(?: {_SHOWN})*"
_BASE64: Final = "[A-Za-z0-9+/]+={0,2}"
_RECIPIENT: Final = f"age1[0-9a-z+._-]+|(?:ssh-ed25519|ssh-rsa|scrypt) {_BASE64}"
_KEY_ID: Final = "[0-9a-f]{32}"
_FINGERPRINT: Final = "[0-9a-f]{64}"
_COMMIT: Final = "(?:[0-9a-f]{64}|[0-9a-f]{40})"

_SHOWN_CHARACTERS: Final = 60
_HINT: Final = "only `git model team` writes the list; restore the file as it was"


class Member(NamedTuple):
    """A person, under a name that is given once for ever; `text` is for people."""

    name: str
    text: str

    def __str__(self) -> str:
        return f"member {self.name} {self.text}"


class Signer(NamedTuple):
    """What signs for a member.

    Attributes:
        name: the member.
        device: which of the member's devices or services it is on.
        roles: `content`, `list` or `content+list`.
        kind: `key`, `certificate` or `sigstore`, see `signing.methods`.
        pin: SubjectPublicKeyInfo in DER of a key; else the content of the pin.
    """

    name: str
    device: str
    roles: str
    kind: str
    pin: bytes

    def __str__(self) -> str:
        pin = base64.b64encode(self.pin).decode("ascii")
        return f"signer {self.name}/{self.device} {self.roles} {self.kind} {pin}"


class Ended(NamedTuple):
    """A signer that signs no more.

    Attributes:
        fingerprint: of the signer.
        anchors: on these commits and their ancestors its signatures hold.
    """

    fingerprint: str
    anchors: tuple[str, ...] = ()

    def __str__(self) -> str:
        return " ".join(("ended", self.fingerprint, *sorted(set(self.anchors))))


class Reader(NamedTuple):
    """A recipient of a member's, for which the keys that the member may have are wrapped."""

    name: str
    device: str
    recipient: str

    def __str__(self) -> str:
        return f"reader {self.name}/{self.device} {self.recipient}"


class Unreader(NamedTuple):
    """A recipient for which nothing more is wrapped; it never returns."""

    recipient: str

    def __str__(self) -> str:
        return f"unreader {self.recipient}"


class NewKey(NamedTuple):
    """A new epoch of a key: from here on new content is sealed under this id."""

    key: str
    key_id: str

    def __str__(self) -> str:
        return f"key {self.key} {self.key_id}"


class OldKey(NamedTuple):
    """An id under which content of old is read and nothing is ever sealed."""

    key: str
    key_id: str

    def __str__(self) -> str:
        return f"oldkey {self.key} {self.key_id}"


class May(NamedTuple):
    """A member whose readers get all epochs of a key."""

    key: str
    name: str

    def __str__(self) -> str:
        return f"may {self.key} {self.name}"


class MayNot(NamedTuple):
    """A member whose readers get a key no more."""

    key: str
    name: str

    def __str__(self) -> str:
        return f"maynot {self.key} {self.name}"


class Quorum(NamedTuple):
    """How many persons must sign a change."""

    persons: int

    def __str__(self) -> str:
        return f"quorum {self.persons}"


Word = Member | Signer | Ended | Reader | Unreader | NewKey | OldKey | May | MayNot | Quorum


class _Form(NamedTuple):
    """How a word is written: for people, as a pattern, and what is made of its groups."""

    usage: str
    pattern: str
    make: Callable[..., Word]


def _member(name: str, text: str) -> Member:
    if len(text.encode("utf-8")) > MAX_TEXT_BYTES:
        raise ValueError(f"the text of a member has at most {MAX_TEXT_BYTES} bytes")
    return Member(name, text)


def _signer(name: str, device: str, roles: str, kind: str, pin: str) -> Signer:
    if kind != BY_KEY and roles != CONTENT:
        raise ValueError(f"a {kind} signs content alone; the list is signed by keys")
    return Signer(name, device, roles, kind, base64.b64decode(pin, validate=True))


def _ended(fingerprint: str, anchors: str) -> Ended:
    return Ended(fingerprint, tuple(anchors.split()))


def _quorum(persons: str) -> Quorum:
    return Quorum(int(persons))


_FORMS: Final = {
    "member": _Form("NAME TEXT", f"({NAME}) ({_TEXT})", _member),
    "signer": _Form(
        "NAME/DEVICE ROLES KIND PIN",
        f"({NAME})/({NAME}) (content|list|content\\+list) (key|certificate|sigstore)"
        f" ({_BASE64})",
        _signer,
    ),
    "ended": _Form(
        "FINGERPRINT [COMMIT…]",
        f"({_FINGERPRINT})((?: {_COMMIT}){{0,{MAX_ANCHORS}}})",
        _ended,
    ),
    "reader": _Form("NAME/DEVICE RECIPIENT", f"({NAME})/({NAME}) ({_RECIPIENT})", Reader),
    "unreader": _Form("RECIPIENT", f"({_RECIPIENT})", Unreader),
    "key": _Form("KEY ID", f"({NAME}) ({_KEY_ID})", NewKey),
    "oldkey": _Form("KEY ID", f"({NAME}) ({_KEY_ID})", OldKey),
    "may": _Form("KEY NAME", f"({NAME}) ({NAME})", May),
    "maynot": _Form("KEY NAME", f"({NAME}) ({NAME})", MayNot),
    "quorum": _Form("PERSONS", "([1-9][0-9]{0,3})", _quorum),
}
_PATTERNS: Final = {word: re.compile(form.pattern) for word, form in _FORMS.items()}


def parse(line: str) -> Word:
    """Reads one line, without its line feed.

    Raises:
        NewerTeamError: it begins with a word that this version does not know.
        TeamError: it is written in another way than this word is.
    """
    keyword, _, rest = line.partition(" ")
    form = _FORMS.get(keyword)
    if form is None:
        raise _unknown(keyword)
    found = _PATTERNS[keyword].fullmatch(rest)
    if found is None:
        raise _refused(line, f"`{keyword} {form.usage}` is not written so")
    try:
        word = form.make(*found.groups())
    except ValueError as error:  # of base64, too
        raise _refused(line, str(error)[:1].lower() + str(error)[1:]) from None
    if str(word) != line:
        raise _refused(line, f"it is written as {_quoted(str(word))} alone")
    return word


def canonical(word: Word) -> Word:
    """Returns a word that was made here as its line is read.

    Raises:
        TeamError: it cannot stand in a list.
    """
    return parse(str(word))


def _unknown(keyword: str) -> TeamError:
    # What a newer version adds is a word; anything else is damage, whatever wrote it.
    if re.fullmatch("[a-z]{2,16}", keyword):
        return NewerTeamError(f"{keyword!r} is a word that this git-model does not know")
    return _refused(keyword, "no line of the list begins so")


def _refused(line: str, why: str) -> TeamError:
    return TeamError(f"{_quoted(line)}: {why}", hint=_HINT)


def _quoted(line: str) -> str:
    cut = line[:_SHOWN_CHARACTERS] + "…" * (len(line) > _SHOWN_CHARACTERS)
    return f"`{legible(cut)}`"
