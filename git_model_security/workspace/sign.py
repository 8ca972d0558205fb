"""`git model sign`: signs what is staged, or HEAD once more; adopts what others made."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from git_model_security.errors import GitError
from git_model_security.git import index
from git_model_security.git.run import child_environment, run
from git_model_security.policy import gitmodel
from git_model_security.workspace import signatures, signers, signing_method, vouching

if TYPE_CHECKING:
    from collections.abc import Sequence

    from git_model_security.filter.clone import Clone
    from git_model_security.workspace.signatures import Signed
    from git_model_security.workspace.signers import Given


def sign(clone: Clone, given: Given | None = None, *, amend: bool = False) -> Signed:
    """Signs the index and stages the signatures; with `amend`, into HEAD itself.

    Args:
        clone: the clone.
        given: who signs; None is as configured.
        amend: put them into HEAD itself.

    Raises:
        KeyNotFoundError: the clone has no signing key.
        PolicyError: something staged is vouched for by nobody.
        GitError: there is no commit to amend.
    """
    clone.repo.top  # noqa: B018 - raises in a bare repository
    chosen = signers.signer(clone, given)
    if chosen is None:
        raise signing_method.unable(clone.repo, given.method if given else None)
    if amend and index.head_tree(clone.repo) is None:
        raise GitError("there is no commit to amend yet", hint="`git model sign`, then commit")
    done = signatures.sign_index(
        clone, chosen, vouching.sources(clone.repo, amend=amend), amend=amend
    )
    if amend and done.tree != index.head_tree(clone.repo):
        # --no-verify: our pre-commit would ask again what was just decided here. And what
        # HEAD is, empty or without a message, is not for us to refuse.
        clone.repo.git(
            *("commit", "--amend", "--no-edit", "--no-verify", "--quiet"),
            *("--allow-empty", "--allow-empty-message"),
            filters=True,
            show=True,
        )
    return done


def adopt(clone: Clone, pathspecs: Sequence[str]) -> list[bytes]:
    """Vouches for staged content, as a decision of a person; returns the paths.

    Files that came removed are adopted as such.

    Raises:
        GitError: a pathspec matches nothing.
    """
    staged = index.staged(clone.repo)
    policy = gitmodel.find(staged, clone.objects)
    left_out = policy.signature_paths() if policy else set()
    content = [entry for entry in staged if entry.path not in left_out]
    refused = vouching.unvouched(clone, content, vouching.sources(clone.repo, amend=True))
    pairs = {(entry.path, entry.oid) for entry in content} | set(refused)
    chosen: set[tuple[bytes, str]] = set()
    for pathspec in pathspecs:
        # In the directory where the user stands: what a pathspec is relative to.
        listed = run("ls-files", "-z", "--full-name", "--", pathspec, env=child_environment())
        paths = set(filter(None, listed.split(b"\0")))
        prefix = _from_top(clone, pathspec)
        found = {pair for pair in pairs if pair[0] in paths or _is_within(pair[0], prefix)}
        if not found:
            raise GitError(f"{pathspec}: nothing staged or removed matches it")
        chosen |= found
    clone.provenance.adopt(chosen)
    return sorted({path for path, _ in chosen & set(refused)})


def _from_top(clone: Clone, pathspec: str) -> bytes:
    return os.fsencode(os.path.relpath(Path(pathspec).absolute(), clone.repo.top))


def _is_within(path: bytes, prefix: bytes) -> bool:
    return prefix in {b".", path} or path.startswith(prefix + b"/")
