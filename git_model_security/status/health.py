"""`git model doctor`: what is wrong with the set-up of a clone, and mending it."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

from git_model_security import messages, server
from git_model_security.clone import missing_policy
from git_model_security.clone.clone import Clone
from git_model_security.content import blob
from git_model_security.errors import Error
from git_model_security.git import config, index, lfs
from git_model_security.git.paths import shown
from git_model_security.git.run import run
from git_model_security.guard import refusal
from git_model_security.keyring import key_files, ring
from git_model_security.keyring.store import KeyStore
from git_model_security.messages import legible
from git_model_security.migrate.journal import Journal
from git_model_security.policy import gitmodel, identity, pinned
from git_model_security.setup import (
    accept_policy,
    drivers,
    init,
    setup,
    storage_choice,
    unlock,
    write_policy,
)
from git_model_security.setup.hooks import configured_hooks, hook_place
from git_model_security.signatures import lacks
from git_model_security.storage import INLINE, LFS, limits
from git_model_security.trust import pinned_trust

if TYPE_CHECKING:
    from collections.abc import Iterator

    from git_model_security.git.repository import Repository
    from git_model_security.storage.limits import Limit

MINIMUM_GIT = (2, 39)
MINIMUM_LFS = (3, 3)
_NAMED_FILES = 5


@dataclass(frozen=True)
class Symptom:
    """One thing that is wrong, and what helps."""

    what: str
    remedy: str


def symptoms(repo: Repository) -> list[Symptom]:
    """Returns what is wrong with a clone or a server; an empty list is a healthy one."""
    if server.is_bare(repo):
        return [*_of_machine(), *(Symptom(*one) for one in server.symptoms(repo))]
    if missing_policy.is_strange(repo):
        return [*_of_machine(), Symptom("not a git-model repository", "`git model init`")]
    found = [*_of_machine(), *_of_clone(repo), *_of_storage(repo)]
    if Journal(repo).is_moving:
        found.append(Symptom("a migration was interrupted", "`git model migrate` ends it"))
    return found


def mend(repo: Repository) -> list[str]:
    """Sets an unlocked clone up once more; returns what was done.

    Raises:
        Error: the configuration or the hooks cannot be written.
    """
    policy = init.policy_of(repo)
    if policy is None or not init.is_set_up(repo):
        return []
    done = setup.configure(repo, policy, is_trusted=unlock.is_verified(repo))
    oid = index.resolve(repo, f":{gitmodel.NAME.decode()}")
    clone = Clone(repo)
    with clone.objects:
        is_written = write_policy.is_written(clone)
    is_own = oid is not None and pinned.is_accepted(repo, oid)
    if is_own and not is_written:
        done.append("wrote .gitattributes anew and staged it: commit it")
    if is_own and not policy.repository and not config.is_deploy(config.read(repo)):
        done.append("gave this repository an id in .gitmodel and staged it: commit it")
        policy, is_written = identity.given(policy), False
    if is_own and not is_written:
        write_policy.write(repo, policy)
    return done


def _of_machine() -> Iterator[Symptom]:
    words = run("version").split()
    version = tuple(int(part) for part in words[2].split(b".")[:2] if part.isdigit())
    if version < MINIMUM_GIT:
        wanted = ".".join(map(str, MINIMUM_GIT))
        yield Symptom(f"git {words[2].decode()} is too old", f"install git {wanted} or newer")
    if shutil.which("git-model") is None:
        yield Symptom("`git model` is not on PATH", "add the directory that install.sh named")


def _of_storage(repo: Repository) -> Iterator[Symptom]:
    policy = init.policy_of(repo)
    version = lfs.version()
    if policy is not None and (missing := storage_choice.missing_lfs(policy)):
        yield Symptom(*missing.split("; ", 1))
    elif version is not None and version < MINIMUM_LFS:
        wanted = ".".join(map(str, MINIMUM_LFS))
        yield Symptom(
            f"git-lfs {'.'.join(map(str, version))} is too old", f"install {wanted} or newer"
        )
    for storage, limit, paths in _oversize(repo):
        names = messages.listed([shown(path) for path in paths], _NAMED_FILES)
        note = f" ({limit.note})" if limit.note else ""
        yield Symptom(
            f"longer than {limit.host} takes as {storage}, {limit.size} bytes{note}: {names}",
            "save the model in shorter shards; `git config git-model.maxFileSize SIZE` if the"
            " host takes more",
        )


def _oversize(repo: Repository) -> Iterator[tuple[str, Limit, list[bytes]]]:
    """Yields `inline` or `lfs`, its limit, and what is longer; nothing for no known limit."""
    settings = config.read(repo, limits.SECTIONS)
    found = ((storage, limits.of(settings, storage)) for storage in (INLINE, LFS))
    known = {storage: limit for storage, limit in found if limit is not None}
    if not known:
        return
    entries = [entry for entry in index.staged(repo) if entry.is_file]
    sizes, pointers = blob.survey(repo, (entry.oid for entry in entries))
    over: dict[str, list[bytes]] = {storage: [] for storage in known}
    for entry in entries:
        pointer = pointers.get(entry.oid)
        storage = LFS if pointer else INLINE
        # A partial clone may not have the blob, and cannot tell then.
        size = pointer.size if pointer else sizes.get(entry.oid, 0)
        if storage in known and size > known[storage].size:
            over[storage].append(entry.path)
    yield from ((storage, known[storage], paths) for storage, paths in over.items() if paths)


def _of_clone(repo: Repository) -> Iterator[Symptom]:
    clone = Clone(repo)
    try:
        held = clone.ring
        if held.locked:
            yield Symptom("this clone is locked", ring.UNLOCK)
            return
        held.require_key()
    except Error as error:
        yield Symptom(str(error), error.hint or "`git model unlock --key FILE`")
        return
    kept = KeyStore().directory / held.current.id
    if kept.exists() and key_files.is_exposed(kept):
        yield Symptom(f"others can read {kept}", f"`chmod 600 {kept}`")
    yield from _of_policy(clone)
    command = config.get(repo, "filter.git-model.process", "--local")
    if command != drivers.command("filter-process"):
        yield Symptom("the filter is not this git-model", "`git model doctor --fix`")
    if clone.is_deploy and not pinned.is_guarded(repo):
        yield Symptom(
            "info/attributes lets files into this deploy clone that are not verified",
            "`git model doctor --fix`",
        )
    if not clone.is_deploy and (line := pinned.outranked_by(repo)):
        yield Symptom(
            f"info/attributes: `{legible(line)}` stands behind git-model's lines and wins",
            "`git model doctor --fix` puts ours last; then `git add --renormalize .`",
        )
    missing = hook_place.missing(repo, repo.hooks, clone.settings)
    if missing:
        remedies = hook_place.remedies(repo, missing)
        yield Symptom(hook_place.describe(repo, missing), "; ".join(remedies))
    for what, remedy in configured_hooks.find_faults(clone.settings):
        yield Symptom(what, remedy)
    if wrong := refusal.misunderstood(repo):
        yield Symptom(wrong, f"`git config --unset {refusal.GUARD}`")
    if not pinned_trust.pinned(repo).fingerprints():
        yield Symptom("no trusted signer is pinned", "`git model unlock --public-key FILE`")
    lack = None if clone.is_deploy else lacks.find(repo)
    if lack is not None:
        yield Symptom(f"{lack.what}: commits are unsigned", lack.remedy)


def _of_policy(clone: Clone) -> Iterator[Symptom]:
    if index.resolve(clone.repo, "HEAD") and not index.resolve(clone.repo, "HEAD:.gitmodel"):
        yield Symptom(
            "HEAD has no .gitmodel, and this clone was set up by one",
            "`git model repair` puts it back, or check out a branch that has it",
        )
    if not pinned.rules(clone.repo):
        yield Symptom("no protection policy is pinned", "`git model doctor --fix`")
        return
    try:
        with clone.objects:
            found = accept_policy.drift(clone)
            is_written = write_policy.is_written(clone)
    except Error as error:
        yield Symptom(str(error), error.hint or "`git log -- .gitmodel`")
        return
    policy = init.policy_of(clone.repo)
    if policy is not None and not (policy.repository or clone.is_deploy):
        yield Symptom(
            ".gitmodel names no repository: trees that the same people sign elsewhere, with"
            " the same AES key, count here",
            "`git model doctor --fix` gives it an id, then `git commit`",
        )
    if not is_written:
        yield Symptom(write_policy.UNWRITTEN, "`git model doctor --fix`, then `git commit`")
    if found is not None and found.is_felt:
        yield Symptom(
            f"{accept_policy.OTHER}: {accept_policy.describe(found)}",
            "`git model track --accept` takes it over",
        )
