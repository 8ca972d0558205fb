"""What is verified of a work tree, a commit or a directory, as the command line asks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from git_model_security.signing.roles import STOCK_SIGNATURE
from git_model_security.verification.model_roots import is_in

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from git_model_security.policy.gitmodel import Policy


@dataclass(frozen=True)
class Scope:
    """What is verified.

    Attributes:
        roots: the model roots to look at, and nothing beside them; empty for all of it.
        all_models: look also at models that have a bundle and are no model root.
        ignore_unsigned_files: let files pass that are not signed (model_signing's option
            of that name).
        strict: what no signature covers is a finding.
        committed_only: HEAD is what has to be in a work tree, whatever is staged and signed.
        encrypted: look at ciphertext alone.
        signature: the bundle of a directory: a name in it, or with a `/` any path.
        follow: links of a directory are followed that stay below it; None for none.
        pathspecs: the files to look at; empty for all.
        ignored: paths of a directory that need not be signed, with what lies below them.
        has_git_paths: what is Git's in a directory has to be signed, unless its bundle itself
            leaves it out.
    """

    roots: Sequence[str] = ()
    all_models: bool = False
    ignore_unsigned_files: bool = False
    strict: bool = False
    committed_only: bool = False
    encrypted: bool = False
    signature: str = STOCK_SIGNATURE
    follow: Path | None = None
    pathspecs: tuple[str, ...] = ()
    ignored: frozenset[bytes] = frozenset()
    has_git_paths: bool = False

    @property
    def is_of_head(self) -> bool:
        """Whether a work tree has to be as HEAD is, and not as an index that is signed."""
        return self.committed_only or self.strict

    def is_below_roots(self, path: bytes) -> bool:
        """Tells whether a path lies in a model root that is asked for, or all are."""
        return not self.roots or any(is_in(path, root) for root in self.roots)

    def holds(self, policy: Policy, path: bytes) -> bool:
        """Tells whether a path of a work tree is looked at."""
        chosen = set(self.roots).intersection(policy.roots)
        return not self.roots or any(is_in(path, root) for root in chosen)
