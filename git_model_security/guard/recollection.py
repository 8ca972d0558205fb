"""One audit's use of what earlier ones remembered.

A report is recalled only where everything is as it was: each ref, the policies, the keys
and the attributes in force; where nothing came meanwhile that was not here then, and where
no file of the object store is gone.
"""

from __future__ import annotations

import os
import time
from functools import cached_property
from typing import TYPE_CHECKING

from git_model_security.errors import GitError
from git_model_security.git import batch, config, history, refs, store
from git_model_security.git.objects import ObjectReader
from git_model_security.guard import circumstances, policies
from git_model_security.guard.finding import UNREADABLE
from git_model_security.guard.remembered import Walk, key
from git_model_security.guard.report import Report
from git_model_security.storage import pointer as pointers
from git_model_security.storage.lfs import ObjectStore
from git_model_security.storage.pointer import Pointer

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from git_model_security.envelope import Key
    from git_model_security.git.repository import Repository
    from git_model_security.guard.remembered import Facts, Remembered
    from git_model_security.guard.whole import Whole


_MAX_FINDINGS = 10_000
"""With more a walk costs less than what it would have to remember."""
_MAX_FILES = 50_000
"""Of the object store; `git gc` leaves a few."""


class Recollection:
    """What is remembered for one audit, and what will be."""

    def __init__(
        self,
        repo: Repository,
        remembered: Remembered,
        revisions: Sequence[str],
        keys: Mapping[str, Key],
    ) -> None:
        self._repo = repo
        self._remembered = remembered
        self._revisions = revisions
        self._held = sorted(keys)
        self._since = time.time()
        # Taken before the walk: refs may move, and attributes change, in the meantime.
        self._scope = self._scoped()
        self._store = store.files(repo)
        self._base = ""

    def facts(self, key_ids: frozenset[str]) -> Facts:
        """Returns what was seen of blobs under the same keys."""
        facts = self._remembered.facts(self._of_keys(key_ids))
        # What is lost meanwhile is told when it is read, and so it has to be.
        here = batch.sizes(self._repo, facts)
        return {oid: fact for oid, fact in facts.items() if oid in here}

    def report(self) -> Report | None:
        """Returns the report of the last audit, where it would be the same today."""
        walk = self._remembered.walk(self._scope) if self._is_whole else None
        if walk is None or not self._is_as_it_was(walk):
            self._base = self._now((), ())
            return None
        unproven = walk.framed + len(walk.absent) + len(walk.missing)
        return Report(
            commits=walk.commits,
            blobs=walk.blobs,
            proven=walk.proven,
            unproven=unproven,
            absent=len(walk.absent),
            cut=False,
            findings=walk.findings,
            missing=len(walk.missing),
        )

    def keep(self, report: Report, whole: Whole) -> None:
        """Remembers blobs that were found good, and a walk that saw all there is."""
        if whole.fresh:
            self._remembered.keep_facts(self._of_keys(whole.key_ids), whole.fresh)
        directories = sorted(_directories(whole.paths))
        if not self._is_lasting(report, whole) or self._has_changed(directories):
            return
        walk = Walk(
            under=self._under(whole.policies, directories),
            policies=list(whole.policies),
            directories=directories,
            commits=report.commits,
            blobs=report.blobs,
            proven=report.proven,
            framed=report.unproven - report.absent - report.missing,
            absent=[(one.oid, one.size) for one in self._pointers(whole.absent)],
            missing=sorted(whole.missing),
            findings=list(report.findings),
            store=store.files(self._repo),
        )
        is_short = len(walk.store) <= _MAX_FILES and walk.store.items() >= self._store.items()
        if is_short and len(walk.absent) == report.absent:
            self._remembered.keep_walk(self._scope, walk)

    def _is_lasting(self, report: Report, whole: Whole) -> bool:
        """Tells whether the same refs will give the same report."""
        if not (self._is_whole and self._base) or report.cut or report.unseen:
            return False
        # An object that is lost may come back, and one of git-lfs be fetched anew.
        return len(report.findings) <= _MAX_FINDINGS and not any(
            one.rule == UNREADABLE or one.oid in whole.pointers for one in report.findings
        )

    def _is_as_it_was(self, walk: Walk) -> bool:
        under = self._now(walk.policies, walk.directories)
        is_all_here = self._store.items() >= walk.store.items()
        return is_all_here and walk.under == under and not self._has_come(walk)

    def _now(self, oids: Sequence[str], directories: Iterable[bytes]) -> str:
        try:
            return self._under(oids, directories)
        except GitError:
            return ""  # a policy is lost, or not here: the audit itself tells it

    @cached_property
    def _is_whole(self) -> bool:
        """Whether refs alone say what history there is."""
        cut = "GIT_SHALLOW_FILE" in os.environ or (self._repo.common_dir / "shallow").exists()
        return not cut and "--reflog" not in self._revisions

    def _has_changed(self, directories: Iterable[bytes]) -> bool:
        """Tells whether history or attributes changed while they were walked."""
        if self._scoped() != self._scope or self._now((), ()) != self._base:
            return True
        return circumstances.changed_since(self._repo, directories, self._since)

    def _scoped(self) -> str:
        named = [word for word in self._revisions if word not in history.REF_OPTIONS]
        tips = self._repo.git("rev-parse", "--revs-only", *named).decode() if named else ""
        listed = [f"{ref.oid} {ref.name!r}" for ref in refs.listed(self._repo)]
        return key("scope", *self._revisions, "tips", tips, "refs", *listed)

    def _under(self, oids: Sequence[str], directories: Iterable[bytes]) -> str:
        ends = history.ends(
            self._repo, [word for word in self._revisions if word != "--reflog"]
        )
        # Where no end has a policy the walk took those of history, which is the same.
        chosen = policies.at(self._repo, ends) or oids
        policy = policies.read(self._repo, chosen)
        return circumstances.under(self._repo, policy, self._held, directories)

    def _of_keys(self, key_ids: frozenset[str]) -> str:
        return key("blobs", *self._held, "named", *sorted(key_ids))

    def _has_come(self, walk: Walk) -> bool:
        """Tells whether something is here by now that nobody could judge then."""
        if any(map(self._objects.holds, (Pointer(oid, size) for oid, size in walk.absent))):
            return True
        here = store.kinds(self._repo) if walk.missing else {}
        return not here.keys().isdisjoint(walk.missing)

    @cached_property
    def _objects(self) -> ObjectStore:
        return ObjectStore.of(self._repo, config.read(self._repo, "lfs"))

    def _pointers(self, oids: Iterable[str]) -> Iterable[Pointer]:
        with ObjectReader(self._repo) as reader:
            for oid in sorted(oids):
                found = pointers.parse(reader.read(oid, limit_bytes=pointers.MAX_BYTES))
                if found is not None:
                    yield found


def _directories(paths: Iterable[bytes]) -> set[bytes]:
    found = {b""}
    for path in paths:
        directory = path.rpartition(b"/")[0]
        while directory not in found:
            found.add(directory)
            directory = directory.rpartition(b"/")[0]
    return found
