"""Which files of a directory are meant, and what each of them is.

Hidden files are not encrypted, nor are signatures: who verifies ciphertext without a key
needs them. What is encrypted is decrypted whatever its name: a repository may encrypt
hidden files, and encrypts a signature. No link is followed.
"""

from __future__ import annotations

import os
import shlex
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from git_model_security import messages
from git_model_security.content import blob
from git_model_security.content.blob import Kind
from git_model_security.errors import (
    ConfigError,
    NewerFormatError,
    NotFetchedError,
    PolicyError,
)
from git_model_security.git import replacement, worktree
from git_model_security.git.paths import shown
from git_model_security.storage import pointer as pointer_file
from git_model_security.verification import form, listing

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from _typeshed import StrPath

    from git_model_security.envelope import Key

UNFINISHED: Final = b".git-model-unfinished"
"""A file in an output that is not complete: the same run may begin there again."""


class File(NamedTuple):
    """A regular file below a directory.

    Attributes:
        path: relative to it.
        kind: what it is by how it begins.
        facts: as it was when it was looked at.
        key_id: of the key that it is sealed under; empty where it is no envelope.
        is_left_alone: it is hidden, or a signature: nobody encrypts it.
    """

    path: bytes
    kind: Kind
    facts: os.stat_result
    key_id: str
    is_left_alone: bool


class Selection(NamedTuple):
    """What is meant.

    Attributes:
        top: the directory; of a single file the one it is in.
        files: the regular files, by their paths; not what is Git's own, nor what is not
            complete yet.
        links: symbolic links, which are passed over.
        odd: pipes, sockets and devices, which are too.
        is_one: a single file was named.
    """

    top: Path
    files: list[File]
    links: Sequence[bytes] = ()
    odd: Sequence[bytes] = ()
    is_one: bool = False

    @property
    def path(self) -> Path:
        """The path that was named."""
        return self.top / os.fsdecode(self.files[0].path) if self.is_one else self.top


def places(said: StrPath | Iterable[StrPath]) -> list[Path]:
    """Returns the paths that were said; one alone is not taken for its letters."""
    return [Path(said)] if isinstance(said, str | os.PathLike) else [*map(Path, said)]


def select(path: Path, ignored: Iterable[Path] = ()) -> Selection:
    """Looks at what is meant by a path.

    Args:
        path: a directory, or a single file, which may be hidden.
        ignored: files and directories below it that are left alone.

    Raises:
        ConfigError: there is nothing, or it cannot be read.
        PolicyError: it is what an interrupted run has left of an output.
    """
    if not path.is_dir():
        return _select_one(path)
    require_complete(path)
    left_out = {
        os.fsencode(os.path.relpath(one, path))  # which may stand below a link
        for one in ignored
    }
    modes = listing.list_files(path, left_out)
    named = sorted(name for name in modes if _is_meant(name))
    files = [_look(path, name) for name in named if stat.S_ISREG(modes[name])]
    links = [name for name in named if stat.S_ISLNK(modes[name])]
    return Selection(path, files, links, sorted({*named} - {*links, *(f.path for f in files)}))


def require_complete(path: Path) -> None:
    """Raises where a directory says that it is only a part of what was to be written there.

    Raises:
        PolicyError: it does.
    """
    mark = path / os.fsdecode(UNFINISHED)
    if os.path.lexists(mark):
        raise PolicyError(
            f"{shown(os.fsencode(path))}: is not complete: what writes there was interrupted",
            hint="run that again; or, if nothing is missing, remove"
            f" {shown(os.fsencode(mark))}",
        )


def _select_one(path: Path) -> Selection:
    name = shown(os.fsencode(path))
    if path.is_symlink():
        raise ConfigError(
            f"{name}: is a symbolic link, and none is followed to what is written",
            hint=f"name the file itself: {shown(os.fsencode(os.path.realpath(path)))}",
        )
    if not path.is_file():
        raise ConfigError(f"{name}: there is no such file or directory")
    found = _look(path.parent, os.fsencode(path.name))
    return Selection(path.parent, [found._replace(is_left_alone=False)], is_one=True)


def place(top: Path, path: bytes) -> bytes:
    """Returns the path of a file from where the user stands."""
    return os.path.join(os.fsencode(top), path)  # noqa: PTH118 - bytes


def moving_out(top: Path, path: bytes) -> str:
    """Returns the command that moves a file out of a directory, for a hint."""
    # Lexically: what a person reads below a link is above it for them.
    outside = os.path.normpath(os.path.join(top, os.pardir))  # noqa: PTH118
    words = (shown(place(top, path)), shown(os.fsencode(outside)))
    return f"`mv {' '.join(map(shlex.quote, words))}`"


def _is_meant(name: bytes) -> bool:
    return not (b".git" in name.split(b"/") or replacement.is_partial(name))


def _look(top: Path, name: bytes) -> File:
    try:
        found = worktree.head(top, name, pointer_file.MAX_BYTES + 1)
    except OSError as error:
        raise ConfigError(
            f"{shown(name)}: cannot read it: {messages.reason(error)}",
            hint="look who may read it, or leave it out: --ignore-paths"
            f" {shown(place(top, name))}",
        ) from error
    if found is None:
        raise ConfigError(f"{shown(name)}: it went away while it was looked at")
    facts, head = found
    kind = blob.classify(head, facts.st_size)
    header = blob.find_header(head) if kind is Kind.ENVELOPE else None
    return File(name, kind, facts, header.key_id if header else "", form.is_left_alone(name))


def list_plain(found: Selection, key: Key) -> list[File]:
    """Returns the files that are to be encrypted.

    Raises:
        PolicyError: one is encrypted under another key.
        NotFetchedError: one is the pointer of an object of git-lfs.
        NewerFormatError: one was encrypted by a newer git-model.
    """
    plain = []
    for file in found.files:
        if file.is_left_alone:
            continue
        if file.kind is Kind.ENVELOPE:
            if file.key_id != key.id:
                raise PolicyError(
                    f"{shown(file.path)}: is encrypted already, under another key",
                    hint="decrypt it with that key first, or leave it out: --ignore-paths"
                    f" {shown(place(found.top, file.path))}",
                )
        elif file.kind is not Kind.EMPTY:
            require_whole(file)
            plain.append(file)
    return plain


def list_hidden(found: Selection) -> list[bytes]:
    """Returns the hidden files that have content in clear, which nobody encrypts."""
    return [
        file.path
        for file in found.files
        if file.is_left_alone
        and file.kind is not Kind.EMPTY
        and not file.kind.is_sealed
        and not form.is_bundle(file.path)
    ]


def describe(found: Selection) -> str:
    """Returns what there is where nothing is to be encrypted, for the end of a sentence."""
    if found.is_one:
        return "the file is empty"
    kinds = {
        "empty file": sum(file.kind is Kind.EMPTY for file in found.files),
        "hidden file": len(list_hidden(found)),
        "signature": sum(form.is_bundle(file.path) for file in found.files),
        "symbolic link": len(found.links),
        "special file": len(found.odd),
    }
    there = [messages.counted(number, kind) for kind, number in kinds.items() if number]
    return f"only {', '.join(there)}" if there else "no file is there"


def list_sealed(found: Selection) -> list[File]:
    """Returns the files that are encrypted.

    Raises:
        NotFetchedError: one is the pointer of an object of git-lfs.
        NewerFormatError: one was encrypted by a newer git-model.
    """
    for file in found.files:
        require_whole(file)
    return [file for file in found.files if file.kind is Kind.ENVELOPE]


def require_whole(file: File) -> None:
    """Raises where a file only stands for another one, or a newer git-model has to read it.

    Raises:
        NotFetchedError: it is the pointer of an object of git-lfs.
        NewerFormatError: it was encrypted by a newer git-model.
    """
    if file.kind is Kind.NEWER:
        raise NewerFormatError(f"{shown(file.path)}: encrypted by a newer git-model")
    if file.kind.is_pointer:
        raise NotFetchedError(
            f"{shown(file.path)}: the pointer of an object of git-lfs, not the object",
            hint="`git lfs pull` fetches it, where the directory is a clone",
        )
