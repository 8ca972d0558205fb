"""`git model verify --dir`: what is asked of a directory without Git, and who may answer."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from git_model_security.cli.progress import Bar
from git_model_security.errors import GitError
from git_model_security.git.repository import Repository
from git_model_security.trust import anchors, verifiers
from git_model_security.verify import directory_check, events, models_check

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from git_model_security.signing.sources import Asked
    from git_model_security.trust.verdict import Verdict
    from git_model_security.verify.scope import Scope


def judge(directory: Path, asked: Asked, scope: Scope) -> Verdict:
    """Verifies a directory without Git."""
    # What links lead to is judged as well.
    judged = [directory, *filter(None, [scope.follow])]
    repo = _around(judged)
    given = verifiers.explicit(asked)
    for place in judged:
        anchors.require_not_below(place, anchors.named(asked))
    anchors.require_no_file_of(directory, anchors.named(asked))
    accepted = verifiers.given_or_pinned(repo, given)
    with Bar("Hashing") as bar:
        if scope.all_models or _lie_below(directory, scope):
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
    is_model = os.path.lexists(directory / scope.signature)
    return not (is_model or "/" in scope.signature or scope.ignore_unsigned_files)


def _around(judged: Iterable[Path]) -> Repository | None:
    """Returns the repository around, unless it came with what is judged: it has no say."""
    try:
        repo = Repository.discover()
    except GitError:
        return None
    place = repo.common_dir.resolve()
    return None if any(place.is_relative_to(one.resolve()) for one in judged) else repo
