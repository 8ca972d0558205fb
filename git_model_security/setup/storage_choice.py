"""Where a new repository keeps its ciphertext: what `init --storage auto` chooses.

`.gitmodel` says it, since all clones must agree; here it is decided, once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from git_model_security.errors import UsageError
from git_model_security.git import config, lfs
from git_model_security.policy.gitmodel import THRESHOLD_BYTES
from git_model_security.storage import INLINE, LFS, limits

if TYPE_CHECKING:
    from git_model_security.git.repository import Repository
    from git_model_security.policy.gitmodel import Policy

INLINE_LIMIT_BYTES = 64 << 20
"""Where git-lfs is only missing, and nobody asked to do without it: Git holds a longer
file in memory as a whole, and hosts refuse it soon after."""


@dataclass(frozen=True)
class Choice:
    """A storage engine, why this one, and what the user should look at, if anything."""

    storage: str
    threshold: int
    limit: int | None
    reason: str
    warning: str = ""

    def applied(self, policy: Policy) -> Policy:
        """Returns a policy that says so."""
        return policy._replace(storage=self.storage, threshold=self.threshold, limit=self.limit)


def again(repo: Repository, policy: Policy, asked: str | None, threshold: int | None) -> Choice:
    """Chooses for a repository that is set up; what was not asked for stays as it was."""
    if asked is None and threshold is None:
        return Choice(policy.storage, policy.threshold, policy.limit, "as it was")
    if asked == policy.storage == LFS and threshold is None:
        threshold = policy.threshold
    return choose(repo, asked or policy.storage, threshold)


def choose(repo: Repository, asked: str | None, threshold: int | None) -> Choice:
    """Chooses the storage engine: what was asked for, else what fits the remotes.

    A `threshold` that was asked for, in bytes, asks for git-lfs.

    Raises:
        GitError: git-lfs was asked for, and is not installed.
        UsageError: a threshold was asked for, and no git-lfs.
    """
    if threshold is not None:
        if asked == INLINE:
            raise UsageError(
                "--threshold: ciphertext that is inline has none", hint="choose --storage lfs"
            )
        asked = LFS
    if asked == INLINE:
        return Choice(INLINE, THRESHOLD_BYTES, None, "asked for")
    is_hub = limits.is_hub(limits.urls(config.read(repo, "remote"), INLINE))
    if asked == LFS:
        lfs.require()
    elif not lfs.is_installed():
        warning = f"git-lfs is not installed: no file may be longer than 64 MiB; {_REMEDY}"
        if is_hub:
            warning = f"the Hugging Face Hub takes no encrypted file without git-lfs; {_REMEDY}"
        return Choice(
            INLINE, THRESHOLD_BYTES, INLINE_LIMIT_BYTES, "git-lfs is not installed", warning
        )
    chosen = threshold or (1 if is_hub else THRESHOLD_BYTES)
    if is_hub and threshold is None:
        return Choice(LFS, chosen, None, "the Hugging Face Hub takes no binary files in Git")
    return Choice(LFS, chosen, None, "asked for" if asked else "git-lfs is installed")


_REMEDY = f"{lfs.INSTALL_HINT}; then init again, or choose --storage inline"


def missing_lfs(policy: Policy) -> str | None:
    """Says what a clone cannot do for want of git-lfs; None when it wants nothing."""
    if policy.storage != LFS or lfs.is_installed():
        return None
    return (
        "this repository keeps files in git-lfs, which is not installed: they can be"
        f" neither downloaded nor pushed; {lfs.INSTALL_HINT}"
    )
