"""Where each blob stands, and what may stand there."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from git_model_security.git import attributes, index
from git_model_security.git.objects import ObjectReader

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from git_model_security.git.index import Entry
    from git_model_security.git.repository import Repository

_ATTRIBUTES_LIMIT_BYTES = 1 << 20
"""More than anybody writes; what is longer fails, and protects nothing silently."""


@dataclass
class Places:
    """Where one blob stands.

    Attributes:
        protected: paths of files where only ciphertext may stand.
        clear: paths of files where no model may stand; `b""` for no path.
        links: paths of symbolic links: a target is no content of a model, at a
            protected path neither, unless it *is* a model.
    """

    protected: list[bytes] = field(default_factory=list)
    clear: list[bytes] = field(default_factory=list)
    links: list[bytes] = field(default_factory=list)


def of_blobs(entries: Iterable[Entry], protected: Collection[bytes]) -> dict[str, Places]:
    """Returns the places of each blob, in the order of the entries; no gitlinks."""
    found: dict[str, Places] = {}
    for entry in entries:
        if entry.mode == index.GITLINK:
            continue
        places = found.setdefault(entry.oid, Places())
        if not entry.is_file:
            places.links.append(entry.path)
        elif entry.path in protected:
            places.protected.append(entry.path)
        else:
            places.clear.append(entry.path)
    return found


def protected(repo: Repository, paths: Iterable[bytes], rules: str | None = None) -> set[bytes]:
    """Returns those of `paths` that are protected now, or would be under `rules`.

    In a bare repository, where Git sees no `.gitattributes`, that of HEAD's top
    directory counts beside `info/attributes`.
    """
    # Sorted: Git keeps the attributes of one directory at a time.
    known = sorted(set(paths) - {b""})
    askable = [path for path in known if _is_askable(path)]
    # Only a tree made by hand has such names. What no attribute can speak of must
    # be ciphertext.
    found = set(known) - set(askable)
    if rules is None:
        found |= attributes.protected(repo, askable)
        if repo.work_tree is None:
            rules = _attributes_of_head(repo)
    if rules is not None:
        found |= attributes.protected_by(rules, askable)
    return found


def _is_askable(path: bytes) -> bool:
    return not {b"", b".", b".."} & set(path.split(b"/"))


def _attributes_of_head(repo: Repository) -> str | None:
    oid = index.resolve(repo, "HEAD:.gitattributes")
    if oid is None:
        return None
    with ObjectReader(repo) as reader:
        text = reader.read(oid, limit_bytes=_ATTRIBUTES_LIMIT_BYTES)
    # A pattern may hold any bytes. What is no UTF-8 becomes a wildcard: it protects
    # what was meant, and hardly more.
    return text.decode("utf-8", "replace").replace("\ufffd", "?")
