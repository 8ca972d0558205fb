"""Compares new commits with the old ones: all but tree and parents must be the same.

Also says what cannot be kept: signatures over the old commit, and headers that
`git fast-import` knows no word for.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from git_model_security.errors import GitError
from git_model_security.git.objects import ObjectReader

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from git_model_security.git.repository import Repository

_KEPT = {b"author", b"committer", b"encoding"}
_SIGNATURES = {b"gpgsig", b"gpgsig-sha256"}
_MADE = {b"tree", b"parent"}


@dataclass
class Lost:
    """What commits cannot keep.

    Attributes:
        signed: those that are signed themselves.
        merged_tags: those that hold the signed tag that they merged.
        headers: others, with the names of the headers.
    """

    signed: list[str] = field(default_factory=list)
    merged_tags: list[str] = field(default_factory=list)
    headers: dict[str, list[str]] = field(default_factory=dict)


def lost(repo: Repository, commits: Iterable[str]) -> Lost:
    """Looks for what commits cannot keep.

    Raises:
        GitError: a commit is missing, or its message holds what Git cuts off.
    """
    found = Lost()
    with ObjectReader(repo) as reader:
        for oid in commits:
            names, message = _parts(reader.read(oid))
            if _SIGNATURES & names.keys():
                found.signed.append(oid)
            if b"mergetag" in names:
                found.merged_tags.append(oid)
            others = names.keys() - _SIGNATURES - _KEPT - _MADE - {b"mergetag"}
            if others:
                found.headers[oid] = sorted(name.decode("utf-8", "replace") for name in others)
            if b"\0" in message:
                raise GitError(
                    f"commit {oid}: its message holds a NUL byte, after which Git drops it",
                    hint="write this commit anew first (`git rebase -i`, reword)",
                )
    return found


def require_same(repo: Repository, commits: Mapping[str, str]) -> None:
    """Raises unless each new commit says of itself what the old one said.

    Raises:
        GitError: one does not.
    """
    with ObjectReader(repo) as olds, ObjectReader(repo) as news:
        for old, new in commits.items():
            if old != new and _said(olds.read(old)) != _said(news.read(new)):
                raise GitError(
                    f"commit {old}: its author, date or message did not come through;"
                    " nothing was changed",
                    hint="see `git cat-file commit` of it; write it anew first",
                )


def _said(commit: bytes) -> tuple[list[tuple[bytes, list[bytes]]], bytes]:
    headers, message = _parts(commit)
    return [(name, lines) for name, lines in headers.items() if name in _KEPT], message


def _parts(commit: bytes) -> tuple[dict[bytes, list[bytes]], bytes]:
    head, _, message = commit.partition(b"\n\n")
    found: dict[bytes, list[bytes]] = {}
    for name, line in _headers(head):
        found.setdefault(name, []).append(line)
    return found, message


def _headers(head: bytes) -> Iterator[tuple[bytes, bytes]]:
    name = b""
    for number, line in enumerate(head.split(b"\n")):
        if number and line.startswith(b" "):
            yield name, line
        else:
            name = line.split(b" ", 1)[0]
            yield name, line
