"""What a list says after some of its entries: members, signers, readers, keys.

What a word may change is `rules`' to know. docs/SPEC.md, "Team: what a change may be".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from git_model_security.errors import TeamError
from git_model_security.signing import pem
from git_model_security.team import words
from git_model_security.team.epochs import Epochs

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Set

MAX_MEMBERS: Final = 1024
MAX_SIGNERS: Final = 1024
MAX_READERS: Final = 1024
MAX_KEYS: Final = 256
MAX_EPOCHS: Final = 1024
"""Of all keys together. Each of these counts what ever was, not what is left."""


class RosterSigner(NamedTuple):
    """A signer as it is now.

    Attributes:
        pinned: what a clone keeps of it (`signing.methods.Pin.content`); of a key, PEM.
        anchors: where its signatures still hold since it ended; None while it lives.
    """

    name: str
    device: str
    roles: str
    kind: str
    pinned: bytes
    anchors: tuple[str, ...] | None = None

    @property
    def label(self) -> str:
        """Whose it is, as `NAME/DEVICE`."""
        return f"{self.name}/{self.device}"

    @property
    def signs_list(self) -> bool:
        """Whether it may sign a change of the list."""
        return self.anchors is None and words.LIST in self.roles.split("+")

    @property
    def signs_content(self) -> bool:
        """Whether its new signatures over content count."""
        return self.anchors is None and words.CONTENT in self.roles.split("+")


class RosterReader(NamedTuple):
    """Whose a recipient is."""

    name: str
    device: str

    @property
    def label(self) -> str:
        """Whose it is, as `NAME/DEVICE`."""
        return f"{self.name}/{self.device}"


class Roster:
    """The state of a list.

    Attributes:
        entries: how many were applied.
        members: what is said of each, by name.
        signers: by fingerprint, also those that ended.
        readers: by recipient.
        gone: recipients that were readers.
        allowed: the names of those whose readers get a key, by its name.
        quorum: how many persons must sign the next change.
    """

    def __init__(self) -> None:
        self.entries = 0
        self.members: dict[str, str] = {}
        self.signers: dict[str, RosterSigner] = {}
        self.readers: dict[str, RosterReader] = {}
        self.gone: set[str] = set()
        self.allowed: dict[str, set[str]] = {}
        self.quorum = 1
        # How many readers each person has; counted on, as a list can ask for it at each line.
        self._reading: dict[str, int] = {}
        self._current: dict[str, str] = {}
        self._names: dict[str, str] = {}
        # How many signers of the list each person has; counted on, and not for each entry.
        self._listing: dict[str, int] = {}
        # In which entry a key last got an epoch, and last lost a reader.
        self._renewed: dict[str, int] = {}
        self._lost: dict[str, int] = {}

    def copy(self) -> Roster:
        """Returns one that changes apart from this one."""
        other = Roster()
        vars(other).update({name: _copied(value) for name, value in vars(self).items()})
        return other

    @property
    def epochs(self) -> Epochs:
        """The ids of all keys."""
        return Epochs(self._current, self._names)

    @property
    def rotations_due(self) -> list[str]:
        """The keys that somebody can read who may not: lost a reader since their epoch."""
        return [key for key, lost in self._lost.items() if lost > self._renewed[key]]

    @property
    def list_persons(self) -> Set[str]:
        """The names of those who can sign a change now."""
        return self._listing.keys()

    def keys_without_epoch(self) -> set[str]:
        """Returns the keys under which nothing new could be sealed."""
        if len(self._current) == len(self.allowed):
            return set()
        return self.allowed.keys() - self._current.keys()

    def recipients(self, key: str) -> list[str]:
        """Returns the recipients for which all epochs of a key are wrapped."""
        allowed = self.allowed.get(key, set())
        return [one for one, reader in self.readers.items() if reader.name in allowed]

    def put(self, fingerprint: str, signer: RosterSigner) -> None:
        """Puts a signer where it was not, or in the place of what it was."""
        before = self.signers.get(fingerprint)
        if before is not None and before.signs_list:
            self._listing[before.name] -= 1
            if not self._listing[before.name]:
                del self._listing[before.name]
        if signer.signs_list:
            self._listing[signer.name] = self._listing.get(signer.name, 0) + 1
        self.signers[fingerprint] = signer

    def add_reader(self, recipient: str, reader: RosterReader) -> None:
        """Adds a recipient that is none, and was none."""
        self.readers[recipient] = reader
        self._reading[reader.name] = self._reading.get(reader.name, 0) + 1

    def remove_reader(self, recipient: str) -> None:
        """Takes a recipient away, for ever; the keys that it could have lose a reader."""
        reader = self.readers.pop(recipient)
        self.gone.add(recipient)
        self._reading[reader.name] -= 1
        self._lose(key for key, names in self.allowed.items() if reader.name in names)

    def disallow(self, key: str, name: str) -> None:
        """Takes a key away from a member, which loses a reader where the member has one."""
        self.allowed[key].remove(name)
        if self._reading.get(name):
            self._lose([key])

    def renew(self, key: str, key_id: str, *, is_current: bool) -> None:
        """Adds an epoch."""
        if key_id in self._names:
            raise TeamError(
                f"the key id {key_id} was used before; an epoch has an id of its own"
            )
        require_room(self._names, MAX_EPOCHS, "epochs")
        if key not in self.allowed:
            require_room(self.allowed, MAX_KEYS, "keys")
            self.allowed[key] = set()
        self._names[key_id] = key
        if is_current:
            self._current[key] = key_id
            self._renewed[key] = self.entries

    def _lose(self, keys: Iterable[str]) -> None:
        self._lost.update(dict.fromkeys(keys, self.entries))

    def require_member(self, name: str) -> None:
        """Refuses a name that is no member's."""
        if name not in self.members:
            raise TeamError(f"{name} is not a member", hint="a `member` line comes first")

    def require_key(self, key: str) -> set[str]:
        """Returns who may have a key, and refuses a name that is no key's."""
        if key not in self.allowed:
            raise TeamError(f"there is no key {key}", hint="a `key` line comes first")
        return self.allowed[key]


def fingerprint(word: words.Signer) -> str:
    """Returns what names a signer: the SHA-256 of what a clone keeps of it."""
    return pem.fingerprint(pinned(word))


def pinned(word: words.Signer) -> bytes:
    """Returns what a clone keeps of a signer: of a key, its PEM."""
    return pem.of_der(word.pin) if word.kind == words.BY_KEY else word.pin


def require_room(known: Mapping[str, object], most: int, what: str) -> None:
    """Refuses one more of what a list has only so many of."""
    if len(known) >= most:
        raise TeamError(f"a list has at most {most} {what}")


def _copied(value: object) -> object:
    if isinstance(value, dict):
        return {key: _copied(one) for key, one in value.items()}
    return set(value) if isinstance(value, set) else value
