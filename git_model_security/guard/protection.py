"""Which paths must hold ciphertext, in the eyes of a guard.

Whoever can push can push a `.gitattributes` that protects nothing. So a guard
takes every path that *any* of these says: the attributes in force, the rules of
`.gitmodel`, either in another letter case or Unicode form, and (see `walk`, `staged`) that an
envelope stood there. Owns the reasons. docs/SPEC.md, "Repository format".
"""

from __future__ import annotations

import unicodedata
from functools import partial
from typing import TYPE_CHECKING, Final

from git_model_security.git import attributes, index
from git_model_security.policy import pinned

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from git_model_security.git.index import Entry
    from git_model_security.git.repository import Repository

    Question = Callable[..., set[bytes]]

PLAIN = ""
"""The attributes in force say it, so the filter ought to have run: nothing to add."""
BY_POLICY = "protected by .gitmodel, though not by the attributes in force here"
BY_CASE = "protected under this name in another letter case"
BY_FORM = "protected under this name in another Unicode form"
BY_RECORD = (
    "untracked by a .gitmodel that nobody trusted here has signed; `git model trust add` for"
    " its signer, or in an unlocked clone `git model track --accept`, takes it over"
)
BY_HISTORY = "this path has held an envelope"

UNTRUSTED = "# as if nothing had been untracked\n"
"""What rules begin with that hold only since a record is not trusted here."""

_FORM: Final = "NFC"


class Places:
    """Where one blob stands.

    Attributes:
        protected: paths of files where only ciphertext may stand, and why (see
            `protected`).
        clear: paths of files where no model may stand; `b""` for no path.
        links: paths of symbolic links: a target is no content of a model, at a
            protected path neither, unless it *is* a model.
    """

    def __init__(self) -> None:
        self.protected: dict[bytes, str] = {}
        self.clear: list[bytes] = []
        self.links: list[bytes] = []

    @property
    def in_clear(self) -> tuple[bytes, ...]:
        """All paths but the protected ones."""
        return *self.clear, *self.links


def protected(
    repo: Repository,
    paths: Iterable[bytes],
    rules: Sequence[str] = (),
    *,
    in_force: bool = True,
) -> dict[bytes, str]:
    """Returns those of `paths` that are protected, and why.

    In a bare repository, where Git sees no `.gitattributes`, that of HEAD's top
    directory counts beside `info/attributes`.

    Args:
        rules: texts of attributes files that count as well.
        in_force: the attributes that Git sees now count.
    """
    # Sorted: Git keeps the attributes of one directory at a time.
    left = sorted(set(paths) - {b""})
    # Only a tree made by hand has such names. What no attribute can speak of must
    # be ciphertext.
    found = {path: PLAIN for path in left if not _is_askable(path)}
    for why, question in _questions(repo, rules, in_force):
        left = [path for path in left if path not in found]
        if not left:
            break
        found |= dict.fromkeys(question(left), why)
    return found


def find_places(entries: Iterable[Entry], protected: Mapping[bytes, str]) -> dict[str, Places]:
    """Returns where each blob stands, in the order of the entries; no gitlinks."""
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


def _questions(
    repo: Repository, rules: Sequence[str], in_force: bool
) -> Iterator[tuple[str, Question]]:
    asked: list[tuple[str, Question]] = []
    if in_force:
        asked.append((PLAIN, partial(attributes.protected, repo)))
        head = None if repo.work_tree is not None else _attributes_of_head(repo)
        if head is not None:
            asked.append((PLAIN, partial(attributes.protected_by, head)))
    beyond = rules
    if in_force and not pinned.outranked_by(repo):
        # What is pinned is in force, before all others; so it says nothing beyond that.
        beyond = [text for text in rules if text != pinned.rules(repo)]
    for text in beyond:
        why = BY_RECORD if text.startswith(UNTRUSTED) else BY_POLICY
        asked.append((why if in_force else PLAIN, partial(attributes.protected_by, text)))
    yield from asked
    # A file system may fold case, and a person did not mean it. Asked last, and on
    # top: in any case more may match of what is excluded, too.
    for _, question in asked:
        yield BY_CASE, partial(question, any_case=True)
    # Attributes in force are no text here; but those that count stand in the rules too.
    for text in rules:
        yield BY_FORM, partial(_in_any_form, unicodedata.normalize(_FORM, text))


def _in_any_form(text: str, paths: Iterable[bytes]) -> set[bytes]:
    """Asks for names and patterns in one Unicode form: macOS takes all for the same."""
    forms: dict[bytes, set[bytes]] = {}
    for path in paths:
        if not path.isascii():
            name = unicodedata.normalize(_FORM, path.decode("utf-8", "surrogateescape"))
            forms.setdefault(name.encode("utf-8", "surrogateescape"), set()).add(path)
    found = attributes.protected_by(text, sorted(forms))
    return {path for name in found for path in forms[name]}


def _is_askable(path: bytes) -> bool:
    return {b"", b".", b".."}.isdisjoint(path.split(b"/"))


def _attributes_of_head(repo: Repository) -> str | None:
    oid = index.resolve(repo, "HEAD:.gitattributes")
    if oid is None:
        return None
    reader = repo.objects
    text = reader.read(oid, limit_bytes=attributes.FILE_LIMIT_BYTES)
    # A pattern may hold any bytes. What is no UTF-8 becomes a wildcard: it protects
    # what was meant, and hardly more.
    return text.decode("utf-8", "replace").replace("\ufffd", "?")
