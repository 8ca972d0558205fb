"""`git model verify` without Git: of a directory, or of a file, against the bundle of it."""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from git_model_security.cli.progress import Bar
from git_model_security.directories import model as models
from git_model_security.directories import verified
from git_model_security.errors import GitError
from git_model_security.git import index
from git_model_security.git.repository import Repository
from git_model_security.trust import verifiers
from git_model_security.verification import (
    bundle_place,
    directory_check,
    events,
    models_check,
    sealed_check,
)

if TYPE_CHECKING:
    from git_model_security.signing.sources import Asked
    from git_model_security.trust.verdict import Verdict
    from git_model_security.verification.scope import Scope


def is_file_alone(word: str) -> bool:
    """Tells whether a word names a file that Git does not have, and no revision."""
    if not Path(word).is_file():
        return False
    try:
        repo = Repository.discover()
    except GitError:
        return True
    if _is_revision(repo, word):
        return False
    place = Path(word).resolve()
    if repo.work_tree is None or not place.is_relative_to(repo.work_tree.resolve()):
        return True
    name = os.fsencode(place.relative_to(repo.work_tree.resolve()))
    return all(entry.path != name for entry in index.staged(repo))


def require_no_path(word: str) -> None:
    """Raises where a word names a file or directory, and no revision.

    Raises:
        GitError: it says in which words that is verified.
    """
    if not Path(word).exists():
        return
    quoted = shlex.quote(word)
    hints = [f"`git model verify --dir {quoted}` verifies a directory without Git"]
    try:
        if _is_revision(Repository.discover(), word):
            return
        hints.append(f"or `git model verify -- {quoted}` what this clone has of it")
    except GitError:
        pass
    kind = "a directory" if Path(word).is_dir() else "a file"
    del hints[: Path(word).is_file()]
    raise GitError(f"{word}: is {kind}, and no revision", hint="\n".join(hints))


def _is_revision(repo: Repository, word: str) -> bool:
    return index.resolve(repo, f"{word}^{{commit}}") is not None


def judge_file(file: Path, asked: Asked, signature: str | None) -> Verdict:
    """Verifies one file without Git, against the bundle that was named, or FILE.sig."""
    model = models.find(file, signature)
    accepted = verifiers.of_file(file, asked)
    with Bar("Hashing") as bar:
        return verified.check(model, accepted, bar)


def judge(directory: Path, asked: Asked, scope: Scope) -> Verdict:
    """Verifies a directory without Git."""
    judged = [directory, *filter(None, [scope.follow])]
    repo, accepted = verifiers.of_directory(judged, asked)
    with Bar("Hashing") as bar:
        if scope.encrypted:
            verdict = sealed_check.check(directory, accepted, scope, bar)
        elif scope.all_models or _lie_below(directory, scope):
            verdict = models_check.check(directory, accepted, scope, bar)
        else:
            root = next(iter(scope.roots), None)
            verdict = directory_check.check(directory, accepted, scope, root, bar)
    if repo is not None:
        events.record_verdict(repo, verdict)
    return verdict


def _lie_below(directory: Path, scope: Scope) -> bool:
    """Tells whether the model roots asked for lie below, as in a clone that was copied.

    One root alone may also be what the directory itself was deployed from. With files let
    pass that nobody signed it always is: else whoever moves the model down a level could
    put something else into its place.
    """
    if len(scope.roots) != 1:
        return bool(scope.roots)
    if bundle_place.is_path(scope.signature) or scope.ignore_unsigned_files:
        return False
    return not os.path.lexists(directory / scope.signature)
