"""What `init` says where git-lfs had the same files before: what it still has, or does.

Its lines in the top `.gitattributes` need not go: our block stands after them.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from git_model_security.git import attributes, index
from git_model_security.git.paths import shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from git_model_security.git.repository import Repository

_DRIVER = b"lfs"
_LINE = re.compile(rb"^[^#\n]*\bfilter=lfs\b", re.MULTILINE)


def paths_of_lfs(repo: Repository) -> set[bytes]:
    """Returns the tracked files that are git-lfs's by the attributes of now."""
    return attributes.filtered(repo, (entry.path for entry in index.staged(repo)), _DRIVER)


def left_behind(
    repo: Repository, taken_over: Sequence[bytes], before: set[bytes]
) -> Iterator[str]:
    """Yields what the user should look at.

    Args:
        repo: the repository, set up.
        taken_over: files that were in git-lfs in clear and are encrypted now.
        before: what `paths_of_lfs` said before it was set up.
    """
    if taken_over:
        yield (
            f"{len(taken_over)} files were in git-lfs in clear: those objects stay on its"
            " server and in the history; see `git model audit`, and delete them there"
        )
    for entry in index.staged(repo):
        # A nested file outranks the top one; in this clone info/attributes outranks both.
        is_nested = entry.is_file and entry.path.endswith(b"/.gitattributes")
        if is_nested and _LINE.search(repo.git("cat-file", "blob", entry.oid)):
            yield (
                f"{shown(entry.path)} sends files to git-lfs, which outranks the top"
                " .gitattributes in clones without a key: take those lines out"
            )
    lost = before - attributes.filtered(repo, before, _DRIVER)
    lost -= attributes.protected(repo, before)
    if lost:
        # `!filter` takes the driver away from what is excluded, whoever set it.
        yield (
            f"{shown(min(lost))} and whatever else is excluded and was in git-lfs"
            f" ({len(lost)} files) will be plain blobs in Git: exclude less, or move them"
        )
