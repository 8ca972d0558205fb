"""Envelopes staged raw, where HEAD has the pointer to them.

`git lfs pull` of git-lfs before 3.6 writes what every pointer stands for, and stages it:
where no filter of ours runs, as in a runner's checkout, the index then holds a blob as
long as the object. It is the same content, so the pointer goes back.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from git_model_security import messages
from git_model_security.content import blob, reader
from git_model_security.git import batch, index
from git_model_security.git.objects import CHUNK_BYTES
from git_model_security.git.paths import shown
from git_model_security.storage.pointer import MAX_BYTES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from git_model_security.clone.clone import Clone
    from git_model_security.git.index import Entry


def put_back(clone: Clone, staged: Sequence[tuple[Entry, Entry]] | None = None) -> list[bytes]:
    """Puts HEAD's pointers back where the index has, raw, what they stand for; returns paths.

    `staged` is what `index.staged_changes` says, where the caller asked already.
    """
    if not clone.lfs.is_used:
        return []  # nothing was pulled
    changes = index.staged_changes(clone.repo) if staged is None else staged
    pointers = [old for old, new in _candidates(clone, changes) if _is_raw(clone, old, new)]
    if pointers:
        index.stage(clone.repo, pointers)
    return [entry.path for entry in pointers]


def describe(paths: Sequence[bytes]) -> str:
    """Returns what a person is told of the pointers that were put back."""
    names = messages.listed([shown(path) for path in paths], 1)
    if len(paths) == 1:
        return f"{names}: its ciphertext was staged; its pointer is in the index again"
    return f"{names}: their ciphertext was staged; their pointers are in the index again"


def _candidates(
    clone: Clone, changes: Sequence[tuple[Entry, Entry]]
) -> list[tuple[Entry, Entry]]:
    """Returns the changes from something short to something long that no filter made."""
    files = [(old, new) for old, new in changes if old.is_file and new.is_file]
    made = clone.provenance.made({new.oid for _, new in files})
    files = [(old, new) for old, new in files if new.oid not in made]
    sizes = batch.sizes(clone.repo, (one.oid for pair in files for one in pair))
    return [
        (old, new)
        for old, new in files
        if sizes.get(old.oid, 0) <= MAX_BYTES < sizes.get(new.oid, 0)
    ]


def _is_raw(clone: Clone, old: Entry, new: Entry) -> bool:
    pointer = blob.pointer_of(clone.objects.stream(old.oid))
    if pointer is None or (stream := clone.objects.stream(new.oid)).size != pointer.size:
        return False
    # What is no envelope was staged by who leaves git-lfs on purpose.
    head, content = reader.peek(iter(lambda: stream.read(CHUNK_BYTES), b""))
    if not blob.is_sealed(head):
        return False
    running = hashlib.sha256()
    for chunk in content:
        running.update(chunk)
    return running.hexdigest() == pointer.oid
