"""Inspects blobs, each read once, for every place where they stand."""

from __future__ import annotations

import hashlib
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

from git_model_security.content.blob import Blob, Kind, open_blob
from git_model_security.errors import GitError
from git_model_security.git import config
from git_model_security.git.objects import CHUNK_BYTES, WORTH_A_RESTART_BYTES
from git_model_security.guard import finding
from git_model_security.guard.finding import Finding
from git_model_security.guard.judgement import LOOKALIKE, find_undecided, judge, key_in
from git_model_security.guard.knowledge import Tally
from git_model_security.policy.content import model_format
from git_model_security.storage.lfs import ObjectStore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from git_model_security.git.repository import Repository
    from git_model_security.guard.knowledge import Knowledge
    from git_model_security.guard.protection import Places

_COPY_BYTES = 64
"""What is shorter than this is too often the same by chance."""


class Inspector:
    """Judges blobs by the places where they stand.

    Args:
        absent_is_found: a pointer at a protected path whose object is not here is a finding.
        tolerant: a blob that cannot be read is a finding too, and no error.
        here: says which blobs can be read without fetching them.

    Attributes:
        sealed_paths: paths where envelopes stand without any protection.
    """

    def __init__(
        self,
        repo: Repository,
        knowledge: Knowledge,
        *,
        absent_is_found: bool = True,
        tolerant: bool = False,
        here: Callable[[str], bool] = lambda _: True,
    ) -> None:
        self._repo = repo
        self._tolerant = tolerant
        self._here = here
        self._reader = repo.objects
        self._knowledge = knowledge
        self._absent_is_found = absent_is_found
        self.seen = Tally()
        self.sealed_paths: set[bytes] = set()

    def findings(self, oid: str, places: Places) -> list[Finding]:
        """Returns what is wrong with a blob at its places.

        Raises:
            GitError: the blob is missing or corrupt.
        """
        if self.knows(oid):
            # Ciphertext is no model in the clear either, whatever the path.
            if places.protected:
                self.seen.proven.add(oid)
            self.sealed_paths.update(places.clear)
            self.seen.unread.add(oid)
            return []
        if not self._here(oid):
            self.seen.missing.add(oid)
            self.seen.unproven.add(oid)
            return []
        try:
            return self._read(oid, places)
        except GitError as error:
            if not self._tolerant:
                raise
            self._reader.close()  # it may have ended, or stand in the middle of the blob
            paths = (*places.protected, *places.clear, *places.links)
            return [unreadable(oid, path, error) for path in paths]

    def knows(self, oid: str) -> bool:
        """Tells whether a blob is known to be ciphertext, wherever it stands."""
        return self._knowledge.known is not None and self._knowledge.known(oid)

    def recall(self, oid: str, places: Places, fact: int) -> None:
        """Takes what was seen of a blob, at the same places, for seen now."""
        self.seen.recall(oid, fact)
        if oid in self.seen.envelopes:
            self.sealed_paths.update(places.clear)

    def _read(self, oid: str, places: Places) -> list[Finding]:
        with self._open(oid) as blob:
            if blob.pointer is not None:
                self.seen.pointers.add(oid)
            found = list(self._unsealed(oid, blob, places))
            found += self._in_clear(oid, blob, places)
            if _is_envelope(blob):
                self.seen.envelopes.add(oid)
                self.sealed_paths.update(places.clear)
            elif self._knowledge.decisions and not found:
                found = find_undecided(oid, blob, places.clear, partial(self._open, oid))
        self._give_up(blob.blob_size)
        if (places.clear or places.links) and self._is_copy(oid, blob.size):
            detail = "content that this clone has encrypted, in clear on an unprotected path"
            found += _at(places.in_clear, finding.COPY, oid, blob, detail)
        return found

    def is_envelope(self, oid: str) -> bool:
        """Tells whether a blob, or the object that it points to, begins as an envelope does.

        No more of it is read.
        """
        if self.knows(oid) or oid in self.seen.envelopes:
            return True
        if not self._here(oid):
            return False
        try:
            with self._open(oid) as blob:
                found = _is_envelope(blob)
        except GitError:
            if not self._tolerant:
                raise
            self._reader.close()
            return False
        self._give_up(blob.blob_size)
        return found

    @cached_property
    def _objects(self) -> ObjectStore:
        return ObjectStore.of(self._repo, config.read(self._repo, "lfs"))

    def _open(self, oid: str) -> Blob:
        return open_blob(self._reader.stream(oid), self._objects)

    def _give_up(self, size: int) -> None:
        if size > WORTH_A_RESTART_BYTES:
            self._reader.close()

    def _unsealed(self, oid: str, blob: Blob, places: Places) -> Iterator[Finding]:
        if not places.protected:
            return
        if blob.kind is Kind.ABSENT:
            vouched = self._knowledge.vouched
            if vouched is not None and vouched(oid):
                self.seen.proven.add(oid)
                return
            self.seen.absent.add(oid)
            self.seen.unproven.add(oid)
            rule = finding.POINTER if self._absent_is_found else None
            said = f"a pointer that nobody checked: {blob.absent}"
            said += "; `git model checkout` or `git lfs fetch --all` brings it"
        else:
            rule, detail, is_proven = judge(blob, self._knowledge.keys)
            if rule is None:
                (self.seen.proven if is_proven else self.seen.unproven).add(oid)
            said = detail + blob.place
            # To encrypt a key that leaked is not enough: it has to be replaced.
            is_clear = rule == finding.PLAINTEXT
            if is_clear and (leak := self._key_in(blob, places.protected)):
                rule = finding.KEY
                said = f"{leak}{blob.place}; at a protected path"
        if rule:
            for path, why in places.protected.items():
                detail = f"{said}; {why}" if why else said
                yield Finding(rule, path, oid, blob.blob_size, detail)

    def _in_clear(self, oid: str, blob: Blob, places: Places) -> Iterator[Finding]:
        paths = places.in_clear
        if blob.kind is Kind.ABSENT and paths:
            # What stands behind it may be a model, or anything.
            self.seen.absent.add(oid)
            self.seen.unproven.add(oid)
        elif blob.is_lookalike:
            # git-lfs would upload what it names, and no guard could say what that is.
            yield from _at(paths, finding.POINTER, oid, blob, LOOKALIKE)
        elif paths and (leak := self._key_in(blob, paths)):
            yield from _at(paths, finding.KEY, oid, blob, leak)
        else:
            for path in paths:
                if title := model_format(blob.head, blob.size, path):
                    is_link = path in places.links
                    where = "in place of a link" if is_link else "on an unprotected path"
                    detail = f"model file ({title}) {where}"
                    yield from _at((path,), finding.MODEL, oid, blob, detail)

    def _key_in(self, blob: Blob, paths: Iterable[bytes]) -> str | None:
        return key_in(blob.head, blob.size, self._knowledge.key_ids, paths)

    def _is_copy(self, oid: str, length: int) -> bool:
        sealed_before = self._knowledge.sealed_before
        if sealed_before is None or length < _COPY_BYTES or not sealed_before(length, None):
            return False
        from blake3 import blake3

        # Which of them this clone kept is a matter of what it signs over.
        running: dict[str, Any] = {"sha256": hashlib.sha256(), "blake3": blake3()}
        with self._open(oid) as blob:
            if blob.kind is Kind.ABSENT:
                # The name of an object is a digest already, the one that is mostly kept.
                assert blob.pointer is not None
                return sealed_before(length, {"sha256": bytes.fromhex(blob.pointer.oid)})
            while chunk := blob.file.read(CHUNK_BYTES):
                for one in running.values():
                    one.update(chunk)
        return sealed_before(length, {name: one.digest() for name, one in running.items()})


def unreadable(oid: str, path: bytes, error: GitError) -> Finding:
    """Returns the finding of an object that is lost."""
    named = f"object {oid} cannot be read: " if oid and oid not in str(error) else ""
    detail = f"nothing can be said of it: {named}{error}; see `git fsck`"
    return Finding(finding.UNREADABLE, path, oid, 0, detail)


def _at(
    paths: Iterable[bytes], rule: str, oid: str, blob: Blob, detail: str
) -> Iterator[Finding]:
    for path in paths:
        yield Finding(rule, path, oid, blob.blob_size, detail + blob.place)


def _is_envelope(blob: Blob) -> bool:
    # The magic, and then something else, is damaged, or of a later version.
    return blob.kind.is_sealed or blob.kind is Kind.DAMAGED
