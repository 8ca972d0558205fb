"""`git model sign`: signs what is staged, or HEAD once more; adopts what others made."""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_model_security.errors import GitError, KeyNotFoundError
from git_model_security.git import index
from git_model_security.git.run import child_environment, run
from git_model_security.workspace import signatures, vouching

if TYPE_CHECKING:
    from collections.abc import Sequence

    from git_model_security.filter.clone import Clone
    from git_model_security.workspace.signatures import Signed


def sign(clone: Clone, *, amend: bool = False) -> Signed:
    """Signs the index and stages the signatures; with `amend`, into HEAD itself.

    Raises:
        KeyNotFoundError: the clone has no signing key.
        PolicyError: something staged is vouched for by nobody.
        GitError: there is no commit to amend.
    """
    chosen = signatures.signer(clone)
    if chosen is None:
        raise KeyNotFoundError(
            "this clone has no signing key",
            hint="`git model unlock --signing-key FILE` gives it one",
        )
    if amend and index.head_tree(clone.repo) is None:
        raise GitError("there is no commit to amend yet", hint="`git model sign`, then commit")
    done = signatures.sign_index(clone, chosen, vouching.sources(clone.repo, amend=amend))
    if amend:
        # --no-verify: our pre-commit would ask again what was just decided here.
        clone.repo.git(
            "commit", "--amend", "--no-edit", "--no-verify", "--quiet", filters=True, show=True
        )
    return done


def adopt(clone: Clone, pathspecs: Sequence[str]) -> list[bytes]:
    """Vouches for staged files, as a decision of a person; returns their paths.

    Raises:
        GitError: a pathspec matches nothing that is staged.
    """
    # In the directory where the user stands: that is what a pathspec is relative to.
    listed = run(
        *("ls-files", "-z", "--full-name", "--error-unmatch", "--", *pathspecs),
        env=child_environment(),
    )
    paths = set(filter(None, listed.split(b"\0")))
    chosen = [entry for entry in index.staged(clone.repo) if entry.path in paths]
    clone.provenance.adopt((entry.path, entry.oid) for entry in chosen)
    return sorted(paths)
