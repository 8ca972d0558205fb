"""What `git model verify` looks at, by its options: files, a commit, a range, a directory."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from git_model_security.cli.progress import Bar
from git_model_security.errors import ConfigError, GitError, Reason
from git_model_security.git import config, index
from git_model_security.git.repository import Repository
from git_model_security.signing.roles import STOCK_SIGNATURE
from git_model_security.trust import anchors, pinned_trust, verifiers
from git_model_security.verify import (
    directory_check,
    events,
    models_check,
    range_check,
    tree_check,
    worktree_check,
)
from git_model_security.verify.worktree_check import Scope

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from git_model_security.clone.clone import Clone
    from git_model_security.signing.methods import Verifier
    from git_model_security.signing.sources import Asked
    from git_model_security.trust.verdict import Verdict
    from git_model_security.verify.range_check import RangeVerdict

_PAST = {
    Reason.UNSIGNED: "a commit stays as it was made: `git log -- .model-encrypted.sig` lists"
    " those that were signed",
    Reason.STALE: "a commit stays as it was made: find out who changed what was signed",
}
"""Hints for commits that are not HEAD."""


@dataclass(frozen=True)
class Forms(Scope):
    """What the options ask for: a scope, of a work tree or another form.

    Attributes:
        encrypted: look at ciphertext alone.
        signature: the bundle of a directory.
        follow: in a directory, links are followed that stay below it.
    """

    encrypted: bool = False
    signature: str | None = None
    follow: Path | None = None

    def scope(self, clone: Clone) -> Scope:
        """Returns what of a work tree they ask for; a deploy clone is always strict."""
        is_deploy = config.is_deploy(config.read(clone.repo))
        return replace(self, strict=self.strict or is_deploy)


def of_work_tree(clone: Clone, accepted: Sequence[Verifier], forms: Forms) -> Verdict:
    """Verifies the files of the work tree."""
    with Bar("Hashing") as bar:
        return worktree_check.check(clone, accepted, forms.scope(clone), progress=bar)


def of_commit(
    clone: Clone, revision: str | None, accepted: Sequence[Verifier], forms: Forms
) -> Verdict:
    """Verifies what a commit holds; without one HEAD, and the files of a locked clone."""
    name = revision or "HEAD"
    commit = index.unambiguous(clone.repo, name)
    verdict = tree_check.check(
        clone, commit, accepted, sealed_only=forms.encrypted, roots=forms.roots
    )
    verdict.subject = f"{name} ({commit[:12]})"
    verdict.commit = commit
    if forms.all_models and not forms.encrypted:
        models_check.add_beside_roots_of(clone, commit, verdict, accepted)
    if revision is None:
        worktree_check.add_locked_files(clone, verdict, accepted, forms.scope(clone))
    if commit != index.resolve(clone.repo, "HEAD^{commit}"):
        verdict.findings = [
            replace(one, hint=one.hint or _PAST.get(one.reason)) for one in verdict.findings
        ]
    return verdict


def of_range(
    clone: Clone,
    words: Sequence[str],
    accepted: Sequence[Verifier],
    forms: Forms,
) -> RangeVerdict:
    """Verifies every commit of a range."""
    with Bar("Verifying", is_bytes=False) as bar:
        return range_check.check(
            clone,
            words,
            accepted,
            sealed_only=forms.encrypted,
            roots=forms.roots,
            remembers=not any(verifier.explicit for verifier in accepted),
            progress=bar,
        )


def of_directory(directory: Path, asked: Asked, forms: Forms) -> Verdict:
    """Verifies a directory without Git.

    Raises:
        ConfigError: no signer was described, and the repository around trusts nobody; or
            what describes one lies in the directory, or below the root of its links.
    """
    # What links lead to is judged as well.
    judged = [directory, *filter(None, [forms.follow])]
    repo = _around(judged)
    given = verifiers.explicit(asked)
    for place in judged:
        anchors.require_not_below(place, anchors.named(asked))
    anchors.require_no_file_of(directory, anchors.named(asked))
    accepted = given or _pinned(repo)
    signature = forms.signature or STOCK_SIGNATURE
    with Bar("Hashing") as bar:
        if forms.all_models or _lie_below(directory, signature, forms):
            verdict = models_check.of_directory(
                directory,
                accepted,
                signature=signature,
                roots=forms.roots,
                ignore_unsigned_files=forms.ignore_unsigned_files,
                strict=forms.strict,
                follow=forms.follow,
                progress=bar,
            )
        else:
            verdict = directory_check.check(
                directory,
                accepted,
                signature=signature,
                root=forms.roots[0] if forms.roots else None,
                ignore_unsigned_files=forms.ignore_unsigned_files,
                strict=forms.strict,
                follow=forms.follow,
                progress=bar,
            )
    if repo is not None:
        events.verified(repo, verdict)
    return verdict


def _lie_below(directory: Path, signature: str, forms: Forms) -> bool:
    """Tells whether the model roots asked for lie below, as in a clone that was copied.

    One root alone may also be what the directory itself was deployed from. With files let
    pass that nobody signed it always is: else whoever moves the model down a level could
    put something else into its place.
    """
    if len(forms.roots) != 1:
        return bool(forms.roots)
    is_model = os.path.lexists(directory / signature)
    return not (is_model or "/" in signature or forms.ignore_unsigned_files)


def _around(judged: Iterable[Path]) -> Repository | None:
    """Returns the repository in which the command runs.

    None also for one that came with a directory that is judged: it has no say.
    """
    try:
        repo = Repository.discover()
    except GitError:
        return None
    place = repo.common_dir.resolve()
    return None if any(place.is_relative_to(one.resolve()) for one in judged) else repo


def _pinned(repo: Repository | None) -> Sequence[Verifier]:
    found = [] if repo is None else pinned_trust.pinned(repo).verifiers()
    if not found:
        raise ConfigError(
            "this clone trusts no signer yet"
            if repo
            else "outside of a repository, and in one that came along, nobody is trusted",
            hint="say who must have signed, such as `key --public-key FILE`",
        )
    return found
