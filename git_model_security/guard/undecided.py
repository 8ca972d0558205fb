"""Large binary files in clear, of which nobody decided that they may be.

No list of names or formats knows every model. So whoever makes such a file says once what
it is: `git model track` encrypts it, `git model untrack` puts on record that it is clear.
Asked is who makes it, never who only has it: what a branch has is out already, or was made
before anybody asked.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from git_model_security.content.blob import Kind
from git_model_security.git import history
from git_model_security.git.objects import CHUNK_BYTES
from git_model_security.guard.finding import UNDECIDED, Finding
from git_model_security.policy.content import is_text

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from git_model_security.content.blob import Blob
    from git_model_security.git.repository import Repository

LIMIT_BYTES: Final = 256 * 1024
"""No longer are most pictures in documents, and no model that is worth anything."""

_REFS: Final = ("--branches", "--tags", "--remotes")
"""Not a stash, which nobody publishes, nor a HEAD in the middle of a rebase."""


def findings(
    oid: str, blob: Blob, paths: Sequence[bytes], again: Callable[[], Blob]
) -> list[Finding]:
    """Returns the question about content that is long and binary, for each path in clear.

    Args:
        oid: the blob.
        blob: its content, whose file may stand anywhere.
        paths: where it is clear.
        again: opens it anew; asked only where the beginning is text.
    """
    if not paths or not _is_binary(blob, again):
        return []
    size = f"{blob.size >> 10} KiB"
    detail = f"binary, {size}, and nobody decided that it may be clear{blob.place}"
    return [Finding(UNDECIDED, path, oid, blob.blob_size, detail) for path in paths]


def _is_binary(blob: Blob, again: Callable[[], Blob]) -> bool:
    if blob.kind is Kind.ABSENT or blob.size <= LIMIT_BYTES:
        return False
    if not is_text([blob.head], is_cut=True):
        return True
    with again() as whole:
        return not is_text(iter(partial(whole.file.read, CHUNK_BYTES), b""))


def new(repo: Repository, found: list[Finding]) -> list[Finding]:
    """Returns findings without the questions about what a commit of a branch brought in."""
    from git_model_security.git import changes  # rarely is there anything to look for

    asked = {one.oid for one in found if one.rule == UNDECIDED}
    if not asked:
        return found
    # The newest first: mostly it was moved, or comes from another branch.
    commits = history.commits(repo, _REFS)[::-1]
    for change in changes.changes(repo, commits, {}):
        asked.discard(change.entry.oid)
        if not asked:
            break
    return [one for one in found if one.rule != UNDECIDED or one.oid in asked]
