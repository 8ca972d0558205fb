"""What a bundle over plaintext cannot say of the work tree, and HEAD can.

HEAD's listing is signed by its bundle over ciphertext: with it the modes, and what the
other bundle leaves out.
"""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

from git_model_security.errors import Reason
from git_model_security.git import config, index
from git_model_security.git.paths import shown
from git_model_security.signing.roles import is_ignored
from git_model_security.workspace.manifests import under
from git_model_security.workspace.verification.verdict import Finding

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator, Sequence

    from git_model_security.filter.clone import Clone
    from git_model_security.git.index import Entry
    from git_model_security.policy.gitmodel import Policy

_MODE = "`git diff` shows it; `chmod` brings it back, or commit it if it is your own change"


def left_out(
    clone: Clone, policy: Policy, roots: Sequence[str], committed: Sequence[Entry]
) -> Iterator[Finding]:
    """Yields what differs from HEAD and is in no bundle over plaintext.

    The bundles themselves: an older one, with the files that it signs, holds as well,
    and is not what HEAD is. And what bundles leave out, such as `.gitattributes`.
    """
    for root in roots:
        found = [
            entry
            for name, entry in under(root, committed)
            if is_ignored(name, policy.signature)
        ]
        own = [entry for entry in found if index.is_there(clone.repo, entry)]
        prefix = b"" if root == "." else root.encode() + b"/"
        changed = {
            *index.unlike(clone.repo, "HEAD", own),
            *(entry.path for entry in found if _is_disguised(clone, entry)),
        }
        names = tuple(shown(path.removeprefix(prefix)) for path in sorted(changed))
        if names:
            yield Finding(Reason.TAMPERED, root, "not what HEAD holds", names)


def _is_disguised(clone: Clone, entry: Entry) -> bool:
    """Tells whether something else, as a directory or link, stands in a file's place."""
    facts = index.stat(clone.repo, entry.path)
    return entry.is_file and facts is not None and not stat.S_ISREG(facts.st_mode)


def modes(clone: Clone, roots: Sequence[str], committed: Sequence[Entry]) -> Iterator[Finding]:
    """Yields what may be executed and was not signed so, or the other way round.

    Modes are in HEAD's listing, that its bundle over ciphertext signs. The files are
    asked, not the index, which may be made to say that they were looked at.
    """
    if config.get(clone.repo, "core.fileMode", kind="bool") == "false":
        return  # a file system without this bit
    for root in roots:
        found = tuple(
            name.decode("utf-8", "surrogateescape")
            for name, entry in under(root, committed)
            if entry.is_file and _has_other_mode(index.stat(clone.repo, entry.path), entry)
        )
        if found:
            detail = "executable, or not, unlike what was signed"
            yield Finding(Reason.TAMPERED, root, detail, found, hint=_MODE)


def _has_other_mode(facts: os.stat_result | None, entry: Entry) -> bool:
    # As git's ce_permissions: the owner's bit alone.
    if facts is None or not stat.S_ISREG(facts.st_mode):
        return False
    return bool(facts.st_mode & stat.S_IXUSR) != (entry.mode == index.EXECUTABLE)
