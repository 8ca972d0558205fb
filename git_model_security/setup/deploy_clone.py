"""`git model clone --deploy`: a clone in which nothing stands that was not verified.

1. Clone, and let Git write no file.
2. Say that this is a deploy clone, before anything else could write one: from now on
   the filters admit nothing that was not released.
3. Pin the signer; verify the signatures over ciphertext, which needs no key.
4. Is it the commit that is expected?
5. Let the clone use the key, and set it up.
6. Verify all of it, with every file opened, and release it (`release`).
7. Write the work tree past Git, and make the index agree. No attributes of the tree count
   then, and no link of it is followed, since links come last.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from git_model_security import messages
from git_model_security.checkout import materialise
from git_model_security.checkout.index_update import settle
from git_model_security.checkout.open_file import Job, fill
from git_model_security.checkout.report import Report
from git_model_security.clone.clone import Clone
from git_model_security.content import blob, reader
from git_model_security.deploy.release import Gate
from git_model_security.errors import GitError, KeyNotFoundError, VerificationError
from git_model_security.git import (
    attributes,
    config,
    excludes,
    history,
    index,
    index_stat,
    pathspec,
    replacement,
    worktree,
)
from git_model_security.git.index import EXECUTABLE, GITLINK, SYMLINK
from git_model_security.git.paths import shown
from git_model_security.git.replacement import Replacement, descend, naming
from git_model_security.keyring import key_material, ring
from git_model_security.keyring.store import KeyStore
from git_model_security.policy import pinned
from git_model_security.setup import cloning, drivers, unlock
from git_model_security.trust import pinned_trust
from git_model_security.verification import tree_check

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from git_model_security.checkout.materialise import Progress
    from git_model_security.envelope.layout import BytesLike
    from git_model_security.git.index import Entry
    from git_model_security.git.repository import Repository
    from git_model_security.setup.cloning import Source
    from git_model_security.verification.expected import Expected

_TARGET_BYTES = 4096
_NAMED = 3
_LOOK = (
    "nothing is left of it; to look at it, `git model clone` without --deploy, and there"
    " `git model verify HEAD`"
)
_KEY = "ask for the key of this repository, and give it by --key FILE or GIT_MODEL_KEY"


def clone(
    source: Source,
    request: unlock.Request,
    expected: Expected,
    progress: Progress | None = None,
) -> tuple[Repository, unlock.Unlocked]:
    """Clones what one of some signers signed, or leaves nothing.

    Raises:
        VerificationError: it is not verified, or another commit.
        GitError: Git could not clone, the repository is empty, or a file cannot be written.
        Error: see `unlock.permit`.
    """
    _require_key(request.key)
    # One branch: others may be work that nobody signed yet, and need not come in.
    with cloning.fetched(source, "--single-branch") as repo:
        try:
            return repo, _deployed(repo, source.url, request, expected, progress)
        except VerificationError as error:
            error.hint = _LOOK
            raise
        except KeyNotFoundError as error:
            error.hint = _KEY
            raise


def _require_key(key: Path | None) -> None:
    """Raises where the clone could decrypt nothing, before it costs a download."""
    if key is not None:
        key_material.read(key)
    elif ring.from_environment() is None and not KeyStore().ids():
        raise KeyNotFoundError("there is no key to decrypt with", hint=_KEY)


def _deployed(
    repo: Repository,
    url: str,
    request: unlock.Request,
    expected: Expected,
    progress: Progress | None,
) -> unlock.Unlocked:
    commit = index.resolve(repo, "HEAD^{commit}")
    if commit is None:
        raise GitError(f"{repo.top}: there is no commit to deploy", hint="name a --branch")
    if history.is_shallow(repo):
        raise GitError(
            f"{url}: its history is cut off: nothing would tell what is older",
            hint="deploy from a whole repository",
        )
    config.put(repo, config.DEPLOY, "true")
    pinned.guard(repo)
    drivers.configure(repo)
    for signer in request.signers:
        pinned_trust.pinned(repo).add(signer)
    _require_signed(repo, commit, expected)
    repo.git("read-tree", "HEAD")
    done = unlock.permit(repo, index.staged(repo), unlock.Request(request.key))
    clone = Clone(repo)
    with clone.objects:
        gate = Gate(clone)
        gate.accept(commit, gate.branch)
        done.report = _write_tree(clone, index.tree(repo, commit), progress)
        for place, error in done.report.complaints():
            raise GitError(f"{place}{': ' * bool(place)}{error}", hint=error.hint)
        gate.remember_head(commit)
    return done


def _require_signed(repo: Repository, commit: str, expected: Expected) -> None:
    clone = Clone(repo)
    verifiers = pinned_trust.pinned(repo).verifiers()
    with clone.objects:
        verdict = tree_check.check(clone, commit, verifiers, sealed_only=True)
    verdict.findings += expected.differences(repo, commit)
    worst = verdict.worst
    if worst is not None:
        names = f": {messages.listed(worst.names, _NAMED)}" if worst.names else ""
        said = f"{worst.reason.value}: {worst.detail}{names}"
        raise VerificationError(worst.reason, f"{commit[:12]} is not deployed: {said}")


def _write_tree(clone: Clone, entries: Sequence[Entry], progress: Progress | None) -> Report:
    """Writes all entries of a tree, which the index has, into an empty work tree."""
    repo = clone.repo
    _require_writable(clone, entries)
    excludes.exclude(repo, replacement.PARTIAL_PATTERN)
    files = [entry for entry in entries if entry.is_file]
    guarded = attributes.protected(repo, (entry.path for entry in files))
    _, pointers = blob.survey(repo, (one.oid for one in files if one.path in guarded))
    jobs = []
    written = {}
    for entry in files:
        pointer = pointers.get(entry.oid) if entry.path in guarded else None
        if pointer is not None:
            jobs.append(Job(entry, pointer))
        else:
            written[entry.path] = _write(clone, entry, is_sealed=entry.path in guarded)
    report = Report()
    materialise.write(clone, jobs, progress)
    settle(repo, jobs, report)
    written |= _write_others(clone, entries)
    oids = {entry.path: entry.oid for entry in entries}
    index_stat.refresh(repo, written, oids)
    report.written += [path for path in written if path in guarded]
    report.written.sort()
    return report


def _require_writable(clone: Clone, entries: Sequence[Entry]) -> None:
    for entry in entries:
        replacement.checked(entry.path)
    alike = pathspec.find_colliding(clone.repo, entries)
    if alike:
        names = ", ".join(shown(path) for path in sorted(alike))
        raise GitError(
            f"to this file system these are one name: {names}",
            hint="deploy to one that tells letter case apart",
        )


def _write(clone: Clone, entry: Entry, *, is_sealed: bool) -> os.stat_result:
    mode = 0o777 if entry.mode == EXECUTABLE else 0o666
    with naming(entry.path), Replacement(clone.repo.top, entry.path, mode) as new:
        fill(clone.repo, new, _content(clone, entry.oid, is_sealed=is_sealed))
        return new.commit()


def _content(clone: Clone, oid: str, *, is_sealed: bool) -> Iterable[BytesLike]:
    """Yields what the filter would: an envelope at a protected path is opened."""
    if not is_sealed:
        return reader.chunks(clone, oid)
    head, pieces = reader.peek(reader.chunks(clone, oid))
    return pieces if blob.find_header(head) is None else reader.open_chunks(clone, pieces)


def _write_others(clone: Clone, entries: Iterable[Entry]) -> dict[bytes, os.stat_result]:
    """Writes links, and the empty directories where submodules would be."""
    written = {}
    for entry in entries:
        if entry.mode == SYMLINK:
            target = clone.objects.read(entry.oid, limit_bytes=_TARGET_BYTES)
            written[entry.path] = worktree.link(clone.repo.top, entry.path, target)
        elif entry.mode == GITLINK:
            with naming(entry.path):
                os.close(descend(clone.repo.top, entry.path.split(b"/"), make=True))
    return written
