"""What `init` and `unlock` share: the local set-up of a clone that holds a key."""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_model_security import messages
from git_model_security.clone.clone import Clone
from git_model_security.git import config, index, remotes, sharing
from git_model_security.policy import gitmodel, pinned
from git_model_security.setup import drivers
from git_model_security.setup.hooks import hook_setup
from git_model_security.storage import LFS

if TYPE_CHECKING:
    from git_model_security.git.repository import Repository
    from git_model_security.policy.gitmodel import Policy

LOOSE_COMPRESSION = "core.loosecompression"


def configure(repo: Repository, policy: Policy, *, is_trusted: bool) -> list[str]:
    """Pins the policy in a clone and makes Git run the filter and the hooks; tells what is new.

    Doing it again changes nothing. `is_trusted` says that the policy was made here, or stands
    in a verified commit; another one, or an older one, replaces none that is pinned already.
    """
    done = []
    if _pin(repo, policy, is_trusted):
        done.append("pinned the protection policy in info/attributes")
    if config.is_deploy(config.read(repo)):
        pinned.guard(repo)
    # The record of provenance begins here, before anything is made.
    if (fault := Clone(repo).memory.fault) is not None:
        messages.warn(fault)
    drivers.configure(repo)
    config.put(repo, "git-model.digest", policy.digest)
    _put_storage(repo, policy)
    # Ciphertext does not compress: zlib would dominate `git add`. Only loose
    # objects, so that packs of code stay small, and only where nobody chose.
    if (
        config.get(repo, LOOSE_COMPRESSION) is None
        and config.get(repo, "core.compression") is None
    ):
        config.put(repo, LOOSE_COMPRESSION, "0")
        done.append("set core.looseCompression=0, since ciphertext does not compress")
    remotes.note(repo)
    # What was made before the repository was shared.
    sharing.adjust_below(repo.common_dir, repo.state_dir)
    return [*done, *hook_setup.install(repo)]


def _pin(repo: Repository, policy: Policy, is_trusted: bool) -> bool:
    oid = index.resolve(repo, f":{gitmodel.NAME.decode()}")
    if oid is None:  # `init`, which has not written it yet
        return is_trusted and pinned.pin(repo, policy.strict())
    mine = pinned.current(repo)
    if oid == mine or (mine is None and is_trusted):
        return pinned.take_over(repo, policy, oid)
    from git_model_security.provenance import policy_trust

    if pinned.rules(repo):
        is_next = is_trusted and policy_trust.follows(repo, oid)
        return is_next and pinned.take_over(repo, policy, oid)
    if not policy.untracked or policy_trust.is_signed(repo, oid):
        return pinned.take_over(repo, policy, oid)
    # A stranger's word that something was untracked is worth nothing: this clone goes on
    # to encrypt it.
    pinned.bind(repo, policy)
    return pinned.pin(repo, policy.strict())


def _put_storage(repo: Repository, policy: Policy) -> None:
    is_lfs = policy.storage == LFS
    limit = None if is_lfs or policy.limit is None else str(policy.limit)
    config.put(repo, "git-model.storage", policy.storage)
    config.replace(repo, "git-model.threshold", str(policy.threshold) if is_lfs else None)
    config.replace(repo, "git-model.limit", limit)
