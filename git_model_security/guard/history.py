"""The audit: has any commit ever held plaintext where only ciphertext may stand."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from git_model_security.errors import GitError
from git_model_security.git import changes, history, index, lfs, partial, store
from git_model_security.guard import reach, walk
from git_model_security.guard.inspector import unreadable
from git_model_security.guard.knowledge import Knowledge
from git_model_security.guard.report import Report
from git_model_security.guard.whole import Whole

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from git_model_security.envelope import Key
    from git_model_security.git.repository import Repository
    from git_model_security.git.store import Present
    from git_model_security.guard.knowledge import Known
    from git_model_security.guard.remembered import Remembered
    from git_model_security.guard.walk import Progress

__all__ = ["Report", "audit"]

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
        repo: the repository.
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
    objects = store.kinds(repo) if promiser or unreachable else {}
    course = _course(repo, revisions, objects if unreachable else None)
    present = store.Present(repo, objects) if promiser else None
    courier = _Courier(online, promiser, present) if fetch else None
    whole = Whole(
        here=present,
        remembered=remembered,
        bring=courier.bring if courier else None,
    )
    readable = course.commits
    if promiser and not fetch:
        readable = store.with_trees(repo, readable, objects)
    outcome = walk.judged(
        repo,
        readable,
        course.tips,
        Knowledge(keys, known),
        ends=course.ends,
        rules=rules,
        untracked=untracked,
        notes=course.notes,
        absent_is_found=rules is not None,
        whole=whole,
        progress=progress,
    )
    found = [] if course.lost is None else [unreadable("", b"", course.lost)]
    if not promiser:
        found += [
            replace(unreadable(oid, b"", GitError(reason)), commit=oid)
            for oid, reason in whole.damaged.items()
        ]
    report = Report(
        commits=len(course.commits),
        blobs=outcome.blobs,
        proven=outcome.proven,
        unproven=outcome.unproven,
        absent=outcome.absent,
        cut=history.is_shallow(repo),
        findings=reach.told(repo, [*found, *outcome.findings]),
        missing=len(whole.missing),
        unseen=len(course.commits) - len(readable) + len(whole.damaged) * bool(promiser),
        complaints=courier.complaints if courier else (),
    )
    if remembered is not None:
        # A disk that is full costs the next audit time, and this one nothing.
        with contextlib.suppress(GitError):
            remembered.keep()
    return report


class _Courier:
    """Fetches what is not here; what does not come is told, and judged as not here."""

    def __init__(self, repo: Repository, promiser: str | None, present: Present | None) -> None:
        self._repo = repo
        self._promiser = promiser
        self._present = present
        self.complaints: list[str] = []

    def bring(self, absent: set[str], missing: set[str]) -> None:
        """Brings blobs of a partial clone, and the objects behind pointers."""
        if missing and self._promiser and self._present:
            self._try(partial.fetch, self._repo, self._promiser, sorted(missing))
            self._present.look_again()
        if absent:
            self._try(lfs.fetch, self._repo, sorted(absent))

    def _try(self, fetch: Callable[..., None], *arguments: object) -> None:
        try:
            fetch(*arguments)
        except GitError as error:
            said = f"{error} ({error.hint})" if error.hint else str(error)
            if said not in self.complaints:
                self.complaints.append(said)


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
        commits, notes, lost = store.commits(repo, store.kinds(repo)), set(), error
    tips = [oid for word in revisions for oid in _tips(repo, word)]
    if objects is not None:
        there = set(commits)
        # Last: no parent of a commit that a ref reaches is among them.
        commits += [oid for oid in store.commits(repo, objects) if oid not in there]
        tips += _loose(repo, objects, commits)
    return _Course(commits, tips, _ends(repo, revisions), notes, lost)


def _ends(repo: Repository, revisions: Sequence[str]) -> list[str]:
    return history.ends(repo, [word for word in revisions if word != "--reflog"])


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
