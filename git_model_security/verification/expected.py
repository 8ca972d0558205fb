"""Which commit a person expects: `--expect COMMIT` and `--at-least REV`.

A signature says who signed a tree, not that it is the one of today: somebody may have
brought back an older one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from git_model_security.errors import GitError, Reason, UsageError
from git_model_security.git import history, index
from git_model_security.git.objects import is_oid
from git_model_security.policy import gitmodel, identity
from git_model_security.trust.verdict import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from git_model_security.git.repository import Repository

_LEAST_DIGITS = 7
_HEXADECIMAL = frozenset("0123456789abcdef")
_WHOLE = (
    "all of it, as `git rev-parse REV` shows it to whom you trust: of a short id somebody can"
    " make another one"
)
_HINT = "an older commit, or another: find out who moved the branch"


@dataclass(frozen=True)
class Expected:
    """What a commit has to be.

    Attributes:
        commit: its oid, in full or its first digits; empty for any.
        at_least: a revision that it is or follows; empty for none.

    Raises:
        UsageError: `commit` is no oid: names say what the host likes.
    """

    commit: str = ""
    at_least: str = ""

    def __post_init__(self) -> None:
        """Checks what a person wrote."""
        said = self.commit
        if said and (len(said) < _LEAST_DIGITS or set(said.lower()) - _HEXADECIMAL):
            raise UsageError(
                f"--expect: {said!r} is no commit id",
                hint=f"a branch or HEAD is wherever the host moved it; give the id, {_WHOLE}",
            )

    def require_full(self) -> None:
        """Refuses the beginning of an oid: somebody can make another commit of it.

        In a clone that was just fetched there is no other commit to tell it from.

        Raises:
            UsageError: one that was given is not whole.
        """
        short = _HEXADECIMAL.issuperset(self.at_least.lower()) and self.at_least
        for option, said in (("--expect", self.commit), ("--at-least", short)):
            if said and not is_oid(said.lower()):
                raise UsageError(
                    f"{option}: {said!r} is not all of a commit id",
                    hint=f"give {_WHOLE}",
                )

    def differences(self, repo: Repository, commit: str) -> Iterator[Finding]:
        """Yields why a commit is not the one that is expected.

        Raises:
            GitError: `at_least` names nothing, or more than one commit.
        """
        if self.commit and not commit.startswith(self.commit.lower()):
            said = f"{commit} is not the commit {self.commit}"
            yield Finding(Reason.UNEXPECTED, ".", said, hint=_HINT)
        elif self.commit and _is_ambiguous(repo, self.commit):
            said = f"{self.commit} is the beginning of several commits"
            yield Finding(Reason.UNEXPECTED, ".", said, hint="give all of the commit id")
        if self.at_least:
            try:
                least = index.unambiguous(repo, self.at_least)
            except GitError as error:
                raise GitError(f"--at-least: {error}", hint=error.hint) from error
            if not history.descends(repo, commit, least):
                said = f"{commit[:12]} does not follow {self.at_least} ({least[:12]})"
                yield Finding(Reason.OLDER, ".", said, hint=_HINT)
            elif not _is_of_same(repo, commit, least):
                said = f"its .gitmodel is not of the repository of {self.at_least}"
                yield Finding(Reason.ELSEWHERE, ".", said, hint=_HINT)


def _is_of_same(repo: Repository, commit: str, least: str) -> bool:
    """Tells whether two commits are of one repository, where both say of which they are.

    A job has nothing pinned that would tell.
    """
    held = (index.resolve(repo, f"{one}:{gitmodel.NAME.decode()}") for one in (commit, least))
    now, then = (gitmodel.readable(repo.objects, oid) if oid else None for oid in held)
    return now is None or then is None or identity.is_of(now, identity.names(then))


def _is_ambiguous(repo: Repository, digits: str) -> bool:
    """Tells whether the oids of several commits begin so."""
    named = repo.git("rev-parse", f"--disambiguate={digits.lower()}").decode().split()
    kinds = history.peel(repo, named)
    return sum(kinds[oid] == ("commit", oid) for oid in named) > 1
