"""`git model sign`: signs what is staged, or HEAD once more; adopts what others made."""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_model_security.errors import GitError, KeyNotFoundError
from git_model_security.git import history, index
from git_model_security.git.run import child_environment, run
from git_model_security.workspace import signatures

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
    commits = _behind_head(clone) if amend else history.parents_to_be(clone.repo)
    trees = [index.require(clone.repo, f"{commit}^{{tree}}") for commit in commits]
    done = signatures.sign_index(clone, chosen, trees)
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


def _behind_head(clone: Clone) -> list[str]:
    """Returns the commits whose content an amended HEAD may carry on.

    Its parents, HEAD itself, and after a rebase the tip that was rebased
    (`ORIG_HEAD`): what was signed there and what the new base holds make up all of
    it. An `ORIG_HEAD` that HEAD descends from is what a pull left behind, and
    vouches for nothing.
    """
    head = index.resolve(clone.repo, "HEAD^{commit}")
    if head is None:
        raise GitError("there is no commit to amend yet", hint="`git model sign`, then commit")
    parents = clone.repo.git("rev-parse", "HEAD^@").decode().split()
    before = index.resolve(clone.repo, "ORIG_HEAD^{commit}")
    if before is not None:
        base = clone.repo.git("merge-base", before, head, accept=(0, 1)).decode().strip()
        if base != before:
            parents.append(before)
    return list(dict.fromkeys([*parents, head]))
