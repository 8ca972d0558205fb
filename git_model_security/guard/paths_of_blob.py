"""Where each blob stands, and what may stand there."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from git_model_security.git import index

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from git_model_security.git.index import Entry


@dataclass
class Places:
    """Where one blob stands.

    Attributes:
        protected: paths of files where only ciphertext may stand, and why (see
            `protection`).
        clear: paths of files where no model may stand; `b""` for no path.
        links: paths of symbolic links: a target is no content of a model, at a
            protected path neither, unless it *is* a model.
    """

    protected: dict[bytes, str] = field(default_factory=dict)
    clear: list[bytes] = field(default_factory=list)
    links: list[bytes] = field(default_factory=list)


def of_blobs(entries: Iterable[Entry], protected: Mapping[bytes, str]) -> dict[str, Places]:
    """Returns the places of each blob, in the order of the entries; no gitlinks."""
    found: dict[str, Places] = {}
    for entry in entries:
        if entry.mode == index.GITLINK:
            continue
        places = found.setdefault(entry.oid, Places())
        if not entry.is_file:
            places.links.append(entry.path)
        elif entry.path in protected:
            places.protected[entry.path] = protected[entry.path]
        else:
            places.clear.append(entry.path)
    return found
