"""Seals the content behind a blob in clear: what stands for it in Git from then on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_model_security.clone.digests import PlaintextHash
from git_model_security.content.pipeline import cut, seal
from git_model_security.content.sealed import Sealed
from git_model_security.errors import GitError

if TYPE_CHECKING:
    from collections.abc import Callable

    from git_model_security.clone.clone import Clone
    from git_model_security.content.pipeline import Readable
    from git_model_security.storage.pointer import Pointer


def seal_content(
    clone: Clone,
    source: Readable,
    pointer: Pointer | None,
    place: Callable[[Sealed], str | None],
) -> str:
    """Encrypts content under the key of now; returns the oid of the blob that stands for it.

    Args:
        clone: the clone, which remembers the digests.
        source: the content.
        pointer: of git-lfs, where it named the content until now.
        place: puts the ciphertext into the repository, once it is proven and settled;
            returns the oid of the blob, where it gets to know it.

    Raises:
        GitError: the content is not what the pointer says, or there is no room.
    """
    key = clone.ring.current
    plaintext = PlaintextHash("sha256" if pointer is not None else clone.digest)
    with Sealed(clone, pointer.size if pointer is not None else None) as sealed:
        seal(key, cut(source), sealed, plaintext)
        oid = sealed.settle(plaintext.length)
        digests = plaintext.digests(key.id, sealed.sha256())
        if pointer is not None and digests.sha256 != bytes.fromhex(pointer.oid):
            raise GitError(
                f"the git-lfs object {pointer.oid[:12]} is damaged",
                hint="`git lfs fsck` finds what is; `git lfs fetch --all` brings it again",
            )
        placed = place(sealed)
        assert placed in {None, oid}
    clone.digests.put(oid, digests)
    return oid
