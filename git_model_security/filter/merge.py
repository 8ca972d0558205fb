"""The merge driver: merges the plaintext of three envelopes and seals the result.

Git puts the three blobs into temporary files of the work tree and takes the merge
from the file of ours (gitattributes, "Defining a custom merge driver"). They are
decrypted in place, so no plaintext is written anywhere else.
"""

from __future__ import annotations

import os
from pathlib import Path

from git_model_security.clone.clone import Clone
from git_model_security.clone.digests import PlaintextHash
from git_model_security.content import blob, reader
from git_model_security.content.pipeline import Joined, cut, seal
from git_model_security.content.sealed import Sealed
from git_model_security.envelope import HEADER_BYTES
from git_model_security.errors import NewerFormatError, PolicyError
from git_model_security.git.hash_object import blob_oid
from git_model_security.git.run import child_environment, run
from git_model_security.storage.pointer import parse

CONFLICT = 1
_TEXT_BYTES = 64 << 20


def merge(base: str, ours: str, theirs: str, marker_size: str, path: str) -> int:
    """Merges `theirs` into `ours`; returns 0, or `CONFLICT`.

    What is no text is a conflict that keeps ours, as Git does with binary files.

    Args:
        base: file with the common ancestor's blob (`%O`).
        ours: file with our blob, which gets the result (`%A`).
        theirs: file with their blob (`%B`).
        marker_size: length of conflict markers (`%L`).

    Raises:
        Error: a blob does not open; ours is left as it was.
    """
    clone = Clone()
    if clone.is_deploy:
        raise PolicyError(
            "this is a deploy clone: what it has not verified is not decrypted to be merged",
            hint="merge in another clone, and sign the result there",
        )
    files = [Path(ours), Path(base), Path(theirs)]
    sealed = [file.read_bytes() for file in files]
    texts = [text for content in sealed if (text := _read_text(clone, content)) is not None]
    if len(texts) < len(sealed):
        return CONFLICT
    try:
        for file, text in zip(files, texts, strict=True):
            file.write_bytes(text)
        labels = [
            word for label in ("ours", "base", "theirs") for word in ("-L", f"{label}:{path}")
        ]
        names = [str(file) for file in files]
        merged = run(
            *("merge-file", "-p", "-q", f"--marker-size={int(marker_size)}", *labels, *names),
            env=child_environment(local=False),
            # The status is the number of conflicts, up to 127 (git-merge-file).
            accept=tuple(range(128)),
        )
        conflicts = b"<" * int(marker_size) in merged
        result = _seal_text(clone, merged)
        files[0].write_bytes(result)
    except BaseException:
        files[0].write_bytes(sealed[0])
        raise
    finally:
        for file, content in zip(files[1:], sealed[1:], strict=True):
            file.write_bytes(content)
    if conflicts:
        return CONFLICT
    from git_model_security.provenance import recording

    made, one, other = (
        blob_oid(clone.repo.object_format, content)
        for content in (result, sealed[0], sealed[2])
    )
    with clone.objects:
        recording.note_merged(clone, os.fsencode(path), made, (one, other))
    return 0


def _read_text(clone: Clone, content: bytes) -> bytes | None:
    """Returns the text that a blob holds, None when it is no text to be merged."""
    pointer = parse(content)
    if pointer is not None:
        if pointer.size > _TEXT_BYTES:
            return None
        with clone.lfs.open(pointer) as file:
            content = file.read()
    try:
        is_sealed = blob.find_header(content[:HEADER_BYTES]) is not None
    except NewerFormatError:
        return None
    if is_sealed:
        content = b"".join(reader.open_chunks(clone, (content,)))
    is_text = b"\0" not in content[:8000] and len(content) <= _TEXT_BYTES
    return content if is_text else None


def _seal_text(clone: Clone, text: bytes) -> bytes:
    """Returns the blob for a text, whose object is kept where it becomes one."""
    if not text:
        return b""
    with Sealed(clone, len(text)) as sealed:
        running = PlaintextHash(clone.digest)
        seal(clone.ring.current, cut(Joined(iter((text,)))), sealed, running)
        sealed.settle(len(text))
        return b"".join(sealed.keep())
