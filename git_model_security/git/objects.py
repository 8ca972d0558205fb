"""Objects, read through one `git cat-file --batch-command`, streamed."""

from __future__ import annotations

import io
import os
from functools import cached_property
from typing import IO, TYPE_CHECKING

from git_model_security.errors import GitError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from _typeshed import WriteableBuffer

    from git_model_security.git.repository import Repository
    from git_model_security.git.run import Piped

CHUNK_BYTES = 1 << 20
WORTH_A_RESTART_BYTES = 8 << 20
"""From here on a new git process costs less than skipping the rest of an object."""
_FACTS = 3
"""Words of the line before an object: oid, type and size (git-cat-file, "BATCH OUTPUT")."""
_QUESTIONS = 100
"""That many fit into a pipe before the first is answered."""


class BlobStream(io.RawIOBase):
    """The content of one object in a batch; `size` is its length in bytes."""

    def __init__(self, pipe: IO[bytes], kind: str, size: int) -> None:
        self._pipe = pipe
        self._left = size
        self._ended = False
        self._is_given_up = False
        self.kind = kind
        self.size = size

    def readable(self) -> bool:
        """Streams read."""
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        """Reads into `buffer` what is left of the object, at most its length."""
        # A stream that was given up must not look like one that is read to its end.
        assert self._left or not self._is_given_up, "the next object was opened meanwhile"
        view = memoryview(buffer)[: self._left]
        count = int(self._pipe.readinto(view)) if view else 0  # type: ignore[attr-defined]
        if view and not count:
            raise GitError("git cat-file ended in the middle of an object")
        self._left -= count
        return count

    @property
    def is_under_way(self) -> bool:
        """Whether the pipe still holds content of this object."""
        return bool(self._left)

    def drain(self) -> None:
        """Skips what was not read, and the line feed that follows in a batch."""
        self._is_given_up = bool(self._left)
        while self._left:
            self.read(CHUNK_BYTES)
        if not self._ended:
            self._pipe.read(1)
            self._ended = True


class ObjectReader:
    """Reads objects through one git process; a context manager, not thread-safe."""

    def __init__(self, repo: Repository) -> None:
        self._repo = repo
        self._process: Piped | None = None
        self._checks: dict[str, Piped] = {}
        self._open: BlobStream | None = None

    def __enter__(self) -> ObjectReader:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def _is_streaming(self) -> bool:
        """Whether somebody is in the middle of an object."""
        return self._open is not None and self._open.is_under_way

    @cached_property
    def _aside(self) -> ObjectReader:
        return ObjectReader(self._repo)

    def close(self) -> None:
        """Ends the git processes; what was not read of an object is given up."""
        for process in filter(None, (self._process, *self._checks.values())):
            for pipe in (process.stdin, process.stdout):
                pipe.close()
            process.wait()
        self._process = self._open = None
        self._checks = {}
        if "_aside" in vars(self):
            self._aside.close()

    def stream(self, oid: str) -> BlobStream:
        """Opens an object for reading; ends the stream opened before it.

        Raises:
            GitError: the object is missing or cannot be read.
        """
        self._ask("contents", [oid])
        return self._answer(oid)

    def read_many(self, oids: Sequence[str]) -> Iterator[tuple[str, bytes]]:
        """Yields kind and content of each of many short objects; ends no stream.

        Raises:
            GitError: one is missing or cannot be read.
        """
        if self._is_streaming:
            yield from self._aside.read_many(oids)
            return
        for first in range(0, len(oids), _QUESTIONS):
            asked = oids[first : first + _QUESTIONS]
            self._ask("contents", asked)
            try:
                # All answers are taken before whoever gets them can ask again.
                answers = [(stream.kind, stream.read()) for stream in map(self._answer, asked)]
            except GitError:
                self.close()
                raise
            yield from answers

    def named(self, revision: str | bytes) -> str | None:
        """Returns the oid of what a revision names, or None when it is not here."""
        (found,) = self.facts([revision])
        return found[1] or None

    def facts(self, revisions: Sequence[str | bytes]) -> Iterator[tuple[str, str, int]]:
        """Yields kind, oid and length of what each revision names; ends no stream.

        Of what is not here kind and oid are empty.

        Args:
            revisions: as gitrevisions has them, without a line feed.

        Raises:
            GitError: git ended, as it does at an object that is corrupt.
        """
        if self._is_streaming:
            yield from self._aside.facts(revisions)
            return
        for first in range(0, len(revisions), _QUESTIONS):
            asked = revisions[first : first + _QUESTIONS]
            self._ask("info", asked)
            answers = [self._line() for _ in asked]
            if not all(answers):
                raise GitError("git cat-file ended", hint="see `git fsck`")
            yield from [_fact(answer) for answer in answers]

    def holds(self, oid: str) -> bool:
        """Tells whether an object is here; nothing is fetched for that."""
        if self._is_loose_only:
            return (self._repo.common_dir / "objects" / oid[:2] / oid[2:]).exists()
        return self._is_in("", oid)

    def is_own(self, oid: str) -> bool:
        """Tells whether an object is here, and not only lent by another repository.

        docs: gitrepository-layout, "objects/info/alternates".
        """
        if not self.holds(oid):
            return False
        objects = self._repo.common_dir / "objects"
        listed = objects / "info" / "alternates"
        lines = listed.read_text().splitlines() if listed.is_file() else []
        lenders = (str(objects / line) for line in lines if line and line[0] != "#")
        return not any(self._is_in(lender, oid) for lender in lenders)

    def _is_in(self, directory: str, oid: str) -> bool:
        """Tells whether an object is in a directory of objects; in ours, where it is empty."""
        if directory not in self._checks:
            extra = {"GIT_OBJECT_DIRECTORY": directory} if directory else {}
            self._checks[directory] = self._repo.spawn(
                "cat-file", "--batch-check", extra={"GIT_NO_LAZY_FETCH": "1", **extra}
            )
        process = self._checks[directory]
        process.stdin.write(oid.encode() + b"\n")
        process.stdin.flush()
        return not process.stdout.readline().rstrip().endswith(b"missing")

    def _ask(self, command: str, names: Iterable[str | bytes]) -> None:
        if self._open is not None:
            self._open.drain()
            self._open = None
        if self._process is None:
            self._process = self._repo.spawn("cat-file", "--batch-command")
        for name in names:
            self._process.stdin.write(b"%s %s\n" % (command.encode(), os.fsencode(name)))
        self._process.stdin.flush()

    def _answer(self, oid: str) -> BlobStream:
        if self._open is not None:
            self._open.drain()
        words = self._line().split()
        if len(words) != _FACTS or self._process is None:
            raise GitError(
                f"object {oid} is missing or corrupt",
                hint="see `git fsck`; in a partial or shallow clone fetch it first",
            )
        self._open = BlobStream(self._process.stdout, words[1].decode(), int(words[2]))
        return self._open

    def _line(self) -> bytes:
        """Returns the next line; nothing where git ended, as it does at a corrupt object."""
        if self._process is None:
            return b""
        line: bytes = self._process.stdout.readline()
        if not line:
            self.close()
        return line

    @cached_property
    def _is_loose_only(self) -> bool:
        """Whether each object is the file that its name says (gitrepository-layout).

        Then no process has to be asked, which would search for packs each time.
        """
        objects = self._repo.common_dir / "objects"
        elsewhere = ("GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES")
        return not (
            any((objects / "pack").glob("*.idx"))
            or (objects / "info" / "alternates").exists()
            or any(name in os.environ for name in elsewhere)
        )

    def read(self, oid: str, *, limit_bytes: int | None = None) -> bytes:
        """Returns an object whole.

        Raises:
            GitError: it is missing, or longer than `limit_bytes`.
        """
        stream = self.stream(oid)
        if limit_bytes is not None and stream.size > limit_bytes:
            raise GitError(f"object {oid} has {stream.size} bytes, more than {limit_bytes}")
        return stream.read()


def _fact(answer: bytes) -> tuple[str, str, int]:
    """Parses one line of `info`; of what is not here it repeats the name, of any words."""
    words = answer.decode("utf-8", "replace").split()
    if len(words) != _FACTS or not is_oid(words[0]):
        return "", "", 0
    return words[1], words[0], int(words[2])


def is_oid(text: str) -> bool:
    """Tells whether a text is an object name in full, of either format."""
    return len(text) in {40, 64} and set(text) <= set("0123456789abcdef")
