"""The index guard: what the next commit would put into history."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from git_model_security.git import history, index
from git_model_security.guard import places
from git_model_security.guard.inspector import Inspector

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from git_model_security.envelope import Key
    from git_model_security.git.index import Entry
    from git_model_security.git.repository import Repository
    from git_model_security.guard.finding import Finding
    from git_model_security.guard.inspector import Known


def findings(
    repo: Repository,
    keys: Mapping[str, Key] | None = None,
    known: Known | None = None,
    *,
    entries: Sequence[Entry] | None = None,
    authored_only: bool = False,
) -> list[Finding]:
    """Returns what must not be committed.

    1. Every staged file at a protected path is an envelope. Links have no content
       of the model and pass.
    2. No staged blob that is not in a parent already is a model on an unprotected
       path, by its content.

    What a parent has at the same path is marked `inherited`: it arrived by fetch
    or pull, and refusing to commit would wedge the team without taking it back.

    Args:
        repo: the repository.
        keys: held keys by key id; without them framing is all that is checked.
        known: says which blobs need not be read again.
        entries: the index, where the caller has read it already.
        authored_only: leave out what a parent has, unread.
    """
    staged = index.staged(repo) if entries is None else entries
    # Git commits no index with a conflict, so its stages need no judgement.
    settled = [entry for entry in staged if entry.stage == 0]
    held = _held_by_parents(repo)
    fresh = [entry for entry in settled if (entry.path, entry.mode, entry.oid) not in held]
    covered = places.protected(repo, [entry.path for entry in settled])
    wanted = fresh
    if not authored_only:
        new = set(fresh)
        wanted = [
            entry
            for entry in settled
            if entry in new or (entry.is_file and entry.path in covered)
        ]
    with Inspector(repo, keys, known) as inspector:
        found = [
            finding
            for oid, where in places.of_blobs(wanted, covered).items()
            for finding in inspector.findings(oid, where)
        ]
    authored = {(entry.path, entry.oid) for entry in fresh}
    return [replace(one, inherited=(one.path, one.oid) not in authored) for one in found]


def _held_by_parents(repo: Repository) -> set[tuple[bytes, int, str]]:
    return {
        (entry.path, entry.mode, entry.oid)
        for parent in history.parents_to_be(repo)
        for entry in index.tree(repo, parent)
    }
