"""What `init` and `unlock` share: the local set-up of a clone that holds a key."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from git_model_security.git import config
from git_model_security.git.repository import STATE_DIRECTORY
from git_model_security.policy import attributes
from git_model_security.storage import LFS
from git_model_security.workspace import drivers, hook_setup

if TYPE_CHECKING:
    from pathlib import Path

    from git_model_security.git.repository import Repository
    from git_model_security.policy.gitmodel import Policy

LOOSE_COMPRESSION = "core.loosecompression"


def configure(repo: Repository, policy: Policy, *, is_trusted: bool) -> list[str]:
    """Pins the policy in a clone and makes Git run the filter and the hooks.

    Doing it again changes nothing.

    Args:
        repo: the clone.
        policy: what to pin.
        is_trusted: it was made here, or stands in a verified commit; another one
            replaces no policy that is pinned already.

    Returns:
        What was done, a line each.
    """
    done = []
    if (is_trusted or not is_pinned(repo)) and pin(repo, policy):
        done.append("pinned the protection policy in info/attributes")
    drivers.configure(repo, "--local")
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
    return [*done, *hook_setup.install(repo)]


def _put_storage(repo: Repository, policy: Policy) -> None:
    is_lfs = policy.storage == LFS
    sizes = {
        "git-model.threshold": policy.threshold if is_lfs else None,
        "git-model.limit": None if is_lfs else policy.limit,
    }
    config.put(repo, "git-model.storage", policy.storage)
    for key, size in sizes.items():
        if size is None:
            config.unset(repo, key)
        else:
            config.put(repo, key, str(size))


def is_pinned(repo: Repository) -> bool:
    """Tells whether `info/attributes` holds a policy of ours."""
    path = repo.common_dir / "info" / "attributes"
    return path.exists() and attributes.BEGIN in path.read_text("utf-8", "replace")


def pin(repo: Repository, policy: Policy) -> bool:
    """Writes the policy's attributes to `info/attributes`; tells whether they changed."""
    path = repo.common_dir / "info" / "attributes"
    old = path.read_text("utf-8", "surrogateescape") if path.exists() else ""
    new = attributes.spliced(old, attributes.render(policy))
    return _replace(path, old, new)


def _replace(path: Path, old: str, new: str) -> bool:
    if new == old:
        return False
    path.parent.mkdir(exist_ok=True)
    partial = path.with_name(f"{path.name}.{STATE_DIRECTORY}.{os.getpid()}")
    partial.write_text(new, "utf-8", "surrogateescape")
    partial.replace(path)
    return True
