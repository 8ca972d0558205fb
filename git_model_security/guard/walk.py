"""Judges all that a list of commits brought in: each blob once, each path once."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import KW_ONLY, dataclass, field
from typing import TYPE_CHECKING

from git_model_security.git import changes, history
from git_model_security.git.index import EXECUTABLE, REGULAR, REMOVED, Entry
from git_model_security.git.objects import is_oid
from git_model_security.guard import policies, protection
from git_model_security.guard.inspector import Inspector
from git_model_security.guard.knowledge import Tally
from git_model_security.guard.policies import Policies, Releases
from git_model_security.policy.gitmodel import NAME

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence

    from git_model_security.git.changes import Change
    from git_model_security.git.repository import Repository
    from git_model_security.guard.finding import Finding
    from git_model_security.guard.knowledge import Knowledge
    from git_model_security.guard.protection import Places

    Progress = Callable[[int, int], None]
    """Told how many blobs of how many are judged."""


@dataclass
class Judged:
    """The outcome of a walk.

    Attributes:
        findings: in the order in which the commits brought them in.
    """

    findings: list[Finding] = field(default_factory=list)
    blobs: int = 0
    seen: Tally = field(default_factory=Tally)


@dataclass
class Walk:
    """Judges what commits brought in, and what tips hold that are no commits.

    An audit of whole histories asks for more, see `audit`.

    Attributes:
        commits: oids, parents before children.
        tips: oids of any kind of object.
        ends: commits whose `.gitmodel` says what is protected, beside HEAD's.
        rules: attributes to judge by instead of policies and attributes in force.
        untracked: with those, patterns of what was let out.
        releasing: policies whose records of what was untracked may count; None means all.
        elsewhere: what stands where the commits go; it is not judged itself.
        notes: those of the commits whose files are notes, and have no paths.
        absent_is_found: a pointer whose object is not here is a finding.
        damaged: takes in what cannot be read, and why; None for an error.
    """

    repo: Repository
    commits: Sequence[str]
    tips: Sequence[str]
    knowledge: Knowledge
    _: KW_ONLY
    ends: Sequence[str] = ()
    rules: str | None = None
    untracked: tuple[str, ...] = ()
    releasing: Collection[str] | None = None
    elsewhere: Iterable[Entry] = ()
    notes: Collection[str] = ()
    absent_is_found: bool = True
    progress: Progress | None = None
    damaged: dict[str, str] | None = None
    _since: dict[Entry, str] = field(init=False, default_factory=dict)
    """The commit that brought each entry in first."""
    _replaced: defaultdict[bytes, set[str]] = field(
        init=False, default_factory=lambda: defaultdict(set)
    )
    """Which other blobs stood at its path."""
    _found: list[Finding] = field(init=False, default_factory=list)

    def judge(self) -> Judged:
        """Judges each blob once, at each of its paths.

        Raises:
            GitError: an object is missing or corrupt.
        """
        for change in changes.changes(self.repo, self.commits, self.damaged):
            if change.commit not in self.notes or not _is_note(change.entry.path):
                self._take(change)
            elif change.entry.mode != REMOVED:
                note = Entry(b"", REGULAR, change.entry.oid)
                self._since.setdefault(note, change.commit)
        for one in changes.pathless(self.repo, self.tips, self.damaged):
            self._since.setdefault(_normal(one.entry), one.commit)
        paths = {entry.path for entry in self._since}
        for entry in self.elsewhere:
            if entry.path in paths and entry.is_file:
                self._take_replaced(entry.path, entry.oid)
        policy = self._read_policies()
        covered = protection.protected(
            self.repo, paths, policy.rules, in_force=self.rules is None
        )
        blobs = protection.find_places(self._since, covered)
        self._found += policy.broken
        self._prepare(policy, covered, blobs)
        inspector = self._inspector(self.knowledge.with_key_ids(policy.key_ids))
        for done, (oid, places) in enumerate(blobs.items(), 1):
            self._found += self._judge_blob(inspector, oid, places)
            if self.progress is not None:
                self.progress(done, len(blobs))
        self._finish(inspector, blobs)
        found = self._judge_beside_envelopes(inspector, covered, policy.releases)
        origins = {(entry.path, entry.oid): commit for entry, commit in self._since.items()}
        came = [origins.get((one.path, one.oid), "") for one in found]
        dates = history.author_dates(self.repo, set(came).intersection(self.commits))
        found = [
            one._replace(commit=commit, date=dates.get(commit, ""))
            for one, commit in zip(found, came, strict=True)
        ]
        return Judged(found, len(blobs), inspector.seen)

    def _take(self, change: Change) -> None:
        for oid in change.replaced:
            self._take_replaced(change.entry.path, oid)
        if change.entry.mode != REMOVED:
            self._since.setdefault(_normal(change.entry), change.commit)

    def _take_replaced(self, path: bytes, oid: str) -> None:
        # Parents come first, so that mostly the walk has met the blob itself.
        if Entry(path, REGULAR, oid) not in self._since:
            self._replaced[path].add(oid)

    def _read_policies(self) -> Policies:
        if self.rules is not None:
            return Policies([self.rules], releases=Releases(self.untracked))
        # Where all of them removed it, what it said before still counts.
        chosen = policies.at(self.repo, self.ends) or list(
            dict.fromkeys(
                entry.oid for entry in self._since if entry.path == NAME and entry.is_file
            )
        )
        return policies.read(self.repo, self._readable(chosen), releasing=self.releasing)

    def _readable(self, oids: Sequence[str]) -> Sequence[str]:
        return oids

    def _prepare(
        self, policy: Policies, covered: dict[bytes, str], blobs: dict[str, Places]
    ) -> None:
        """Changes what may stand where, before any blob is judged."""

    def _inspector(self, knowledge: Knowledge) -> Inspector:
        return Inspector(self.repo, knowledge, absent_is_found=self.absent_is_found)

    def _judge_blob(self, inspector: Inspector, oid: str, places: Places) -> list[Finding]:
        return inspector.findings(oid, places)

    def _finish(self, inspector: Inspector, blobs: dict[str, Places]) -> None:
        """Judges what could not be judged before."""

    def _judge_beside_envelopes(
        self, inspector: Inspector, covered: dict[bytes, str], releases: Releases
    ) -> list[Finding]:
        """Judges anew what stands at paths that nothing protects, but an envelope was there.

        What was untracked on purpose is let out here: a record that is trusted says so.
        """
        sealed = set(inspector.sealed_paths)
        for path in {entry.path for entry in self._since} - covered.keys() - sealed:
            if any(map(inspector.is_envelope, self._replaced.get(path, ()))):
                sealed.add(path)
        sealed -= {b""} | releases.paths(sealed)
        if not sealed:
            return releases.kept(self._found)
        again = [entry for entry in self._since if entry.path in sealed]
        why = dict.fromkeys(sealed, protection.BY_HISTORY)
        kept = [one for one in self._found if one.path not in sealed]
        for oid, places in protection.find_places(again, why).items():
            kept += inspector.findings(oid, places)
        order = {(entry.path, entry.oid): number for number, entry in enumerate(self._since)}
        return sorted(releases.kept(kept), key=lambda one: order.get((one.path, one.oid), -1))


def _is_note(path: bytes) -> bool:
    """Tells whether a file is named for an object (git-notes, "DESCRIPTION")."""
    return is_oid(path.replace(b"/", b"").decode("ascii", "replace"))


def _normal(entry: Entry) -> Entry:
    """Returns an entry as if its file were not executable: both are judged alike."""
    return entry._replace(mode=REGULAR) if entry.mode == EXECUTABLE else entry
