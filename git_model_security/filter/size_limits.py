"""Will what is added fit where it is to go? Said now, not after an hour of upload."""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_model_security import messages
from git_model_security.errors import PolicyError
from git_model_security.git import config
from git_model_security.git.paths import shown
from git_model_security.storage import INLINE, LFS

if TYPE_CHECKING:
    from git_model_security.clone.clone import Clone

_SMALL_BYTES = 1 << 20
"""Every host takes that, and looking would cost each small file its time."""


def require(clone: Clone, path: bytes, size: int | None) -> None:
    """Refuses what this clone does not put into a blob, and warns of the hosts' limits.

    Without git-lfs nobody asked for blobs of any length: Git holds them in memory.

    Raises:
        PolicyError: it is longer than `.gitmodel` allows without git-lfs.
    """
    if size is None or size < _SMALL_BYTES:
        return
    is_object = clone.makes_object(size)
    limit = config.number(clone.settings, "git-model.limit", 0)
    if limit and size > limit and not is_object:
        raise PolicyError(
            f"{size} bytes are more than the {limit} that go into Git without git-lfs",
            hint="install git-lfs 3.3 or newer, then `git model init --storage lfs`\n"
            "or `git model init --storage inline` to have it in Git all the same",
        )
    from git_model_security.storage import limits

    host = limits.of(clone.settings, LFS if is_object else INLINE)
    if host is not None and size > host.size:
        note = f" ({host.note})" if host.note else ""
        messages.warn(
            f"{shown(path)}: {size} bytes are more than the {host.size} that {host.host}"
            f" takes{note}",
            "save the model in smaller shards, or set git-model.maxFileSize",
        )
