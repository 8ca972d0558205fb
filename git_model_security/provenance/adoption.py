"""What a person does about files that nobody vouches for; `sign` does it then.

What came in clear is encrypted first: adopted as it is, it would be signed, and stay
in clear. (`vouching` says which files these are.)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_model_security.content import blob
from git_model_security.git import history
from git_model_security.git.paths import shown
from git_model_security.provenance import ancestry

if TYPE_CHECKING:
    from collections.abc import Collection

    from git_model_security.clone.clone import Clone


def hint(clone: Clone, guarded: Collection[bytes], *, amend: bool) -> str:
    """Returns the commands that take such files over.

    Args:
        guarded: those of the files that are protected.
        amend: the signature is meant for HEAD.
    """
    clear = {
        path
        for commit in history.parents_to_be(clone.repo)
        for path, (_, oid) in ancestry.facts(clone, commit).items()
        if path in guarded and _is_clear(clone, oid)
    }
    adopt = "`git model sign --adopt PATH{}` (`.` for all)"
    trust = "; or trust whoever signed them: `git model trust add --public-key FILE`"
    if clear:
        return (
            f"{shown(min(clear))} came in clear: `git model repair` encrypts it in a commit of"
            f" its own; look at the files, then {adopt.format(' --amend')}"
        )
    if amend:
        return f"look at them, then {adopt.format(' --amend')}{trust}"
    return f"look at them, then {adopt.format('')} and commit{trust}"


def _is_clear(clone: Clone, oid: str) -> bool:
    with blob.open_blob(clone.objects.stream(oid), clone.lfs) as found:
        return found.kind.is_plain
