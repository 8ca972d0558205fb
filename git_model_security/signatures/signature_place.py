"""Where signatures go, and whose file stands there already.

A downloaded model often brings the `model.sig` of who published it. Ours never takes
its place, tracked or not: it is made under another name.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from git_model_security.content import reader
from git_model_security.errors import Error, PolicyError, VerificationError
from git_model_security.git import history, index, worktree
from git_model_security.git.paths import shown
from git_model_security.policy.gitmodel import CIPHERTEXT_SIGNATURE
from git_model_security.signing import dsse, statement
from git_model_security.signing.methods import KEY
from git_model_security.trust import pinned_trust

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

    from git_model_security.clone.clone import Clone
    from git_model_security.policy.gitmodel import Policy
    from git_model_security.signing.dsse import Bundle
    from git_model_security.signing.methods import Verifier

SETTING = "git model config signing.signature NAME"
"""The command that gives the signatures of a repository another name."""


def require_free(
    clone: Clone,
    paths: Iterable[bytes],
    staged: Mapping[bytes, str],
    how: str,
    own: Callable[[], Verifier | None] | None = None,
) -> None:
    """Raises where a file stands, in the index or the work tree, that would be overwritten.

    A signature that names who signs here (`own`, asked where one stands) is no other's,
    whether it holds or not, and is made anew. `how` gives signatures another name, with
    `NAME` for it.

    Raises:
        PolicyError: it says whose the first of them is.
    """
    for path in sorted(paths):
        content = _standing(clone, path, staged.get(path))
        if content is not None and not (own is not None and is_by(own(), content)):
            raise PolicyError(
                f"{shown(path)}: {describe(content)} stands there already, and a signature"
                " of this repository would overwrite it",
                hint=_way_out(path, how),
            )


def is_own(clone: Clone, path: bytes, commits: Iterable[str]) -> bool:
    """Tells whether commits have a signature of git-model's at a path, made by anybody."""
    for oid in history.blobs_at(clone.repo, commits, os.fsdecode(path)):
        if pinned_trust.maker_of(clone, oid) is not None:
            return True
        try:
            if _bundle(reader.plaintext(clone, oid, dsse.MAX_BYTES)) is not None:
                return True
        except Error:  # it does not open, or is not here
            continue
    return False


def is_by(own: Verifier | None, content: bytes) -> bool:
    """Tells whether content is a signature by a signer, as it says itself.

    One that names no key, as other software made them once, is verified.
    """
    try:
        found = dsse.parse(content)
    except VerificationError:
        return False
    if own is None or not own.accepts(found):
        return False
    return found.kind != KEY or found.hint is not None or own.verify(found) is not None


def _bundle(content: bytes) -> Bundle | None:
    """Returns the bundle in a file; None where there is none, or one of other software."""
    try:
        bundle = dsse.parse(content)
        is_ours = statement.parse(bundle.payload).subject is not None
    except VerificationError:
        return None
    return bundle if is_ours else None


def take_away(clone: Clone, old: Policy, new: Policy, *, dry_run: bool = False) -> None:
    """Takes the signatures out of the index and the work tree that get another name.

    With `dry_run` it only looks whether that can be done.

    Raises:
        GitError: one was changed here, or cannot be removed; then none is.
    """
    gone = old.signature_paths() - new.signature_paths()
    head = ("HEAD",) if index.head_tree(clone.repo) else ()
    own = {path for path in gone if is_own(clone, path, head)}
    _remove(clone, own, *(["--dry-run"] if dry_run else []))
    if not dry_run:
        discard(clone, gone)


def discard(clone: Clone, paths: Iterable[bytes]) -> None:
    """Takes the signatures that were made here out of the index and the work tree."""
    oids = {entry.path: entry.oid for entry in index.staged(clone.repo)}
    _remove(
        clone,
        {one for one in oids.keys() & set(paths) if pinned_trust.maker_of(clone, oids[one])},
        "--force",
    )


def _remove(clone: Clone, paths: Collection[bytes], *options: str) -> None:
    if paths:
        names = (f":(top,literal){os.fsdecode(path)}" for path in sorted(paths))
        clone.repo.git("rm", "--quiet", *options, "--", *names, filters=True)


def _standing(clone: Clone, path: bytes, oid: str | None) -> bytes | None:
    """Returns what stands at a path, None where nothing does; as much as a bundle may have."""
    try:
        found = worktree.head(clone.repo.top, path, dsse.MAX_BYTES)
        return b"" if found is None else found[1]
    except FileNotFoundError:
        pass
    except OSError:  # a directory, or a file that cannot be read: not ours to replace
        return b""
    if oid is None:
        return None
    try:
        return reader.plaintext(clone, oid, dsse.MAX_BYTES)
    except Error:
        return b""


def describe(content: bytes) -> str:
    """Says of content that stands in the place of a signature what it is."""
    try:
        return f"a signature by {dsse.signer(dsse.parse(content))} (as it says itself)"
    except VerificationError:
        return "a file that is no signature of this repository"


def _way_out(path: bytes, how: str) -> str:
    if path.endswith(CIPHERTEXT_SIGNATURE.encode()):
        return "move it away: this name is taken by git-model"
    return f"`{how}` leaves it and names ours otherwise; or move it away"
