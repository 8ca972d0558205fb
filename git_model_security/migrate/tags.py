"""Annotated tags, made anew for the commits that they name now.

Taggers, dates and messages are kept byte for byte; a signature was over the old tag, and
goes. Tags of trees and blobs stay as they are.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from git_model_security.git.objects import ObjectReader

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from git_model_security.git.repository import Repository

# gpg-interface.c, `sig_format`: OpenPGP, X.509 and SSH.
_SIGNATURE = re.compile(
    rb"^-----BEGIN (PGP SIGNATURE|PGP MESSAGE|SIGNED MESSAGE|SSH SIGNATURE)-----.*",
    re.MULTILINE | re.DOTALL,
)
_HEADER = re.compile(rb"^gpgsig(-sha256)? .*\n(?: .*\n)*", re.MULTILINE)


def is_signed(tag: bytes) -> bool:
    """Tells whether a tag carries a signature."""
    head, _, message = tag.partition(b"\n\n")
    return _SIGNATURE.search(message) is not None or _HEADER.search(head + b"\n") is not None


def signed(repo: Repository, oids: Iterable[str]) -> list[str]:
    """Returns those tags, and tags that they tag, which carry a signature."""
    found = []
    with ObjectReader(repo) as reader:
        for oid in oids:
            name, kind = oid, "tag"
            while kind == "tag":
                text = reader.read(name)
                if is_signed(text):
                    found.append(name)
                name, kind = _tagged(text)
    return list(dict.fromkeys(found))


def rewritten(
    repo: Repository, oids: Iterable[str], commits: Mapping[str, str]
) -> dict[str, str]:
    """Makes tags anew, the inner ones first.

    Args:
        repo: the repository.
        oids: of tags that name commits in the end.
        commits: what commits have become.

    Returns:
        What each tag becomes; itself, where its commit has not changed.
    """
    done: dict[str, str] = {}
    with ObjectReader(repo) as reader:
        for oid in oids:
            chain = []
            name, kind = oid, "tag"
            while kind == "tag" and name not in done:
                text = reader.read(name)
                chain.append((name, text))
                name, kind = _tagged(text)
            new = done[name] if kind == "tag" else commits[name]
            for tag, text in reversed(chain):
                old, _ = _tagged(text)
                done[tag] = new = tag if new == old else _made(repo, text, new)
    return done


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
