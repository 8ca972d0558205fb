"""What audits remember, so that the next one costs only what is new.

Two things, in the clone's memory. Of a blob: at just these places it was no finding, and
what was seen of it. Of a walk: from just these tips, under this policy, this was found,
mostly nothing. What was found, is not here or could not be read is never remembered as
good; and what may be otherwise tomorrow, such as a lost object, is not remembered at all.
Whoever can write this memory can write the hooks beside it.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from git_model_security import __version__
from git_model_security.guard.finding import Finding

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from git_model_security.clone.database import Memory
    from git_model_security.guard.paths_of_blob import Places

    Facts = Mapping[str, tuple[bytes, int]]
    """By blob: where it stood (see `where`), and what was seen (see `Inspector.fact`)."""

RULES_VERSION = "2"
"""Of what is found: with another one all that is remembered is worth nothing."""
_KEPT_WALKS = 16
_SCHEMA = (
    "CREATE TABLE IF NOT EXISTS audited_blobs (under TEXT, oid TEXT, places BLOB,"
    " fact INTEGER, PRIMARY KEY (under, oid)) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS audited_walks (number INTEGER PRIMARY KEY,"
    " scope TEXT UNIQUE, walk BLOB)",
)


@dataclass
class Walk:
    """A walk, and what it found.

    Attributes:
        under: what it was judged under: see `guard.circumstances`.
        policies: the blobs of the `.gitmodel`s that it was judged by.
        directories: those of all paths that it met.
        commits: how many there were.
        blobs: how many there were.
        proven: how many of them are ciphertext for certain.
        framed: how many only have the shape of it.
        absent: blobs that are pointers, and the objects that were not here: SHA-256
            and size.
        missing: blobs that were not here themselves.
        findings: with the refs that reach them.
        store: the files of the object store, with their lengths.
    """

    under: str = ""
    policies: list[str] = field(default_factory=list)
    directories: list[bytes] = field(default_factory=list)
    commits: int = 0
    blobs: int = 0
    proven: int = 0
    framed: int = 0
    absent: list[tuple[str, int]] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    store: dict[str, int] = field(default_factory=dict)


class Remembered:
    """The memory of audits, in two tables of the clone's memory."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        for statement in _SCHEMA:
            memory.execute(statement)

    def facts(self, under: str) -> Facts:
        """Returns all that was seen of blobs under a key of `key`."""
        rows = self._memory.execute(
            "SELECT oid, places, fact FROM audited_blobs WHERE under = ?", (under,)
        )
        return {oid: (places, fact) for oid, places, fact in rows}

    def keep_facts(self, under: str, facts: Facts) -> None:
        """Remembers blobs under a key, and forgets those under every other."""
        self._memory.execute("DELETE FROM audited_blobs WHERE under <> ?", (under,))
        self._memory.execute_many(
            "INSERT OR REPLACE INTO audited_blobs (under, oid, places, fact)"
            " VALUES (?, ?, ?, ?)",
            ((under, oid, places, fact) for oid, (places, fact) in facts.items()),
        )

    def walk(self, scope: str) -> Walk | None:
        """Returns what the last walk from just these tips saw."""
        row = self._memory.execute(
            "SELECT walk FROM audited_walks WHERE scope = ?", (scope,)
        ).fetchone()
        try:
            return None if row is None else _loaded(row[0])
        except (ValueError, KeyError, TypeError, zlib.error):
            return None  # a memory that is damaged is none

    def keep_walk(self, scope: str, walk: Walk) -> None:
        """Remembers a walk; older ones are forgotten some day."""
        self._memory.execute(
            "INSERT OR REPLACE INTO audited_walks (scope, walk) VALUES (?, ?)",
            (scope, _dumped(walk)),
        )
        self._memory.execute(
            "DELETE FROM audited_walks WHERE number <="
            " (SELECT max(number) FROM audited_walks) - ?",
            (_KEPT_WALKS,),
        )


def key(*parts: str) -> str:
    """Returns a short name for all of the parts together, and for this version."""
    running = hashlib.blake2b(digest_size=16)
    for part in (__version__, RULES_VERSION, *parts):
        encoded = part.encode("utf-8", "surrogateescape")
        running.update(b"%d:" % len(encoded) + encoded)
    return running.hexdigest()


def where(places: Places) -> bytes:
    """Returns a short name for all places of a blob together."""
    running = hashlib.blake2b(digest_size=8)
    for paths in (places.protected, places.clear, places.links):
        running.update(b"%d:" % len(paths) + b"\0".join(sorted(paths)) + b"\0")
    return running.digest()


def _dumped(walk: Walk) -> bytes:
    fields: dict[str, Any] = dict(vars(walk))
    fields["directories"] = [_text(path) for path in walk.directories]
    fields["findings"] = [asdict(one) | {"path": _text(one.path)} for one in walk.findings]
    return zlib.compress(json.dumps(fields).encode(), 1)


def _loaded(data: bytes) -> Walk:
    fields = json.loads(zlib.decompress(data))
    fields["directories"] = [_bytes(text) for text in _strings(fields["directories"])]
    fields["absent"] = [(str(oid), int(size)) for oid, size in fields["absent"]]
    fields["findings"] = [
        Finding(**one | {"path": _bytes(one["path"]), "refs": tuple(_strings(one["refs"]))})
        for one in fields["findings"]
    ]
    return Walk(**fields)


def _strings(values: Iterable[Any]) -> list[str]:
    return [str(value) for value in values]


def _text(path: bytes) -> str:
    return path.decode("utf-8", "surrogateescape")


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
