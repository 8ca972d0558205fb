"""Ciphertext on its way to Git: spooled, hashed while it is written, then placed.

Git must have sent all its content before it reads an answer (gitattributes,
"Long Running Filter Process"), so what is answered waits here. Where it will live,
in the blob or in an object of git-lfs, is known when its length is.
"""

from __future__ import annotations

import contextlib
import hashlib
import tempfile
from functools import partial
from typing import IO, TYPE_CHECKING, cast

from git_model_security import messages
from git_model_security.clone.digests import PlaintextHash
from git_model_security.content.pipeline import cut, seal
from git_model_security.envelope import HEADER_BYTES, root, sealed_length
from git_model_security.envelope.layout import FOOTER_BYTES
from git_model_security.envelope.window import write_all
from git_model_security.errors import EnvelopeError, GitError
from git_model_security.git.hash_object import blob_hash, blob_oid
from git_model_security.git.objects import CHUNK_BYTES
from git_model_security.storage.pointer import Pointer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from git_model_security.clone.clone import Clone
    from git_model_security.content.pipeline import Readable
    from git_model_security.envelope.layout import BytesLike

MEMORY_BYTES = 8 << 20
"""Ciphertext beyond this goes to the file."""
_FULL = "free some disk space for the git directory, then try again"


class Spooled:
    """Bytes that are written once and then read from their beginning, any number of times.

    They stand in memory first, and then in a file. Their oid begins with their length (`blob
    <size>`). The work tree file tells it beforehand, mostly; where that guess was wrong they
    are read once more.

    Args:
        opened: opens the file, once it is needed.

    Attributes:
        size: bytes written so far.
    """

    def __init__(
        self,
        clone: Clone,
        expected_bytes: int | None = None,
        opened: Callable[[], IO[bytes]] | None = None,
    ) -> None:
        self._format = clone.repo.object_format
        self._expected = expected_bytes
        self._oid = None if expected_bytes is None else blob_hash(self._format, expected_bytes)
        self._sha256 = hashlib.sha256()
        self._opened = opened or partial(_unlinked, clone)
        self._memory = bytearray()
        self._file: IO[bytes] | None = None
        self.size = 0

    def write(self, data: BytesLike) -> None:
        """Takes in more.

        Raises:
            GitError: there is no room for it.
        """
        if self._file is None and len(self._memory) + len(data) <= MEMORY_BYTES:
            self._memory += data
        else:
            with _keeping():
                write_all(self._to_file(), data)  # type: ignore[arg-type]
        self._sha256.update(data)
        if self._oid is not None:
            self._oid.update(data)
        self.size += len(data)

    def sha256(self) -> bytes:
        """Returns the SHA-256 of what was written."""
        return self._sha256.digest()

    def root(self) -> bytes | None:
        """Returns the root of the envelope that was written; None where it can be none."""
        if self._file is not None:
            return root.of_file(self._file.fileno())
        head, tail = self._memory[:HEADER_BYTES], self._memory[-FOOTER_BYTES:]
        return root.of_ends(bytes(head), bytes(tail), self.size)

    def oid(self) -> str:
        """Returns the name that Git would give to a blob of it."""
        if self._oid is None or self.size != self._expected:
            self._expected = self.size
            self._oid = blob_hash(self._format, self.size)
            for chunk in self.chunks():
                self._oid.update(chunk)
        return self._oid.hexdigest()

    def chunks(self) -> Iterator[BytesLike]:
        """Yields what was written, from its beginning.

        Raises:
            GitError, OSError: it cannot be read.
        """
        if self._file is None:
            yield self._memory
            return
        with _keeping():
            self._file.seek(0)
        while chunk := self._file.read(CHUNK_BYTES):
            yield chunk

    def _to_file(self) -> IO[bytes]:
        """Returns the file, with all that was written in it."""
        if self._file is None:
            with _keeping():
                self._file = self._opened()
                write_all(self._file, self._memory)  # type: ignore[arg-type]
                self._memory = bytearray()
        return self._file


@contextlib.contextmanager
def _keeping(hint: str = _FULL) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        said = f"cannot keep its ciphertext: {messages.reason(error)}"
        raise GitError(said, hint=hint) from error


class Sealed(Spooled):
    """An envelope that becomes a blob, or an object of git-lfs and a pointer to it.

    A context manager: an object that was not kept leaves nothing behind.

    Args:
        plaintext_bytes: length of the plaintext, as far as it is known beforehand.
        path: where it lies, if it does at one place.

    Attributes:
        pointer: what Git gets, once it is settled that this becomes an object.
    """

    def __init__(self, clone: Clone, plaintext_bytes: int | None, path: bytes = b"") -> None:
        likely = plaintext_bytes or 0
        inline = likely and not clone.makes_object(likely, path)
        opened = None if clone.threshold is None else clone.lfs.partial
        super().__init__(clone, _sealed_length(likely) if inline else None, opened)
        self._clone = clone
        self._path = path
        self.pointer: Pointer | None = None

    def __enter__(self) -> Sealed:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        # An answer that is read from the file needs its bytes, but no more its name.
        file = self._file
        if file is not None and not file.closed and self._clone.threshold is not None:
            self._clone.lfs.forget(file)
            if kind is not None:
                file.close()

    def settle(self, plaintext_bytes: int) -> str:
        """Decides where the envelope will live; returns the oid of the blob in Git."""
        if not self._clone.makes_object(plaintext_bytes, self._path):
            return self.oid()
        self.pointer = Pointer(self.sha256().hex(), self.size)
        return blob_oid(self._format, self.pointer.render())

    def keep(self) -> Iterable[BytesLike]:
        """Puts the envelope in its place; returns what the blob in Git shall hold.

        Raises:
            GitError: it could not be kept.
        """
        if self.pointer is None:
            return self.chunks()
        with _keeping(f"look at {self._clone.lfs.directory}, then try again"):
            self._clone.lfs.keep(self._to_file(), self.pointer)
        return (self.pointer.render(),)


def _sealed_length(plaintext_bytes: int) -> int | None:
    with contextlib.suppress(EnvelopeError):
        return sealed_length(plaintext_bytes)
    return None


def _unlinked(clone: Clone) -> IO[bytes]:
    """Opens a file without a name under the git common dir."""
    directory = clone.repo.state_directory("tmp")
    return cast("IO[bytes]", tempfile.TemporaryFile(dir=directory, buffering=0))


def seal_content(
    clone: Clone,
    source: Readable,
    pointer: Pointer | None,
    place: Callable[[Sealed], str | None],
    path: bytes = b"",
) -> str:
    """Encrypts content under the key of now; returns the oid of the blob that stands for it.

    Args:
        pointer: of git-lfs, where it named the content until now.
        place: puts the ciphertext into the repository, once it is proven and settled;
            returns the oid of the blob, where it gets to know it.
        path: where it lies, if it does at one place.

    Raises:
        GitError: the content is not what the pointer says, or there is no room.
    """
    key = clone.ring.current
    plaintext = PlaintextHash("sha256" if pointer is not None else clone.digest)
    with Sealed(clone, pointer.size if pointer is not None else None, path) as sealed:
        seal(key, cut(source), sealed, plaintext)
        oid = sealed.settle(plaintext.length)
        digests = plaintext.digests(key.id, sealed.sha256(), sealed.root())
        if pointer is not None and digests.sha256 != bytes.fromhex(pointer.oid):
            raise GitError(
                f"the git-lfs object {pointer.oid[:12]} is damaged",
                hint="`git lfs fsck` finds what is; `git lfs fetch --all` brings it again",
            )
        placed = place(sealed)
        assert placed in {None, oid}
    clone.digests.put(oid, digests)
    return oid
