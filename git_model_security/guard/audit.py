"""The audit: has any commit ever held plaintext where only ciphertext may stand."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from git_model_security.errors import GitError
from git_model_security.git import batch, changes, history, index, lfs, partial
from git_model_security.guard.inspector import Inspector, unreadable
from git_model_security.guard.knowledge import Knowledge
from git_model_security.guard.past_protection import BY_COMMIT, Past, PastProtection
from git_model_security.guard.report import Report, name_refs
from git_model_security.guard.walk import Walk
from git_model_security.policy import gitmodel

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from git_model_security.envelope import Key
    from git_model_security.git.changes import Change
    from git_model_security.git.repository import Repository
    from git_model_security.guard.finding import Finding
    from git_model_security.guard.knowledge import Known, Remembered
    from git_model_security.guard.policies import Policies
    from git_model_security.guard.protection import Places
    from git_model_security.guard.walk import Progress

_EVERY_REF = "--all"


@dataclass
class _Course:
    """Where a walk goes.

    Attributes:
        commits: oids, parents before children.
        tips: what refs hold, and loose objects: oids of any kind.
        ends: commits whose policies count.
        notes: commits whose files have no paths.
        lost: why history could not be walked.
    """

    commits: list[str]
    tips: list[str]
    ends: list[str]
    notes: set[str]
    lost: GitError | None = None


def audit(
    repo: Repository,
    revisions: Sequence[str] = (_EVERY_REF,),
    *,
    rules: str | None = None,
    untracked: tuple[str, ...] = (),
    keys: Mapping[str, Key] | None = None,
    known: Known | None = None,
    unreachable: bool = False,
    fetch: bool = False,
    remembered: Remembered | None = None,
    progress: Progress | None = None,
) -> Report:
    """Judges every blob of every commit, at each path it ever had.

    By today's policy: what the attributes in force or `.gitmodel` of HEAD, of the index
    or of the audited revisions say; by the attributes and policies of the commits
    themselves; and where an envelope ever stood, nothing else may stand.

    An object that is lost is a finding, and the rest is judged all the same. Nothing is
    fetched unless `fetch` says so: what is not here is counted.

    Args:
        revisions: revisions, ranges or `git.history.REF_OPTIONS`. With one of
            those, refs that hold no commit (a tag of a blob) are judged as well.
        rules: text of an attributes file: audit for a policy about to be set. Then
            nothing is encrypted yet, so a git-lfs object that is not here is a finding.
        untracked: with those rules, patterns of paths where clear content may follow an
            envelope.
        keys: held keys by key id; without them envelopes are not proven.
        known: says which blobs this clone sealed or opened itself.
        unreachable: judge what is in the object store and no ref reaches, too; a blob
            that no commit has is judged by its content.
        fetch: bring the objects of pointers, and what a partial clone left out.
        remembered: what earlier audits found good.
        progress: called after each blob with how many of how many are judged.

    Raises:
        UsageError: a revision is an unknown option.
        GitError: a revision names nothing.
    """
    online = repo
    repo = repo if fetch else partial.offline(repo)
    if rules is not None or unreachable:
        remembered = None
    promiser = partial.remote(repo)
    objects = batch.kinds(repo) if promiser or unreachable else {}
    course = _course(repo, revisions, objects if unreachable else None)
    readable = course.commits
    if promiser and not fetch:
        readable = batch.with_trees(repo, readable, objects)
    walk = _Audit(
        repo,
        readable,
        course.tips,
        Knowledge(keys, known),
        ends=course.ends,
        rules=rules,
        untracked=untracked,
        notes=course.notes,
        absent_is_found=rules is not None,
        progress=progress,
        objects=objects if promiser else None,
        remembered=remembered,
        online=online if fetch else None,
    )
    outcome = walk.judge()
    found = [] if course.lost is None else [unreadable("", b"", course.lost)]
    if not promiser:
        found += [
            unreadable(oid, b"", GitError(reason))._replace(commit=oid)
            for oid, reason in walk.damaged.items()
        ]
    report = Report(
        commits=len(course.commits),
        blobs=outcome.blobs,
        proven=len(outcome.seen.proven),
        unproven=len(outcome.seen.unproven),
        absent=len(outcome.seen.absent),
        cut=history.is_shallow(repo),
        findings=name_refs(repo, [*found, *outcome.findings]),
        missing=len(outcome.seen.missing),
        unseen=len(course.commits) - len(readable) + len(walk.damaged) * bool(promiser),
        complaints=walk.complaints,
    )
    if remembered is not None:
        # A disk that is full costs the next audit time, and this one nothing.
        with contextlib.suppress(GitError):
            remembered.keep()
    return report


@dataclass
class _Audit(Walk):
    """What an audit does beyond a guard's walk over new commits.

    It judges commits by their own rules too, takes what cannot be read for a finding, and
    fetches only what it is told to.

    Attributes:
        objects: those that can be read without fetching them; None for all.
        remembered: what earlier audits saw of blobs.
        online: fetches what is not here; None where nothing shall be fetched.
        complaints: what did not come, and why: it is judged as not here.
        damaged: commits, policies and other tips that cannot be read, and why.
        past: the rules as commits changed them.
    """

    objects: dict[str, str] | None = None
    remembered: Remembered | None = None
    online: Repository | None = None
    complaints: list[str] = field(default_factory=list)
    damaged: dict[str, str] = field(default_factory=dict)
    past: Past = field(default_factory=Past)

    def _take(self, change: Change) -> None:
        super()._take(change)
        self.past.take(change)

    def _readable(self, oids: Sequence[str]) -> list[str]:
        """Returns the policies that are here and can be read.

        A blob that cannot is a finding when its turn comes.
        """
        absent = self._absent(oids)
        self.damaged |= dict.fromkeys(absent, "a policy that is not here")
        here = (oid for oid in oids if oid not in absent)
        return [oid for oid, _ in batch.readable(self.repo, here, gitmodel.MAX_BYTES)]

    def _absent(self, oids: Iterable[str]) -> set[str]:
        """Returns those that are not here, after a try to fetch them if that is wanted."""
        if self.objects is None:
            return set()
        absent = set(oids).difference(self.objects)
        if absent:
            self._bring(set(), absent)
        return absent.difference(self.objects)

    def _here(self, oid: str) -> bool:
        return self.objects is None or oid in self.objects

    def _bring(self, absent: set[str], missing: set[str]) -> None:
        """Fetches objects behind pointers, and blobs of a partial clone, if that is wanted."""
        if self.online is None:
            return
        promiser = partial.remote(self.online)
        if missing and promiser and self.objects is not None:
            self._try(partial.fetch, self.online, promiser, sorted(missing))
            self.objects.update(batch.kinds(self.repo))
        if absent:
            self._try(lfs.fetch, self.online, sorted(absent))

    def _try(self, fetch: Callable[..., None], *arguments: object) -> None:
        try:
            fetch(*arguments)
        except GitError as error:
            said = f"{error} ({error.hint})" if error.hint else str(error)
            if said not in self.complaints:
                self.complaints.append(said)

    def _prepare(
        self, policy: Policies, covered: dict[bytes, str], blobs: dict[str, Places]
    ) -> None:
        """Moves places that only commits' own rules protect to where no clear blob may be."""
        if self.remembered is not None:
            self.remembered.begin(policy.key_ids)
        if self.rules is not None:
            return
        self._absent(oid for changed in self.past.rules.values() for _, oid in changed if oid)
        readable = [oid for oid in self.commits if oid not in self.damaged]
        then = PastProtection(
            self.repo, readable, self.past, covered.__contains__, policy, self._here
        )
        for oid in {oid for _, oid in then.covered} & blobs.keys():
            places = blobs[oid]
            moved = [path for path in places.clear if (path, oid) in then.covered]
            places.protected |= dict.fromkeys(moved, BY_COMMIT)
            places.clear = [path for path in places.clear if path not in places.protected]
        self._found += then.bounds.values()

    def _inspector(self, knowledge: Knowledge) -> Inspector:
        return Inspector(
            self.repo,
            knowledge,
            absent_is_found=self.absent_is_found,
            tolerant=True,
            here=self._here,
        )

    def _judge_blob(self, inspector: Inspector, oid: str, places: Places) -> list[Finding]:
        if self.remembered is None:
            return inspector.findings(oid, places)
        return self.remembered.judge(inspector, oid, places)

    def _finish(self, inspector: Inspector, blobs: dict[str, Places]) -> None:
        """Fetches what is not here, if that is wanted, and judges it then."""
        # Twice: blobs of a partial clone can be pointers.
        for _ in range(2 if self.online is not None else 0):
            absent, missing = set(inspector.seen.absent), set(inspector.seen.missing)
            if not absent and not missing:
                break
            self._bring(absent, missing)
            inspector.seen.forget(absent | missing)
            for oid, places in blobs.items():
                if oid in absent or oid in missing:
                    self._found += inspector.findings(oid, places)


def _course(
    repo: Repository, revisions: Sequence[str], objects: dict[str, str] | None
) -> _Course:
    named = [word for word in revisions if word not in history.REF_OPTIONS]
    try:
        commits = history.commits(repo, revisions)
        notes = history.notes(repo)
        lost = None
    except GitError as error:
        if named:
            raise
        # A commit is lost, and rev-list with it. All that is there is more than enough.
        commits, notes, lost = batch.commits(repo, batch.kinds(repo)), set(), error
    tips = [oid for word in revisions for oid in _tips(repo, word)]
    if objects is not None:
        there = set(commits)
        # Last: no parent of a commit that a ref reaches is among them.
        commits += [oid for oid in batch.commits(repo, objects) if oid not in there]
        tips += _loose(repo, objects, commits)
    ends = history.ends(repo, [word for word in revisions if word != "--reflog"])
    return _Course(commits, tips, ends, notes, lost)


def _tips(repo: Repository, word: str) -> list[str]:
    if word in history.REF_OPTIONS:
        return history.ref_tips(repo)
    # A range names no object by itself, and its ends are commits.
    oid = None if ".." in word or word.startswith("^") else index.resolve(repo, word)
    return [oid] if oid else []


def _loose(repo: Repository, objects: dict[str, str], commits: Sequence[str]) -> list[str]:
    """Returns the blobs that no commit ever brought in, and what cannot be read."""
    held = {change.entry.oid for change in changes.changes(repo, commits, {})}
    return [oid for oid, kind in objects.items() if kind in {"", "blob"} and oid not in held]
