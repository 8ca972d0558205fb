"""The index guard: what the next commit would put into history."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from git_model_security.errors import ConfigError
from git_model_security.git import history, index
from git_model_security.git.index import EXECUTABLE, REGULAR
from git_model_security.git.paths import shown
from git_model_security.guard import policies, protection
from git_model_security.guard.finding import BROKEN_POLICY, Finding
from git_model_security.guard.inspector import Inspector
from git_model_security.guard.judgement import drop_known
from git_model_security.guard.knowledge import NOTHING
from git_model_security.policy import gitmodel, pinned
from git_model_security.policy.gitmodel import NAME

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from git_model_security.git.index import Entry
    from git_model_security.git.repository import Repository
    from git_model_security.guard.knowledge import Knowledge
    from git_model_security.guard.policies import Policies

    Held = dict[bytes, set[tuple[int, str]]]
    """Modes and blobs by path."""


FILES = (REGULAR, EXECUTABLE)


def findings(
    repo: Repository, knowledge: Knowledge = NOTHING, *, authored_only: bool = False
) -> list[Finding]:
    """Returns what must not be committed.

    1. Every staged file at a protected path is an envelope, and so is what takes the
       place of an envelope, unless the index's `.gitmodel` says that it was untracked,
       and is trusted here. Links have no content of the model and pass.
    2. No staged blob that is not in a parent already is a model on an unprotected
       path, by its content, nor a key, nor the plaintext of what is sealed elsewhere;
       nor a large binary that no branch has, unless `.gitmodel` lets it out.
    3. `.gitmodel` can be read, and names no file as a signature that is something else.

    What a parent has at the same path is marked `inherited`: it arrived by fetch
    or pull, and refusing to commit would wedge the team without taking it back.

    Args:
        knowledge: what is known beforehand; without keys framing is all that is checked.
        authored_only: leave out what a parent has, unread.
    """
    # Git commits no index with a conflict, so its stages need no judgement.
    settled = [entry for entry in index.staged(repo) if entry.stage == 0]
    committed = {
        entry for one in history.parents_to_be(repo) for entry in index.tree(repo, one)
    }
    fresh = [entry for entry in settled if entry not in committed]
    held = _held_by_parents(committed, {NAME, *(entry.path for entry in fresh)})
    asked = fresh if authored_only else settled
    staged_policy = [entry.oid for entry in settled if entry.path == NAME and entry.is_file]
    policy = _policy(repo, staged_policy, held)
    knowledge = knowledge._replace(decisions=True).with_key_ids(policy.key_ids)
    inspector = Inspector(repo, knowledge)
    # What this clone sealed may stand anywhere, and is mostly all that is there.
    doubtful = [entry for entry in asked if not inspector.knows(entry.oid)]
    new = [entry for entry in doubtful if entry not in committed]
    covered = protection.protected(repo, (entry.path for entry in doubtful), policy.rules)
    released = policy.releases.paths(entry.path for entry in new)
    covered |= _sealed_by_parents(inspector, new, held, covered.keys() | released)
    wanted = [
        entry
        for entry in doubtful
        if entry not in committed or (entry.is_file and entry.path in covered)
    ]
    found = [
        finding
        for oid, where in protection.find_places(wanted, covered).items()
        for finding in inspector.findings(oid, where)
    ]
    found = drop_known(repo, policy.releases.kept(found))
    there = {(entry.path, entry.oid) for entry in asked} if policy.broken else set()
    found += [one for one in policy.broken if (one.path, one.oid) in there]
    found += find_misnamed(repo, staged_policy, {entry.path for entry in settled})
    authored = {(entry.path, entry.oid) for entry in fresh}
    return [one._replace(inherited=(one.path, one.oid) not in authored) for one in found]


def _held_by_parents(committed: Iterable[Entry], paths: Collection[bytes]) -> Held:
    held: Held = {}
    for entry in committed:
        if entry.path in paths:
            held.setdefault(entry.path, set()).add((entry.mode, entry.oid))
    return held


def _policy(repo: Repository, staged: list[str], held: Held) -> Policies:
    committed = [oid for mode, oid in sorted(held.get(NAME, ())) if mode in FILES]
    # On another branch the record of this one says nothing: the index decides.
    return policies.read(repo, dict.fromkeys(staged + committed), releasing=staged)


def _sealed_by_parents(
    inspector: Inspector, fresh: Sequence[Entry], held: Held, settled: Collection[bytes]
) -> dict[bytes, str]:
    """Returns the paths that nothing settles, but where a parent has an envelope."""
    return {
        entry.path: protection.BY_HISTORY
        for entry in fresh
        if entry.is_file and entry.path not in settled
        for mode, oid in held.get(entry.path, ())
        if mode in FILES and inspector.is_envelope(oid)
    }


def find_misnamed(
    repo: Repository, oids: Collection[str], paths: Collection[bytes]
) -> list[Finding]:
    """Returns where policies name as a signature what is a file already.

    Signing would overwrite it.

    Args:
        oids: the policies that the next signature is made by.
        paths: the files that are there.

    Raises:
        GitError: a blob is missing or corrupt.
        PolicyError: the policy that this clone took over is lost.
    """
    if pinned.current(repo) in {None, *oids}:
        return []
    found = []
    reader = repo.objects
    try:
        mine = pinned.policy(repo)
        assert mine is not None
        names = {posixpath.basename(one) for one in mine.signature_paths()}
        for oid in oids:
            signatures = gitmodel.of_blob(reader, oid).signature_paths()
            for path in sorted(signatures & set(paths)):
                # By the name that this clone knows it is a signature, of a new root.
                if posixpath.basename(path) not in names:
                    said = f"it names {shown(path)} as a signature, which is a file already"
                    size = reader.stream(oid).size
                    found.append(Finding(BROKEN_POLICY, gitmodel.NAME, oid, size, said))
    except ConfigError:  # which is a finding already, by `policies.read`
        return []
    return found
