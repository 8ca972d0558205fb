"""All refs, with what they hold: read once by a command (git-for-each-ref)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from git_model_security.git.repository import Repository

_FORMAT = "%(objectname) %(refname)%00%(symref)"
"""Nothing for which Git would read the objects: one may be lost, and Git ends there."""


class Held(NamedTuple):
    """One ref.

    Attributes:
        name: in full, as the bytes Git holds.
        oid: the object that it names, which may be a tag.
        symref: the ref that it stands for; empty for an ordinary one.
    """

    name: bytes
    oid: str
    symref: bytes


def of(repo: Repository, prefix: bytes = b"refs/") -> list[Held]:
    """Returns the refs whose names begin with `prefix`, sorted by name."""
    found = repo.snapshot.refs
    if found is None:
        listed = repo.git("for-each-ref", f"--format={_FORMAT}").splitlines()
        found = repo.snapshot.refs = [_parsed(line) for line in listed]
    return [one for one in found if one.name.startswith(prefix)]


def _parsed(line: bytes) -> Held:
    oid, _, rest = line.partition(b" ")
    name, _, symref = rest.partition(b"\0")
    return Held(name, oid.decode(), symref)
