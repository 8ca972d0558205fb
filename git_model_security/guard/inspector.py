"""Inspects blobs, each read once, for every place where they stand."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from git_model_security.git.objects import ObjectReader
from git_model_security.guard import finding
from git_model_security.guard.finding import Finding
from git_model_security.guard.verdict import Judgement, Verdict, judge
from git_model_security.policy.content import HEAD_BYTES, model_format

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from git_model_security.envelope import Key
    from git_model_security.git.repository import Repository
    from git_model_security.guard.places import Places

Known = Callable[[str], bool]
"""Says of a blob's oid that this clone itself sealed it, or opened all of it."""

_BUFFER_BYTES = 64 * 1024
_WORTH_A_RESTART_BYTES = 8 << 20
"""From here on a new git process costs less than skipping the rest of a blob."""

_RULES = {
    Verdict.PLAINTEXT: finding.PLAINTEXT,
    Verdict.DAMAGED: finding.DAMAGED,
    Verdict.POINTER: finding.POINTER,
}


class Inspector:
    """Judges blobs by the places where they stand; a context manager.

    Attributes:
        proven: how many blobs at protected paths are known to be ciphertext.
        unproven: how many only have the shape of it, for want of the key.
    """

    def __init__(
        self,
        repo: Repository,
        keys: Mapping[str, Key] | None = None,
        known: Known | None = None,
    ) -> None:
        self._reader = ObjectReader(repo)
        self._keys = keys
        self._known = known
        self.proven = 0
        self.unproven = 0

    def __enter__(self) -> Inspector:
        return self

    def __exit__(self, *_: object) -> None:
        self._reader.close()

    def findings(self, oid: str, places: Places) -> list[Finding]:
        """Returns what is wrong with a blob at its places.

        Raises:
            GitError: the blob is missing or corrupt.
        """
        if self._known is not None and self._known(oid):
            # Ciphertext is no model in the clear either, whatever the path.
            self.proven += bool(places.protected)
            return []
        stream = self._reader.stream(oid)
        source = io.BufferedReader(stream, _BUFFER_BYTES)
        found = list(self._judged(oid, stream.size, source, places))
        source.detach()
        if stream.size > _WORTH_A_RESTART_BYTES:
            self._reader.close()
        return found

    def _judged(
        self, oid: str, size: int, source: io.BufferedReader[Any], places: Places
    ) -> Iterator[Finding]:
        head = source.peek(HEAD_BYTES)[:HEAD_BYTES] if size else b""
        if places.protected:
            judgement = judge(source, size, self._keys)
            self._count(judgement)
            if rule := _RULES.get(judgement.verdict):
                for path in places.protected:
                    yield Finding(rule, path, oid, size, judgement.detail)
        for path in (*places.clear, *places.links):
            if title := model_format(head, size, path):
                where = (
                    "in place of a link" if path in places.links else "on an unprotected path"
                )
                yield Finding(finding.MODEL, path, oid, size, f"model file ({title}) {where}")

    def _count(self, judgement: Judgement) -> None:
        self.proven += judgement.verdict in {Verdict.SEALED, Verdict.EMPTY}
        self.unproven += judgement.verdict is Verdict.FRAMED
