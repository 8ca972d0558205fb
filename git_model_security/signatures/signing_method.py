"""How a clone is meant to sign, and which settings it still lacks for that.

A clone's own settings come first. What `.gitmodel` names is advice for whoever has none:
it tells which settings to ask for, and never what they are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from git_model_security.clone.clone import Clone
from git_model_security.errors import KeyNotFoundError
from git_model_security.git import config, index
from git_model_security.policy import gitmodel
from git_model_security.signatures import signers
from git_model_security.signing import methods
from git_model_security.signing.identity import KEY

if TYPE_CHECKING:
    from git_model_security.git.repository import Repository


class Lack(NamedTuple):
    """Why a clone cannot sign.

    Attributes:
        what: it has this, or rather has not, as it follows "this clone has".
        remedy: the commands that give it to the clone.
    """

    what: str
    remedy: str


def of(repo: Repository) -> str:
    """Returns the method that a clone signs by, or would if it had what that needs.

    Raises:
        UsageError: it is none of model_signing's.
        PolicyError: `.gitmodel` cannot be used.
    """
    settings = config.read(repo)
    own = config.last(settings, signers.METHOD)
    if own is not None:
        return methods.canonical(own)
    if signers.SIGNING_KEY in settings:
        return KEY
    clone = Clone(repo)
    with clone.objects:
        policy = gitmodel.find(index.staged(repo), clone.objects)
    return KEY if policy is None else policy.method


def lack(repo: Repository, method: str | None = None) -> Lack | None:
    """Returns what a clone lacks to sign; None where that is nothing.

    Args:
        repo: the clone.
        method: to sign by; None is as it is meant to.

    Raises:
        Error: see `of`.
    """
    settings = config.read(repo)
    chosen = methods.canonical(method) if method else of(repo)
    record = methods.METHODS[chosen]
    needed = [
        command
        for name, command in record.settings.items()
        if f"git-model.{name}" not in settings
    ]
    if method is None and chosen != KEY and signers.METHOD not in settings:
        needed.insert(0, f"config signingMethod {chosen}")
    if not needed:
        return None
    return Lack(record.lacking, ", then ".join(f"`git model {one}`" for one in needed))


def unable(repo: Repository, method: str | None = None) -> KeyNotFoundError:
    """Returns the error that says what a clone lacks to sign; see `lack`."""
    found = lack(repo, method) or Lack("nothing to sign with", "`git model doctor`")
    return KeyNotFoundError(f"this clone has {found.what}", hint=found.remedy)
