"""Smudge: from Git into the work tree. Decrypts what this clone may decrypt.

Ciphertext without its key, or of a newer format, is written as it is, so that a clone
succeeds and its `git status` is clean. An envelope under a held key that does not open
is an error, and Git writes nothing of it. What an object of git-lfs holds is written
when it is here and short enough; else its pointer, which `git model checkout` replaces.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, BinaryIO

from git_model_security import messages
from git_model_security.clone.digests import PlaintextHash
from git_model_security.content import reader
from git_model_security.content.sealed import Spooled
from git_model_security.envelope import HEADER_BYTES, read_header
from git_model_security.errors import UPGRADE_HINT, Error, NewerFormatError
from git_model_security.git.hash_object import write_blob
from git_model_security.git.objects import CHUNK_BYTES
from git_model_security.git.paths import shown
from git_model_security.storage import pending
from git_model_security.storage.pointer import MAX_BYTES, parse

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from git_model_security.clone.clone import Clone
    from git_model_security.content.pipeline import Opening
    from git_model_security.envelope.layout import BytesLike
    from git_model_security.git.pktline import Content
    from git_model_security.git.repository import Repository
    from git_model_security.storage.pointer import Pointer


class Delayed(Exception):  # noqa: N818 - an answer, not an error
    """The content comes later: Git goes on with the next file (gitattributes, "Delay")."""

    def __init__(self, pointer: Pointer, oid: str) -> None:
        super().__init__()
        self.pointer = pointer
        self.oid = oid


def smudge(
    clone: Clone,
    path: bytes,
    content: Content,
    oid: str | None,
    *,
    can_delay: bool = False,
    admit: Callable[[str], None] | None = None,
) -> Iterable[BytesLike]:
    """Returns the work tree content for a blob.

    Args:
        content: the blob's bytes in pieces; all of it is read before this returns.
        can_delay: Git lets the answer wait.
        admit: raises for a blob that must not be written; it is asked for just what came.

    Raises:
        Error: see `admit`.
        Delayed: the answer waits, see `delayed`.
        EnvelopeError: it begins like an envelope and is none; or, while iterating, it
            does not open: what was yielded before must be discarded.
    """
    head = content.peek(MAX_BYTES)
    spooled = Spooled(clone)
    for piece in content:
        spooled.write(piece)
    if admit is not None:
        oid = spooled.oid()
        admit(oid)
    if not head or clone.ring.locked:
        return spooled.chunks()
    # What is as long as that, and no longer, may go on: it is no pointer then.
    pointer = parse(head) if spooled.size == len(head) else None
    if pointer is not None:
        name = spooled.oid() if oid is None or clone.has_replacements else oid
        return _answer_pointer(clone, path, pointer, name, can_delay=can_delay)
    key_id = _find_key(clone, path, head)
    if key_id is None:
        return spooled.chunks()
    if not key_id:
        _warn_of_clear(clone, path)
        return spooled.chunks()
    return _decrypted(clone, spooled, key_id, oid)


def _find_key(clone: Clone, path: bytes, head: bytes) -> str | None:
    """Returns the id of the key that opens what begins so; empty for what is clear.

    None, with a warning, for what is left encrypted.
    """
    try:
        header = read_header(head[:HEADER_BYTES])
    except NewerFormatError as error:
        _warn(path, f"is left encrypted: {error}", UPGRADE_HINT)
        return None
    if header is None or header.key_id in clone.ring.keys:
        return header.key_id if header else ""
    what = f"is sealed under the key {header.key_id}, not held here: left encrypted"
    _warn(path, what, "`git model unlock --key FILE`")
    return None


def _answer_pointer(
    clone: Clone, path: bytes, pointer: Pointer, oid: str, *, can_delay: bool
) -> Iterable[BytesLike]:
    """Decides what stands for an object: its plaintext, now or later, or its pointer."""
    if clone.skips_smudge:
        return (pointer.render(),)
    if pointer.size >= clone.direct_threshold:
        pending.note(clone.repo, path)
        return (pointer.render(),)
    if can_delay:
        raise Delayed(pointer, oid)
    if not clone.lfs.holds(pointer):
        try:
            if not clone.objects.holds(oid):
                write_blob(clone.repo, pointer.render())  # `git am` stores it only later
            clone.fetch([oid])
        except Error as error:
            return leave_pointer(path, pointer, error)
    return content_of(clone, path, pointer, oid)


def leave_pointer(path: bytes, pointer: Pointer, error: Error) -> Iterable[BytesLike]:
    """Leaves a pointer in the work tree, and says so: the rest is written all the same."""
    _warn(path, f"is not here: {error}", "`git model checkout` tries again")
    if error.hint:
        messages.advise(error.hint)
    return (pointer.render(),)


def content_of(clone: Clone, path: bytes, pointer: Pointer, oid: str) -> Iterator[BytesLike]:
    """Begins to open an object that is here; returns its plaintext, to be iterated over.

    Where the key is not held, or the format is a newer one, that is the pointer.

    Raises:
        Error: it does not open, now or while iterating; what was yielded before must
            be discarded.
    """
    file = clone.lfs.open(pointer)
    key_id = _find_key(clone, path, file.read(HEADER_BYTES))
    if not key_id:
        file.close()
        if key_id is None:
            return iter((pointer.render(),))
        _warn_of_clear(clone, path)
        return _bytes_of(clone, pointer)
    from git_model_security.content.pipeline import Opening
    from git_model_security.envelope import SegmentReader

    opening = Opening(SegmentReader(clone.ring.keys[key_id], file), clone.pool)
    return _opened(clone, opening, file, pointer, oid)


def _opened(
    clone: Clone, opening: Opening, file: BinaryIO, pointer: Pointer, oid: str
) -> Iterator[BytesLike]:
    known = clone.digests.get(oid)
    is_wanted = clone.verifies and (known is None or known.get(clone.digest) is None)
    plaintext = PlaintextHash(clone.digest) if is_wanted else None
    with file:
        yield from reader.check_opened(opening, plaintext)
    if plaintext is not None:
        sealed = bytes.fromhex(pointer.oid)
        clone.digests.put(oid, plaintext.digests(opening.key_id, sealed, opening.root))


def _bytes_of(clone: Clone, pointer: Pointer) -> Iterator[bytes]:
    with clone.lfs.open(pointer) as file:
        while chunk := file.read(CHUNK_BYTES):
            yield chunk


def _decrypted(
    clone: Clone, spooled: Spooled, key_id: str, oid: str | None
) -> Iterator[BytesLike]:
    plaintext = PlaintextHash(clone.digest)
    yield from reader.open_chunks(clone, spooled.chunks(), plaintext)
    name = spooled.oid() if oid is None or clone.has_replacements else oid
    clone.digests.put(name, plaintext.digests(key_id, spooled.sha256(), spooled.root()))


def _warn_of_clear(clone: Clone, path: bytes) -> None:
    """Warns of what came in clear: the next `git add` encrypts it."""
    if not _is_let_out(clone, path):
        next_step = (
            "`git model audit` tells since when; `git model repair` encrypts the tip again"
        )
        _warn(path, "is not encrypted in Git", next_step)


def _is_let_out(clone: Clone, path: bytes) -> bool:
    """Tells whether somebody trusted untracked it: after a pull this clone takes that over."""
    from git_model_security.git import attributes
    from git_model_security.policy.attributes import matching

    patterns = _records(clone.repo)
    return bool(patterns and attributes.protected_by(matching(patterns), [path]))


@lru_cache(maxsize=1)  # a signature is checked, and many files may come
def _records(repo: Repository) -> tuple[str, ...]:
    from git_model_security.git import history
    from git_model_security.provenance import policy_trust

    return policy_trust.records(repo, history.ref_tips(repo)[: policy_trust.REFS_LOOKED_AT])


def _warn(path: bytes, what: str, next_step: str) -> None:
    messages.warn(f"{shown(path)} {what}", next_step)
