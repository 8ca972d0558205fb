"""Which records of `git model untrack` a clone believes: whose signature stands over them.

A pinned signer's, or in a job that has a checkout only, one that was named for it.
"""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING

from git_model_security.clone.clone import Clone
from git_model_security.errors import Error
from git_model_security.git import attributes as git_attributes
from git_model_security.git import batch, history, index
from git_model_security.git.repository import STATE_DIRECTORY
from git_model_security.keyring import key_files
from git_model_security.policy import attributes, gitmodel, identity, pinned
from git_model_security.policy.gitmodel import NAME
from git_model_security.signing.trust import Trust
from git_model_security.trust import pinned_trust
from git_model_security.verification import tree_check

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from git_model_security.git.index import Entry
    from git_model_security.git.repository import Repository
    from git_model_security.policy.gitmodel import Policy
    from git_model_security.signing.methods import Verifier

REFS_LOOKED_AT = 64
_SIGNED_CANDIDATES = 8
_VERSIONS_LOOKED_AT = 256
_GIVEN: ContextVar[tuple[Verifier, ...]] = ContextVar("given", default=())
"""Signers who are trusted without being pinned; see `believing`."""


def is_signed(repo: Repository, oid: str, commits: Collection[str] = ()) -> bool:
    """Tells whether a pinned signer signed a tree that holds a `.gitmodel`.

    Only signatures over ciphertext are asked for, which cover it and need no AES key.

    Args:
        oid: the blob of the `.gitmodel`.
        commits: where to look, beside HEAD and the refs.
    """
    if not _verifiers(repo):
        return False
    named = list(dict.fromkeys([*commits, "HEAD", *history.ref_tips(repo)[:REFS_LOOKED_AT]]))
    holding = [commit for commit, held in _versions(repo, named) if held == oid]
    return any(holds(repo, commit) for commit in holding[:_SIGNED_CANDIDATES])


def holds(repo: Repository, commit: str) -> bool:
    """Tells whether a trusted signer signed the ciphertext of a commit, just as it is."""
    verifiers = _verifiers(repo)
    if not verifiers:
        return False
    clone = Clone(repo)
    with clone.objects:
        try:
            return tree_check.check(clone, commit, verifiers, sealed_only=True).good
        except Error:
            return False


def when_to_sign(repo: Repository, proposed: Policy, entries: Sequence[Entry]) -> str:
    """Returns when commits are signed by a policy; later than now only if a signer said so.

    Whoever pushes a `.gitmodel` that signs later must not have others commit unsigned: its
    change is what their next signature would have to vouch for.

    Args:
        proposed: the policy of the `.gitmodel` among the entries.
        entries: of an index or a tree.

    Raises:
        ConfigError: the policy taken over cannot be read by this version.
        PolicyError: it is lost.
    """
    oid = next(entry.oid for entry in entries if entry.path == NAME)
    when = pinned.earlier_time(repo, proposed, oid)
    # `follows` comes first: before the first commit there is no HEAD to walk from.
    if when == proposed.when or not follows(repo, oid):
        return when
    brought = repo.git("rev-list", "--max-count=1", "HEAD", "--", NAME).decode().split()
    return proposed.when if is_signed(repo, oid, brought) else when


def let_out(repo: Repository, commits: Iterable[str], paths: Iterable[bytes]) -> set[bytes]:
    """Returns those of `paths` that `records` name."""
    patterns = records(repo, commits)
    return (
        git_attributes.protected_by(attributes.matching(patterns), paths) if patterns else set()
    )


def records(repo: Repository, commits: Iterable[str]) -> tuple[str, ...]:
    """Returns what policies of commits untracked, as far as this clone believes them.

    It took such a policy over before, or will once the commit is HEAD.
    """
    held = {oid: commit for commit, oid in _versions(repo, commits) if oid}
    found: dict[str, None] = {}
    reader = repo.objects
    for oid, commit in held.items():
        policy = gitmodel.readable(reader, oid)
        if policy is not None and policy.untracked and _is_believed(repo, commit, oid):
            found |= dict.fromkeys(policy.untracked)
    return tuple(found)


def _is_believed(repo: Repository, commit: str, oid: str) -> bool:
    if pinned.current(repo) == oid:
        return True
    return follows(repo, oid, commit) and is_signed(repo, oid, [commit])


@contextmanager
def believing(public_keys: Iterable[Path]) -> Iterator[None]:
    """Trusts signers beside the pinned ones for a while: a job has a checkout of its own.

    Raises:
        ConfigError: a file is not a public key that could have signed.
    """
    from tempfile import TemporaryDirectory  # no hook needs it

    with TemporaryDirectory() as directory:
        trust = Trust(Path(directory))
        for path in public_keys:
            trust.add_public_key(key_files.read(path), str(path))
        token = _GIVEN.set(tuple(trust.verifiers()))
        try:
            yield
        finally:
            _GIVEN.reset(token)


def _verifiers(repo: Repository) -> Sequence[Verifier]:
    has_pinned = (repo.common_dir / STATE_DIRECTORY / "trust").is_dir()
    mine = pinned_trust.pinned(repo).verifiers() if has_pinned else ()
    return [*mine, *_GIVEN.get()]


def follows(repo: Repository, oid: str, commit: str = "HEAD") -> bool:
    """Tells whether the `.gitmodel` of a commit came after the pinned one, and is new.

    An older version may have been brought back by somebody with an old signed tree. So one
    from before the repository had its id does not follow one with that.
    """
    if index.resolve(repo, f"{commit}:{NAME.decode()}") != oid or pinned.is_accepted(repo, oid):
        return False
    known, proposed = pinned.repositories(repo), gitmodel.readable(repo.objects, oid)
    if proposed is None or not identity.is_of(proposed, known):
        return False
    if identity.has_id(known) and not proposed.repository:
        return False
    limit = f"--max-count={_VERSIONS_LOOKED_AT}"
    listed = repo.git("rev-list", limit, commit, "--", NAME).decode().split()
    versions = [held for _, held in _versions(repo, listed)]
    mine = pinned.current(repo)
    return mine in versions and oid not in versions[versions.index(mine) :]


def _versions(repo: Repository, commits: Iterable[str]) -> list[tuple[str, str]]:
    """Returns the blobs of `.gitmodel` in commits; empty where there is none."""
    named = list(commits)
    found = batch.resolve(repo, (f"{commit}:{NAME.decode()}" for commit in named))
    held = [oid if kind == "blob" else "" for kind, oid in found]
    return list(zip(named, held, strict=True))
