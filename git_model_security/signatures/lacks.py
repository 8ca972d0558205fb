"""What a clone lacks to sign, and the commands that give it to the clone."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from git_model_security.clone.clone import Clone
from git_model_security.errors import KeyNotFoundError
from git_model_security.git import config, index
from git_model_security.policy import gitmodel
from git_model_security.signatures.signers import METHOD, SIGNING_KEY
from git_model_security.signing import methods
from git_model_security.signing.methods import KEY

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


def method_of(repo: Repository) -> str:
    """Returns the method that a clone signs by, or would if it had what that needs.

    Raises:
        UsageError: it is none of model_signing's.
        PolicyError: `.gitmodel` cannot be used.
    """
    settings = config.read(repo)
    own = config.last(settings, METHOD)
    if own is not None:
        return methods.canonical(own)
    if SIGNING_KEY in settings:
        return KEY
    clone = Clone(repo)
    with clone.objects:
        policy = gitmodel.find(index.staged(repo), clone.objects)
    return KEY if policy is None else policy.method


def find(repo: Repository, method: str | None = None) -> Lack | None:
    """Returns what a clone lacks to sign, as it is meant to or by a method; None for nothing.

    Raises:
        Error: see `method_of`.
    """
    settings = config.read(repo)
    chosen = methods.canonical(method) if method else method_of(repo)
    record = methods.METHODS[chosen]
    needed = [
        command
        for name, command in record.settings.items()
        if f"git-model.{name}" not in settings
    ]
    if method is None and chosen != KEY and METHOD not in settings:
        needed.insert(0, f"config signingMethod {chosen}")
    if not needed:
        return None
    return Lack(record.lacking, ", then ".join(f"`git model {one}`" for one in needed))


def unable(repo: Repository, method: str | None = None) -> KeyNotFoundError:
    """Returns the error that says what a clone lacks to sign; see `find`."""
    found = find(repo, method) or Lack("nothing to sign with", "`git model doctor`")
    return KeyNotFoundError(f"this clone has {found.what}", hint=found.remedy)
