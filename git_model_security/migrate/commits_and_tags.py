"""Commits and annotated tags, made anew: what they say stays, byte for byte.

Of commits all but tree and parents must be the same; what cannot be kept is told before:
signatures over the old commit, and headers that `git fast-import` knows no word for. Tags are
made for the commits that they name now; a signature was over the old tag, and goes. Tags of
trees and blobs stay as they are.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from git_model_security.errors import GitError
from git_model_security.git.objects import ObjectReader

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from git_model_security.git.repository import Repository

_KEPT = {b"author", b"committer", b"encoding"}
_SIGNATURES = {b"gpgsig", b"gpgsig-sha256"}
_MADE = {b"tree", b"parent"}
# gpg-interface.c, `sig_format`: OpenPGP, X.509 and SSH.
_SIGNATURE = re.compile(
    rb"^-----BEGIN (PGP SIGNATURE|PGP MESSAGE|SIGNED MESSAGE|SSH SIGNATURE)-----.*",
    re.MULTILINE | re.DOTALL,
)
_HEADER = re.compile(rb"^gpgsig(-sha256)? .*\n(?: .*\n)*", re.MULTILINE)


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


def find_lost(repo: Repository, commits: Iterable[str]) -> Lost:
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
    """Raises a GitError unless each new commit says of itself what the old one said."""
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
    name = b""
    for number, line in enumerate(head.split(b"\n")):
        if not number or not line.startswith(b" "):
            name = line.split(b" ", 1)[0]
        found.setdefault(name, []).append(line)
    return found, message


def _is_signed(tag: bytes) -> bool:
    """Tells whether a tag carries a signature."""
    head, _, message = tag.partition(b"\n\n")
    return _SIGNATURE.search(message) is not None or _HEADER.search(head + b"\n") is not None


def find_signed_tags(repo: Repository, oids: Iterable[str]) -> list[str]:
    """Returns those tags, and tags that they tag, which carry a signature."""
    found = []
    with ObjectReader(repo) as reader:
        for oid in oids:
            chain, _ = _chain(reader, oid)
            found += [name for name, text in chain if _is_signed(text)]
    return list(dict.fromkeys(found))


def rewrite_tags(
    repo: Repository, oids: Iterable[str], commits: Mapping[str, str]
) -> dict[str, str]:
    """Makes tags anew, the inner ones first.

    Args:
        oids: of tags that name commits in the end.

    Returns:
        What each tag becomes; itself, where its commit has not changed.
    """
    done: dict[str, str] = {}
    with ObjectReader(repo) as reader:
        for oid in oids:
            chain, commit = _chain(reader, oid)
            new = commits[commit]
            for tag, text in reversed(chain):
                if tag not in done:
                    old, _ = _tagged(text)
                    done[tag] = tag if new == old else _made(repo, text, new)
                new = done[tag]
    return done


def _chain(reader: ObjectReader, oid: str) -> tuple[list[tuple[str, bytes]], str]:
    """Returns a tag and the tags that it tags, with their texts, and what the last one tags."""
    chain = []
    name, kind = oid, "tag"
    while kind == "tag":
        text = reader.read(name)
        chain.append((name, text))
        name, kind = _tagged(text)
    return chain, name


def _tagged(tag: bytes) -> tuple[str, str]:
    lines = tag.split(b"\n", 2)
    return lines[0].removeprefix(b"object ").decode(), lines[1].removeprefix(b"type ").decode()


def _made(repo: Repository, tag: bytes, target: str) -> str:
    head, separator, message = tag.partition(b"\n\n")
    _, _, rest = (_HEADER.sub(b"", head + b"\n")[:-1]).partition(b"\n")
    text = b"object %s\n%s%s%s" % (
        target.encode(),
        rest,
        separator,
        _SIGNATURE.sub(b"", message),
    )
    # As it is: old tags have no tagger, or names that `git mktag` would not take.
    words = ("hash-object", "-t", "tag", "-w", "--stdin", "--literally")
    return repo.git(*words, stdin=text).decode().strip()
