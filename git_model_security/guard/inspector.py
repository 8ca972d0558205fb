"""Inspects blobs, each read once, for every place where they stand."""

from __future__ import annotations

import hashlib
import io
from typing import TYPE_CHECKING, Any

from git_model_security.errors import EnvelopeError
from git_model_security.git.objects import CHUNK_BYTES, ObjectReader
from git_model_security.guard import finding
from git_model_security.guard.finding import Finding
from git_model_security.guard.material import key_in
from git_model_security.guard.verdict import Judgement, Verdict, judge
from git_model_security.policy.content import HEAD_BYTES, model_format

if TYPE_CHECKING:
    from collections.abc import Iterator

    from git_model_security.git.repository import Repository
    from git_model_security.guard.knowledge import Knowledge
    from git_model_security.guard.places import Places

_BUFFER_BYTES = 64 * 1024
_WORTH_A_RESTART_BYTES = 8 << 20
"""From here on a new git process costs less than skipping the rest of a blob."""
_COPY_BYTES = 64
"""What is shorter than this is too often the same by chance."""

_RULES = {
    Verdict.PLAINTEXT: finding.PLAINTEXT,
    Verdict.DAMAGED: finding.DAMAGED,
    Verdict.POINTER: finding.POINTER,
}


class Inspector:
    """Judges blobs by the places where they stand; a context manager.

    Attributes:
        proven: blobs at protected paths that are known to be ciphertext.
        unproven: those that only have the shape of it, for want of the key.
        sealed_paths: paths where envelopes stand without any protection.
    """

    def __init__(self, repo: Repository, knowledge: Knowledge) -> None:
        self._reader = ObjectReader(repo)
        self._knowledge = knowledge
        self.proven: set[str] = set()
        self.unproven: set[str] = set()
        self.sealed_paths: set[bytes] = set()

    def __enter__(self) -> Inspector:
        return self

    def __exit__(self, *_: object) -> None:
        self._reader.close()

    def findings(self, oid: str, places: Places) -> list[Finding]:
        """Returns what is wrong with a blob at its places.

        Raises:
            GitError: the blob is missing or corrupt.
        """
        if self._knows(oid):
            # Ciphertext is no model in the clear either, whatever the path.
            if places.protected:
                self.proven.add(oid)
            self.sealed_paths.update(places.clear)
            return []
        stream = self._reader.stream(oid)
        source = io.BufferedReader(stream, _BUFFER_BYTES)
        head = source.peek(HEAD_BYTES)[:HEAD_BYTES] if stream.size else b""
        found = list(self._unsealed(oid, stream.size, source, places))
        source.detach()
        found += self._in_clear(oid, stream.size, head, places)
        if _is_envelope(head):
            self.sealed_paths.update(places.clear)
        self._give_up(stream.size)
        if (places.clear or places.links) and self._is_copy(oid, stream.size):
            detail = "content that this clone has encrypted, in clear on an unprotected path"
            paths = (*places.clear, *places.links)
            found += [Finding(finding.COPY, path, oid, stream.size, detail) for path in paths]
        return found

    def is_envelope(self, oid: str) -> bool:
        """Tells whether a blob begins as an envelope does; no more of it is read."""
        if self._knows(oid):
            return True
        stream = self._reader.stream(oid)
        found = _is_envelope(stream.read(HEAD_BYTES))
        self._give_up(stream.size)
        return found

    def _knows(self, oid: str) -> bool:
        return self._knowledge.known is not None and self._knowledge.known(oid)

    def _give_up(self, size: int) -> None:
        if size > _WORTH_A_RESTART_BYTES:
            self._reader.close()

    def _unsealed(
        self, oid: str, size: int, source: io.BufferedReader[Any], places: Places
    ) -> Iterator[Finding]:
        if not places.protected:
            return
        judgement = judge(source, size, self._knowledge.keys)
        self._count(oid, judgement)
        if rule := _RULES.get(judgement.verdict):
            for path, why in places.protected.items():
                detail = f"{judgement.detail}; {why}" if why else judgement.detail
                yield Finding(rule, path, oid, size, detail)

    def _in_clear(self, oid: str, size: int, head: bytes, places: Places) -> Iterator[Finding]:
        paths = (*places.clear, *places.links)
        if paths and (leak := key_in(head, size, self._knowledge.key_ids)):
            for path in paths:
                yield Finding(finding.KEY, path, oid, size, leak)
            return
        for path in paths:
            if title := model_format(head, size, path):
                where = (
                    "in place of a link" if path in places.links else "on an unprotected path"
                )
                yield Finding(finding.MODEL, path, oid, size, f"model file ({title}) {where}")

    def _is_copy(self, oid: str, size: int) -> bool:
        sealed_before = self._knowledge.sealed_before
        if sealed_before is None or size < _COPY_BYTES or not sealed_before(None, size):
            return False
        running = hashlib.sha256()
        stream = self._reader.stream(oid)
        while chunk := stream.read(CHUNK_BYTES):
            running.update(chunk)
        return sealed_before(running.digest(), size)

    def _count(self, oid: str, judgement: Judgement) -> None:
        if judgement.verdict in {Verdict.SEALED, Verdict.EMPTY}:
            self.proven.add(oid)
        elif judgement.verdict is Verdict.FRAMED:
            self.unproven.add(oid)


def _is_envelope(head: bytes) -> bool:
    # Importing the envelope costs time that a commit without ciphertext need not pay.
    from git_model_security.envelope import HEADER_BYTES, read_header

    try:
        return read_header(head[:HEADER_BYTES]) is not None
    except EnvelopeError:
        # The magic, and then something else: damaged, or of a later version.
        return True
