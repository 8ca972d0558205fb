"""Which files of a directory IBM's model-encryption wrote, as far as a key proves it.

Reads only. No name is believed: what the key does not authenticate is not told to be one.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Final

from git_model_security import messages
from git_model_security.content import enc_file
from git_model_security.content.blob import Kind
from git_model_security.directories import selection
from git_model_security.errors import EnvelopeError, KeyNotFoundError, PolicyError
from git_model_security.git import worktree
from git_model_security.git.objects import CHUNK_BYTES
from git_model_security.git.paths import shown

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from git_model_security.directories.selection import File, Selection

    Progress = Callable[[int, int], object]

_NAMED: Final = 10
_UNFINISHED: Final = "never finished: it has no HMAC"
_UNPROVEN: Final = "the key does not authenticate it"


def list_named(found: Selection) -> list[File]:
    """Returns the files that are called `.enc` and are no envelopes of ours.

    Raises:
        NotFetchedError: one is the pointer of an object of git-lfs.
        NewerFormatError: one was encrypted by a newer git-model.
    """
    visible = (file for file in found.files if not file.is_left_alone)
    named = [file for file in visible if file.path.endswith(enc_file.SUFFIX)]
    for file in named:
        selection.require_whole(file)
    return [file for file in named if file.kind is not Kind.ENVELOPE]


def list_possible(files: Sequence[File]) -> list[File]:
    """Returns the files that may be such by name and length, and are none of ours."""
    foreign = (file for file in files if not (file.is_left_alone or file.kind is Kind.ENVELOPE))
    return [file for file in foreign if enc_file.is_possible(file.path, file.facts.st_size)]


def require_all(
    top: Path,
    files: Sequence[File],
    material: bytes,
    threads: int | None = None,
    progress: Progress | None = None,
) -> None:
    """Raises unless the key authenticates every file, each of which is read whole.

    Raises:
        KeyNotFoundError: it authenticates none of them.
        EnvelopeError: it does not all of them; they are named, each with what is wrong.
    """
    faults: dict[bytes, str] = {}
    total = sum(file.facts.st_size for file in files)
    done = 0
    with ThreadPoolExecutor(threads) as pool:
        for file, fault in zip(
            files, pool.map(partial(_fault, top, material), files), strict=True
        ):
            if fault is not None:
                faults[file.path] = fault
            done += file.facts.st_size
            if progress is not None:
                progress(done, total)
    if not faults:
        return
    if len(faults) == len(files) and set(faults.values()) == {_UNPROVEN}:
        raise KeyNotFoundError(
            f"this key authenticates none of the {messages.counted(len(files), '.enc file')}:"
            " they are under another, or damaged",
            hint="--encryption-key FILE names the key that they were encrypted with",
        )
    lines = [f"{shown(path)}: {fault}" for path, fault in faults.items()]
    listed = "".join(f"\n  {line}" for line in messages.shortened(lines, _NAMED))
    raise EnvelopeError(
        f"{len(faults)} of {messages.counted(len(files), '.enc file')} cannot be taken over,"
        f" and nothing was written:{listed}",
        hint="restore them from another copy, or leave them out: --ignore-paths PATH",
    )


def _fault(top: Path, material: bytes, file: File) -> str | None:
    size = file.facts.st_size
    if not enc_file.is_possible(file.path, size):
        return f"of {size} bytes there is no such file: cut short, or something else"
    head, holds = _read(top, file.path, material)
    if holds:
        return None
    return _UNFINISHED if enc_file.is_unfinished(head) else _UNPROVEN


def is_proven(top: Path, path: bytes, material: bytes) -> bool:
    """Tells whether a key authenticates a file, which is read whole.

    Raises:
        OSError: it cannot be read.
    """
    return _read(top, path, material)[1]


def _read(top: Path, path: bytes, material: bytes) -> tuple[bytes, bool]:
    with os.fdopen(worktree.open_file(top, path), "rb", buffering=0) as source:
        head = source.read(enc_file.HEAD_BYTES)
        check = enc_file.Check(material, head)
        while chunk := source.read(CHUNK_BYTES):
            check.update(chunk)
    return head, check.holds()


def require_none(top: Path, files: Sequence[File], material: bytes | None) -> list[bytes]:
    """Raises where a file is ciphertext already, under the key that it is to be sealed with.

    Args:
        material: the key; without it nothing is proven.

    Returns:
        The files that may be such, under another key.

    Raises:
        PolicyError: the key authenticates one.
    """
    possible = list_possible(files)
    for file in possible:
        if material is not None and is_proven(top, file.path, material):
            place = shown(os.fsencode(top))
            raise PolicyError(
                f"{shown(file.path)}: model-encryption encrypted it already, with this key",
                hint=f"`git model import-enc {place}` makes envelopes of such files",
            )
    return [file.path for file in possible]
