"""Removes what is left of old histories in this repository, and proves that it is gone.

What was pushed, fetched or copied is out of reach. docs/MIGRATION.md, "Purge".
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from git_model_security.clone import audit_log
from git_model_security.clone.clone import Clone
from git_model_security.errors import GitError, PolicyError
from git_model_security.git import batch, history, index, refs, stash
from git_model_security.guard.audit import audit
from git_model_security.migrate import stashes
from git_model_security.migrate.journal import MOVING, Journal
from git_model_security.migrate.moving import find_left_over
from git_model_security.storage.pointer import Pointer

if TYPE_CHECKING:
    from pathlib import Path

    from git_model_security.git.repository import Repository
    from git_model_security.guard.finding import Finding
    from git_model_security.guard.report import Report

_AT_ONCE = 500
_UPDATE_REF = ("-c", f"core.hooksPath={os.devnull}", "update-ref", "--no-deref")
_PSEUDO_REFS = ("ORIG_HEAD", "REBASE_HEAD", "AUTO_MERGE")


@dataclass
class Plan:
    """What `--purge` would remove.

    Attributes:
        plain: blobs in clear that no new commit needs.
        refs: refs that show other repositories, or were left by tools, and reach old
            commits.
        reflogs: refs whose reflogs go.
        stashes: numbers of stashes that somebody brought back since, and that go.
        objects: git-lfs objects in clear, with the blobs that pointed to them.
        backups: the bundles of the old refs, which stay.
        accepted: blobs that a person let stay in clear when it was migrated.
    """

    commits: set[str] = field(default_factory=set)
    plain: set[str] = field(default_factory=set)
    refs: dict[str, str] = field(default_factory=dict)
    reflogs: list[str] = field(default_factory=list)
    stashes: list[int] = field(default_factory=list)
    objects: dict[str, Pointer] = field(default_factory=dict)
    backups: list[str] = field(default_factory=list)
    accepted: set[str] = field(default_factory=set)


@dataclass
class Purged:
    """What `--purge` did, and the proof.

    Attributes:
        removed: git-lfs objects that are no longer here.
        kept: those that a new commit still points to.
        shared: files that stay, since they stand outside of this repository
            (`lfs.storage`), where others may need them.
        holding: refs that still reach old commits: somebody made them since.
        left: old commits and blobs that are still in the repository.
        report: the audit of what there is now.
        findings: what it found, but for what a person had accepted.
    """

    removed: int
    kept: int
    left: list[str]
    report: Report
    findings: list[Finding]
    shared: list[Path] = field(default_factory=list)
    holding: list[str] = field(default_factory=list)

    @property
    def good(self) -> bool:
        """Whether nothing is left."""
        return not self.left and not self.findings


def is_due(repo: Repository) -> bool:
    """Tells whether a migration here has left something behind."""
    return bool(Journal(repo).records())


def plan(repo: Repository) -> Plan:
    """Looks for what is left of the histories that were migrated here.

    Raises:
        PolicyError: none was, or one was interrupted.
    """
    journal = Journal(repo)
    if journal.get(MOVING) is not None:
        raise PolicyError("a migration was interrupted", hint="`git model migrate` ends it")
    records = journal.records()
    if not records:
        raise PolicyError(
            "nothing of an old history is left to be purged, or it was not migrated here",
            hint="`git model migrate --purge` migrates and purges",
        )
    found = Plan()
    for record in records:
        found.commits |= record["commits"].keys()
        found.plain |= set(record["plain"])
        found.accepted |= set(record["accepted"])
        found.backups.append(record["backup"])
        found.reflogs += [name for name in record["refs"] if name not in found.reflogs]
        for blob, oid, size in record["lfs"]:
            found.objects[blob] = Pointer(oid, size)
    new = {oid for record in records for oid in record["commits"].values()}
    found.commits -= new
    found.stashes = stashes.of(repo, found.commits)
    found.refs = find_left_over(repo, _first(repo, found.commits))
    return found


def _first(repo: Repository, commits: set[str]) -> list[str]:
    """Returns those commits whose parents are none of them: whoever has one has these."""
    here = commits & batch.sizes(repo, commits).keys()
    parents = history.parents(repo, here)
    return [oid for oid, above in parents.items() if not commits.intersection(above)]


def carry_out(repo: Repository, found: Plan) -> Purged:
    """Removes it all.

    1. The reflogs that name old commits; of the stash, the only list, just those entries.
    2. Refs that show other repositories with the old history, and pseudo-refs.
    3. Objects that nothing names any more, and then
    4. git-lfs objects in clear, where their pointers are gone.
    5. The proof: none of the old names is found, and the audit is clean.

    Raises:
        GitError: git could not.
    """
    audit_log.record(
        repo,
        "purge",
        ref=" ".join(found.refs),
        reason=f"{len(found.commits)} commits, {len(found.plain)} blobs in clear",
    )
    _expire(repo, found)
    refs.change(repo, stashes.REASON, deleted=found.refs)
    _drop_links(repo)
    for name in (*_PSEUDO_REFS, "FETCH_HEAD"):  # which is a file in any case
        (repo.git_dir / name).unlink(missing_ok=True)
        if repo.has_ref_tables and name in _PSEUDO_REFS:
            repo.git(*_UPDATE_REF, "-d", name)
    repo.git("update-index", "--clear-resolve-undo")
    # Packs that are kept, and objects of alternates, stay: the proof below finds them.
    # What is long is copied from pack to pack, and not held in memory.
    repo.git("-c", "core.bigFileThreshold=16m", "gc", "--quiet", "--prune=now", show=True)
    clone = Clone(repo)
    with clone.objects:
        removed, kept, shared = _without_objects(clone, found)
        left = sorted(batch.sizes(repo, found.commits | found.plain))
        everything = ("--all", *(entry.oid for entry in stash.read(repo)))
        report = audit(repo, everything, keys=clone.ring.keys, known=clone.knows)
    findings = [one for one in report.findings if one.oid not in found.accepted]
    left = [oid for oid in left if oid not in found.accepted]
    first = _first(repo, found.commits) if left else []
    holding = list(refs.read_direct(repo, containing=first))
    purged = Purged(removed, kept, left, report, findings, shared, holding)
    if purged.good:
        Journal(repo).forget()
    return purged


def _drop_links(repo: Repository) -> None:
    """Removes links such as `refs/remotes/origin/HEAD` to what is no longer there."""
    for ref in refs.read(repo, refs.REMOTE):
        if ref.symref and index.resolve(repo, os.fsdecode(ref.symref)) is None:
            repo.git("symbolic-ref", "--delete", ref.name)


def _expire(repo: Repository, found: Plan) -> None:
    """Empties the reflogs that name old commits; never that of the stash, its only list."""
    stashes.without(repo, found.commits)
    names = [name for name in _logged(repo, found) if name != stash.REF]
    there = [name for name in names if index.resolve(repo, name) is not None]
    for start in range(0, len(there), _AT_ONCE):
        some = there[start : start + _AT_ONCE]
        repo.git("reflog", "expire", "--expire=now", "--expire-unreachable=now", *some)
    for name in set(names) - set(there):
        # Of a ref that is gone, such as a link to a branch of a remote: gc believes it.
        if repo.has_ref_tables:
            # Only with its ref does it go (2.55 keeps that of a link that is deleted).
            repo.git(*_UPDATE_REF, name, "HEAD")
            repo.git(*_UPDATE_REF, "-d", name)
        else:
            (repo.common_dir / "logs" / name).unlink(missing_ok=True)


def _logged(repo: Repository, found: Plan) -> list[str]:
    """Returns the refs, gone ones too, with reflogs that go."""
    moved = dict.fromkeys(["HEAD", *found.reflogs])
    if repo.has_ref_tables:
        names = os.fsdecode(repo.git("reflog", "list")).splitlines()
        return [one for one in names if one in moved or _shows_any(repo, one, found.commits)]
    logs = repo.common_dir / "logs"
    listed = []
    for path in sorted(logs.rglob("*")):
        name = str(path.relative_to(logs))
        if path.is_file() and (name in moved or _names_any(path, found.commits)):
            listed.append(name)
    return listed


def _shows_any(repo: Repository, name: str, commits: set[str]) -> bool:
    """Tells whether a reflog in a table names some commits; one that is not read may."""
    words = ("rev-list", "--walk-reflogs", name, "--")
    try:
        return not commits.isdisjoint(repo.git(*words).decode().split())
    except GitError:
        return True


def _names_any(log: Path, commits: set[str]) -> bool:
    with log.open("rb") as file:
        return any(
            commits.intersection(line[:130].decode("ascii", "replace").split()[:2])
            for line in file
        )


def _without_objects(clone: Clone, found: Plan) -> tuple[int, int, list[Path]]:
    named = {found.objects[blob].oid for blob in batch.sizes(clone.repo, found.objects)}
    removed, shared = 0, []
    ours = clone.repo.common_dir.resolve()
    for pointer in found.objects.values():
        path = clone.lfs.path(pointer)
        if pointer.oid in named or not path.exists():
            continue
        if not path.resolve().is_relative_to(ours):
            shared.append(path)
            continue
        path.unlink()
        removed += 1
    return removed, len(named), shared
