"""Inspects blobs, each read once, for every place where they stand."""

from __future__ import annotations

import hashlib
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

from git_model_security.errors import EnvelopeError, GitError
from git_model_security.git import config
from git_model_security.git.objects import CHUNK_BYTES, WORTH_A_RESTART_BYTES
from git_model_security.guard import finding, undecided
from git_model_security.guard.finding import Finding
from git_model_security.guard.leaked_keys import key_in
from git_model_security.guard.subject import Subject
from git_model_security.guard.verdict import Judgement, Verdict, judge
from git_model_security.policy.content import model_format
from git_model_security.storage.lfs import ObjectStore
from git_model_security.storage.pointer import is_alike

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from git_model_security.git.repository import Repository
    from git_model_security.guard.knowledge import Knowledge
    from git_model_security.guard.paths_of_blob import Places

_COPY_BYTES = 64
"""What is shorter than this is too often the same by chance."""

_RULES = {
    Verdict.PLAINTEXT: finding.PLAINTEXT,
    Verdict.DAMAGED: finding.DAMAGED,
    Verdict.NEWER: finding.NEWER,
    Verdict.POINTER: finding.POINTER,
}


class Inspector:
    """Judges blobs by the places where they stand; a context manager.

    Attributes:
        proven: blobs at protected paths that are known to be ciphertext.
        unproven: those that only have the shape of it, for want of the key, and
            `absent` and `missing`.
        absent: pointers at any path whose objects are not here.
        missing: blobs of a partial clone that are not here.
        pointers: pointers of git-lfs, canonical ones, at any path.
        unread: blobs that were known beforehand; there can be pointers among them.
        sealed_paths: paths where envelopes stand without any protection.
    """

    def __init__(
        self,
        repo: Repository,
        knowledge: Knowledge,
        *,
        absent_is_found: bool = True,
        tolerant: bool = False,
        here: Callable[[str], bool] | None = None,
    ) -> None:
        """Prepares to judge.

        Args:
            repo: the repository.
            knowledge: what is known beforehand.
            absent_is_found: a pointer at a protected path whose object is not here is a
                finding.
            tolerant: so is a blob that cannot be read, which else is an error.
            here: says which blobs can be read without fetching them; None for all.
        """
        self._repo = repo
        self._tolerant = tolerant
        self._here = here
        self._reader = repo.objects
        self._knowledge = knowledge
        self._absent_is_found = absent_is_found
        self.proven: set[str] = set()
        self.unproven: set[str] = set()
        self.absent: set[str] = set()
        self.missing: set[str] = set()
        self.pointers: set[str] = set()
        self.unread: set[str] = set()
        self.sealed_paths: set[bytes] = set()
        self._envelopes: set[str] = set()

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
            self.unread.add(oid)
            return []
        if self._here is not None and not self._here(oid):
            self.missing.add(oid)
            self.unproven.add(oid)
            return []
        try:
            return self._read(oid, places)
        except GitError as error:
            if not self._tolerant:
                raise
            self._reader.close()  # it may have ended, or stand in the middle of the blob
            paths = (*places.protected, *places.clear, *places.links)
            return [unreadable(oid, path, error) for path in paths]

    def fact(self, oid: str) -> int | None:
        """Returns what was seen of a blob, for `recall`; None where it must be seen again."""
        if oid in self.absent or oid in self.missing or oid in self.unread:
            return None
        seen = (self.proven, self.unproven, self.pointers, self._envelopes)
        return sum(1 << bit for bit, oids in enumerate(seen) if oid in oids)

    def recall(self, oid: str, places: Places, fact: int) -> None:
        """Takes what was seen of a blob, at the same places, for seen now."""
        seen = (self.proven, self.unproven, self.pointers, self._envelopes)
        for bit, oids in enumerate(seen):
            if fact >> bit & 1:
                oids.add(oid)
        if oid in self._envelopes:
            self.sealed_paths.update(places.clear)

    def forget(self, oids: Iterable[str]) -> None:
        """Forgets that blobs, or what is behind them, were not here."""
        for oid in list(oids):
            for seen in (self.absent, self.missing, self.unproven):
                seen.discard(oid)

    def _read(self, oid: str, places: Places) -> list[Finding]:
        with self._open(oid) as subject:
            if subject.pointer is not None:
                self.pointers.add(oid)
            found = list(self._unsealed(oid, subject, places))
            found += self._in_clear(oid, subject, places)
            if _is_envelope(subject.head):
                self._envelopes.add(oid)
                self.sealed_paths.update(places.clear)
            elif self._knowledge.decisions and not found:
                found = undecided.findings(oid, subject, places.clear, partial(self._open, oid))
        self._give_up(subject.size)
        if (places.clear or places.links) and self._is_copy(oid, subject.length):
            detail = "content that this clone has encrypted, in clear on an unprotected path"
            detail += subject.place
            paths = (*places.clear, *places.links)
            found += [Finding(finding.COPY, path, oid, subject.size, detail) for path in paths]
        return found

    def is_envelope(self, oid: str) -> bool:
        """Tells whether a blob, or the object that it points to, begins as an envelope does.

        No more of it is read.
        """
        if self._knows(oid) or oid in self._envelopes:
            return True
        if self._here is not None and not self._here(oid):
            return False
        try:
            with self._open(oid) as subject:
                found = _is_envelope(subject.head)
        except GitError:
            if not self._tolerant:
                raise
            self._reader.close()
            return False
        self._give_up(subject.size)
        return found

    @cached_property
    def _objects(self) -> ObjectStore:
        return ObjectStore.of(self._repo, config.read(self._repo, "lfs"))

    def _open(self, oid: str) -> Subject:
        return Subject.open(self._reader, self._objects, oid)

    def _knows(self, oid: str) -> bool:
        return self._knowledge.known is not None and self._knowledge.known(oid)

    def _give_up(self, size: int) -> None:
        if size > WORTH_A_RESTART_BYTES:
            self._reader.close()

    def _unsealed(self, oid: str, subject: Subject, places: Places) -> Iterator[Finding]:
        if not places.protected:
            return
        vouched = self._knowledge.vouched
        if subject.file is None and vouched is not None and vouched(oid):
            self.proven.add(oid)
            return
        if subject.file is None:
            self.absent.add(oid)
            self.unproven.add(oid)
            rule = finding.POINTER if self._absent_is_found else None
            said = f"a pointer that nobody checked: {subject.absent}"
            said += "; `git model checkout` or `git lfs fetch --all` brings it"
        else:
            judgement = judge(subject.file, subject.length, self._knowledge.keys)
            self._count(oid, judgement)
            rule = _RULES.get(judgement.verdict)
            said = judgement.detail + subject.place
            # To encrypt a key that leaked is not enough: it has to be replaced.
            is_clear = judgement.verdict is Verdict.PLAINTEXT
            if is_clear and (leak := self._key_in(subject, places.protected)):
                rule = finding.KEY
                said = f"{leak}{subject.place}; at a protected path"
        if rule:
            for path, why in places.protected.items():
                detail = f"{said}; {why}" if why else said
                yield Finding(rule, path, oid, subject.size, detail)

    def _in_clear(self, oid: str, subject: Subject, places: Places) -> Iterator[Finding]:
        paths = (*places.clear, *places.links)
        head, size = subject.head, subject.length
        if subject.file is None and paths:
            # What stands behind it may be a model, or anything.
            self.absent.add(oid)
            self.unproven.add(oid)
            return
        if subject.pointer is None and is_alike(head, size):
            # git-lfs would upload what it names, and no guard could say what that is.
            detail = "a pointer that is not written as git-lfs does"
            for path in paths:
                yield Finding(finding.POINTER, path, oid, subject.size, detail)
            return
        if paths and (leak := self._key_in(subject, paths)):
            for path in paths:
                yield Finding(finding.KEY, path, oid, subject.size, leak + subject.place)
            return
        for path in paths:
            if title := model_format(head, size, path):
                where = (
                    "in place of a link" if path in places.links else "on an unprotected path"
                )
                detail = f"model file ({title}) {where}{subject.place}"
                yield Finding(finding.MODEL, path, oid, subject.size, detail)

    def _key_in(self, subject: Subject, paths: Iterable[bytes]) -> str | None:
        return key_in(subject.head, subject.length, self._knowledge.key_ids, paths)

    def _is_copy(self, oid: str, length: int) -> bool:
        sealed_before = self._knowledge.sealed_before
        if sealed_before is None or length < _COPY_BYTES or not sealed_before(length, None):
            return False
        from blake3 import blake3

        # Which of them this clone kept is a matter of what it signs over.
        running: dict[str, Any] = {"sha256": hashlib.sha256(), "blake3": blake3()}
        with self._open(oid) as subject:
            if subject.file is None:
                # The name of an object is a digest already, the one that is mostly kept.
                assert subject.pointer is not None
                return sealed_before(length, {"sha256": bytes.fromhex(subject.pointer.oid)})
            while chunk := subject.file.read(CHUNK_BYTES):
                for one in running.values():
                    one.update(chunk)
        return sealed_before(length, {name: one.digest() for name, one in running.items()})

    def _count(self, oid: str, judgement: Judgement) -> None:
        if judgement.verdict in {Verdict.SEALED, Verdict.EMPTY}:
            self.proven.add(oid)
        elif judgement.verdict is Verdict.FRAMED:
            self.unproven.add(oid)


def unreadable(oid: str, path: bytes, error: GitError) -> Finding:
    """Returns the finding of an object that is lost."""
    named = f"object {oid} cannot be read: " if oid and oid not in str(error) else ""
    detail = f"nothing can be said of it: {named}{error}; see `git fsck`"
    return Finding(finding.UNREADABLE, path, oid, 0, detail)


def _is_envelope(head: bytes) -> bool:
    # Importing the envelope costs time that a commit without ciphertext need not pay.
    from git_model_security.envelope import HEADER_BYTES, read_header

    try:
        return read_header(head[:HEADER_BYTES]) is not None
    except EnvelopeError:
        # The magic, and then something else: damaged, or of a later version.
        return True
