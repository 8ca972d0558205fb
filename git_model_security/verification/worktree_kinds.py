"""The kind of each difference between a work tree and what is signed.

Only what differs from what was signed, and from all that its owner may have meant, is
called tampered.
"""

from __future__ import annotations

import os
import stat
from functools import cached_property
from typing import TYPE_CHECKING

from git_model_security.errors import GitError, Reason
from git_model_security.git import config, index, worktree
from git_model_security.git.hash_object import blob_oid
from git_model_security.git.index import EXECUTABLE, GITLINK, SYMLINK
from git_model_security.verification.compare import compare
from git_model_security.verification.contents import Contents, sealed_as
from git_model_security.verification.kinds import UNOPENED, Kind
from git_model_security.verification.listing import link_at

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from git_model_security.git.index import Entry
    from git_model_security.trust.verdict import Finding
    from git_model_security.verification.basis import Basis
    from git_model_security.verification.compare import Found
    from git_model_security.verification.file_digests import Progress


class Differences:
    """The differences of one work tree.

    Args:
        basis: what is to be there.
        modes: what is there.

    Attributes:
        faults: what is wrong with bundles that stand there, and are not the ones of HEAD.
    """

    def __init__(self, basis: Basis, modes: Mapping[bytes, int]) -> None:
        self._basis = basis
        self._modes = modes
        self._repo = basis.clone.repo
        self._contents = Contents(basis.clone, basis.policy.digest)
        self._found: Found = {}
        self.faults: list[Finding] = []

    def look(
        self, entries: Iterable[Entry], extra: Iterable[bytes], progress: Progress | None
    ) -> Found:
        """Compares everything that is asked for, and tells the differences apart.

        The entries are to be there, and `extra` is there beside them. Progress is told of
        the hashing of what is signed.
        """
        expected = {entry.path: entry for entry in entries}
        signed = self._basis.digests
        actual = self._contents.read(filter(self._is_regular, signed), progress)
        differing = set().union(*compare(signed, actual).values())
        differing |= expected.keys() - signed.keys()
        unlike = self._unlike(expected[path] for path in differing & expected.keys())
        doubtful = {path for path in differing if path not in expected or path in unlike}
        staged = self._staged(doubtful | set(extra), expected)
        for path in sorted(differing):
            kind = self._kind(path, expected.get(path), unlike, staged)
            if kind is not None:
                self._add(kind, path)
        for path, entry in expected.items():
            if self._has_other_mode(path, entry):
                self._add(Kind.STAGED if self._is_staged_mode(path) else Kind.MODE, path)
        for path in set(extra) - self._found.get(Kind.LINK, set()):
            extra_kind = Kind.NESTED if path.endswith(b"/") else Kind.EXTRA
            self._add(Kind.STAGED if path in staged else extra_kind, path)
        self._tell_edits()
        return self._found

    def _add(self, kind: Kind, path: bytes) -> None:
        if path in self._basis.conflicts:
            kind = Kind.CONFLICT
        if kind is Kind.CHANGED and path in self._unseen:
            kind = Kind.FLAGGED
        if kind is Kind.LINK:
            path = link_at(path, self._modes) or path
        self._found.setdefault(kind, set()).add(path)

    def _is_regular(self, path: bytes) -> bool:
        return stat.S_ISREG(self._modes.get(path, 0))

    def _unlike(self, entries: Iterable[Entry]) -> dict[bytes, Reason]:
        return self._contents.unlike(
            [entry for entry in entries if entry.is_file and self._is_regular(entry.path)]
        )

    def _staged(self, paths: Iterable[bytes], expected: Mapping[bytes, Entry]) -> set[bytes]:
        """Returns the paths that are what the index has, where that is not the basis."""
        if self._basis.is_index:
            return set()
        named = {path: self._basis.staged.get(path) for path in paths}
        other = [
            entry
            for path, entry in named.items()
            if entry is not None and (path not in expected or expected[path].oid != entry.oid)
        ]
        unlike = self._unlike(other)
        return {
            one.path
            for one in other
            if (one.is_file and self._is_regular(one.path) and one.path not in unlike)
            or (one.mode == SYMLINK and self._leads_there(one))
        }

    def _kind(
        self,
        path: bytes,
        entry: Entry | None,
        unlike: Mapping[bytes, Reason],
        staged: set[bytes],
    ) -> Kind | None:
        mode = self._modes.get(path)
        if mode is None:
            return self._absent(path, entry)
        if path in staged:
            return Kind.STAGED
        if entry is not None and not entry.is_file:
            holds = entry.mode == SYMLINK and self._leads_there(entry)
            return None if holds else Kind.CHANGED_BESIDE
        if stat.S_ISLNK(mode):
            return Kind.LINK
        is_signed = path in self._basis.digests
        if not stat.S_ISREG(mode):
            return Kind.CHANGED if is_signed else Kind.CHANGED_BESIDE
        reason = unlike.get(path) if entry is not None else Reason.TAMPERED
        if reason is None:
            return self._as_held(path, entry)
        if is_signed:
            unwritten = {Reason.NOT_FETCHED, Reason.NOT_MATERIALISED}
            return UNOPENED[reason] if reason in unwritten else Kind.CHANGED
        if reason is Reason.TAMPERED and path in self._basis.policy.signature_paths():
            return self._signature(path)
        return UNOPENED.get(reason, Kind.CHANGED_BESIDE)

    def _as_held(self, path: bytes, entry: Entry | None) -> Kind | None:
        """Returns why a file is not what was signed, where it is what HEAD holds."""
        digest = self._basis.digests.get(path)
        if digest is None:
            return Kind.STALE if self._basis.covers(path) else None
        if entry is None or not self._contents.may_hold(entry, digest):
            return Kind.STALE
        begins = sealed_as(self._repo.top, path)
        if begins is Reason.NOT_FETCHED:  # in clear: ours are told apart before
            return Kind.NOT_PULLED
        return Kind.CONVERTED if begins is None else Kind.NOT_MATERIALISED

    def _signature(self, path: bytes) -> Kind:
        fault = self._basis.judge_bundle(path)
        if fault is None:
            return Kind.OTHER_SIGNATURE
        self.faults.append(fault)
        return Kind.CHANGED_BESIDE

    def _absent(self, path: bytes, entry: Entry | None) -> Kind | None:
        if link_at(path, self._modes):
            return Kind.LINK
        if entry is None:
            return Kind.STALE
        if entry.mode == GITLINK:
            return None
        if path in self._sparse:
            return Kind.SPARSE
        if not self._basis.is_index and path not in self._basis.staged:
            return Kind.STAGED
        return Kind.UNSEEN if path in self._unseen else Kind.MISSING

    @cached_property
    def _sparse(self) -> set[bytes]:
        return index.list_left_out(self._repo)

    @cached_property
    def _unseen(self) -> set[bytes]:
        return index.list_skipped(self._repo)

    def _leads_there(self, entry: Entry) -> bool:
        """Tells whether a link is the one that an entry is."""
        repo = self._repo
        if self._is_regular(entry.path):
            # How Git writes one where the file system has no links (`core.symlinks`).
            return config.get(
                repo, "core.symlinks", kind="bool"
            ) == "false" and worktree.holds_blob(repo, entry.path, entry.oid)
        try:
            target = os.readlink(os.fsencode(repo.top) + b"/" + entry.path)  # noqa: PTH115
        except OSError:
            return False
        return blob_oid(repo.object_format, target) == entry.oid

    def _has_other_mode(self, path: bytes, entry: Entry) -> bool:
        # As git's ce_permissions: the owner's bit alone.
        if not (entry.is_file and self._is_regular(path) and self._has_modes):
            return False
        return bool(self._modes[path] & stat.S_IXUSR) != (entry.mode == EXECUTABLE)

    @cached_property
    def _has_modes(self) -> bool:
        return config.get(self._repo, "core.fileMode", kind="bool") != "false"

    def _is_staged_mode(self, path: bytes) -> bool:
        staged = self._basis.staged.get(path)
        return staged is not None and not self._has_other_mode(path, staged)

    def _tell_edits(self) -> None:
        """Tells what Git, too, takes for changed: an honest edit does not hide."""
        known = {entry.path: entry for entry in self._basis.entries}
        for kind, edited in (
            (Kind.CHANGED, Kind.EDITED),
            (Kind.CHANGED_BESIDE, Kind.EDITED_BESIDE),
        ):
            paths = self._found.get(kind, set())
            entries = [known[path] for path in sorted(paths) if path in known]
            try:
                shown = set(index.unlike(self._repo, "HEAD", entries)) & paths
            except GitError:  # the filter refuses what stands there
                continue
            if shown:
                self._found[edited] = shown
                self._found[kind] = paths - shown
