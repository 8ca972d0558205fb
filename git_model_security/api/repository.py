"""A clone, for programs: what it is, whether it is as signed, and what its history holds."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Unpack

from git_model_security.api import options
from git_model_security.api.models import require_good
from git_model_security.clone.clone import Clone
from git_model_security.git import index
from git_model_security.git import repository as git_repository
from git_model_security.guard import audit
from git_model_security.guard.knowledge import Remembered
from git_model_security.status import state
from git_model_security.trust import verifiers
from git_model_security.verification import tree_check, worktree_check
from git_model_security.verification.scope import Scope

if TYPE_CHECKING:
    from _typeshed import StrPath

    from git_model_security.api.options import VerifierOptions
    from git_model_security.guard.report import Report
    from git_model_security.status.state import State
    from git_model_security.trust.verdict import Verdict


class Repository:
    """A git-model repository in a directory, or above it.

        Repository("granite").verify("HEAD")

    Raises:
        GitError: there is none.
    """

    def __init__(self, path: StrPath = ".") -> None:
        self._repo = git_repository.Repository.discover(Path(path), local=False)

    def status(self) -> State:
        """Returns what is encrypted and what is signed, file by file.

        Raises:
            GitError: there is no work tree.
        """
        clone = self._clone()
        with clone.objects:
            return state.of(clone)

    def verify(
        self,
        revision: str | None = None,
        *,
        encrypted: bool = False,
        **signer: Unpack[VerifierOptions],
    ) -> Verdict:
        """Verifies the work tree, or a commit.

        Args:
            revision: the commit; None is the work tree, each file of which is hashed.
            encrypted: ciphertext alone, which needs no AES key: of HEAD, unless a revision
                is named.
            signer: see `VerifierOptions`; those that the clone trusts, unless said.

        Raises:
            VerificationError: it does not hold; its `reason` says in which way.
            GitError: there is no such commit.
        """
        clone = self._clone()
        with clone.objects:
            accepted = options.accepted("verify", signer, partial(verifiers.of, clone.repo))
            if revision is None and not encrypted:
                return require_good(worktree_check.check(clone, accepted, Scope()))
            commit = index.unambiguous(clone.repo, revision or "HEAD")
            found = tree_check.check(clone, commit, accepted, sealed_only=encrypted)
            found.subject = f"{revision or 'HEAD'} ({commit[:12]})"
            return require_good(found)

    def audit(self, *revisions: str) -> Report:
        """Returns the plaintext and the models in clear that a history holds.

        Args:
            revisions: which history; all refs, unless said.

        Raises:
            GitError: a revision is none, or an object is missing.
        """
        clone = self._clone()
        keys = clone.ring.keys
        with clone.objects:
            return audit.audit(
                clone.repo,
                list(revisions) or ["--all"],
                keys=keys,
                known=clone.knows,
                remembered=Remembered(clone.repo, clone.memory, keys),
            )

    def _clone(self) -> Clone:
        """Returns the clone as it is now."""
        return Clone(git_repository.Repository.discover(self._top, local=False))

    @property
    def _top(self) -> Path:
        return self._repo.work_tree or Path(os.fspath(self._repo.git_dir))
