"""Under which key new content is sealed, and under which old content is read.

The filter asks nothing else of a list, for each `git add`; so the lines are looked for in
the bytes that a clone believes, which were replayed before they were believed, and nothing
is parsed again. docs/SPEC.md, "Team: keys".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_NEW: Final = b"\nkey "
_OLD: Final = b"\noldkey "


class Epochs(NamedTuple):
    """The ids of all keys.

    Attributes:
        current: the id for new content, by the name of the key.
        names: the name of the key that each id was ever of.
    """

    current: Mapping[str, str]
    names: Mapping[str, str]

    def ids(self, key: str) -> list[str]:
        """Returns the ids of a key, the oldest first."""
        return [key_id for key_id, name in self.names.items() if name == key]

    def is_retired(self, key_id: str) -> bool:
        """Tells whether an id is one of the list's under which nothing new is sealed."""
        name = self.names.get(key_id)
        return name is not None and self.current[name] != key_id


def scan(believed: bytes) -> Epochs:
    """Returns the epochs of a list that was replayed before, without an open proposal.

    No word but these two begins so, and `words` reads no other writing of them.
    """
    current: dict[str, str] = {}
    names: dict[str, str] = {}
    # `find` passes over the rest of a list several times faster than a pattern.
    for at in sorted((*_places(believed, _NEW), *_places(believed, _OLD))):
        line = believed[at + 1 : believed.index(b"\n", at + 1)].decode("ascii")
        word, name, key_id = line.split(" ")
        names[key_id] = name
        if word == "key":
            current[name] = key_id
    return Epochs(current, names)


def _places(believed: bytes, start: bytes) -> Iterator[int]:
    at = believed.find(start)
    while at >= 0:
        yield at
        at = believed.find(start, at + 1)
