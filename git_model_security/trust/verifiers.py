"""Whose signatures a check accepts: the signers that were given, or those pinned."""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_model_security import logs
from git_model_security.errors import ConfigError, GitError, UsageError
from git_model_security.git.repository import Repository
from git_model_security.signing.methods import KINDS, option
from git_model_security.trust import anchors, pinned_trust

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from git_model_security.signing.methods import Kind, Verifier
    from git_model_security.signing.sources import Asked


def of(repo: Repository, asked: Asked) -> Sequence[Verifier]:
    """Returns the signers that were asked for, or else those that the clone has pinned.

    Raises:
        UsageError: what was given makes no signer.
        ConfigError: a file cannot be used, or lies in the tree that is judged by it; or
            nothing was given, and nobody is pinned.
    """
    given = explicit(asked)
    anchors.require_outside(repo, anchors.named(asked))
    return given_or_pinned(repo, given)


def given_or_pinned(repo: Repository | None, given: Sequence[Verifier]) -> Sequence[Verifier]:
    """Returns the signers that were given, or else those that a clone has pinned.

    Raises:
        ConfigError: there is none.
    """
    found = given or ([] if repo is None else pinned_trust.pinned(repo).verifiers())
    if not found:
        raise ConfigError(
            "this clone trusts no signer yet"
            if repo
            else "outside of a repository, and in one that came along, nobody is trusted",
            hint="say who must have signed, such as `key --public-key FILE`"
            + ("; `git model trust add` pins a signer" if repo else ""),
        )
    for one in found:
        logs.info("accepted as signer (%s): %s", one.identity.method, one.identity)
        for anchor in one.anchors if logs.is_on() else ():
            logs.info("trusted by its %s", anchor)
    return found


def of_directory(
    judged: Sequence[Path], asked: Asked
) -> tuple[Repository | None, Sequence[Verifier]]:
    """Returns who may have signed what lies in directories, and the repository around.

    A repository that came with what is judged has no say.

    Args:
        judged: the directories; what their links lead to is judged as well.
        asked: what the command line says.

    Raises:
        UsageError: what was given makes no signer.
        ConfigError: as `of`.
    """
    repo = _around(judged)
    given = explicit(asked)
    named = anchors.named(asked)
    for place in judged:
        anchors.require_not_below(place, named)
    anchors.require_no_file_of(judged[0], named)
    return repo, given_or_pinned(repo, given)


def of_file(file: Path, asked: Asked) -> Sequence[Verifier]:
    """Returns who may have signed one file.

    What lies beside it is not judged with it, so that a key may; in a repository, whoever
    can push brings both.

    Raises:
        UsageError: what was given makes no signer.
        ConfigError: as `of`.
    """
    given = explicit(asked)
    anchors.require_outside_around(file.parent, anchors.named(asked))
    return given_or_pinned(_around([file.parent]), given)


def _around(judged: Sequence[Path]) -> Repository | None:
    try:
        repo = Repository.discover()
    except GitError:
        return None
    place = repo.common_dir.resolve()
    return None if any(place.is_relative_to(one.resolve()) for one in judged) else repo


def explicit(asked: Asked) -> Sequence[Verifier]:
    """Returns the signers that a command line describes; empty where it names none.

    Raises:
        UsageError: what was given makes no signer.
        ConfigError: a file cannot be used.
    """
    method = asked.method or _meant(asked)
    if method is None:
        return []
    kind, given = KINDS[method], asked.given()
    foreign = [name for name in given if name not in _belonging(kind)]
    if foreign:
        raise UsageError(f"{option(foreign[0])} says nothing of the method {method}")
    if not given and method == asked.method:
        return []  # `verify key` of what is pinned
    missing = [option(name) for name in kind.needed if name not in given]
    if missing:
        hint = "--identity WHO: the refusal of a wrong one names the signer"
        raise UsageError(
            f"the method {method} needs {' and '.join(missing)} too",
            hint=hint if "--identity" in missing else None,
        )
    return kind.asked(asked)


def _meant(asked: Asked) -> str | None:
    given = set(asked.given())
    if not given:
        return None
    fitting = [kind for kind in KINDS.values() if given <= _belonging(kind)]
    # `--identity` alone fits two of them, and says too little for either.
    complete = [kind for kind in fitting if given >= kind.needed.keys()]
    if complete or fitting:
        return (complete or fitting)[0].name
    raise UsageError(
        f"{' and '.join(map(option, sorted(given)))} belong to different methods",
        hint=f"name one: {', '.join(KINDS)}",
    )


def _belonging(kind: Kind) -> frozenset[str]:
    return kind.options | kind.needed.keys()
