"""`git model trust`."""

from __future__ import annotations

from typing import Any

import click

from git_model_security import messages
from git_model_security.cli import methods, options, terminal
from git_model_security.clone.clone import Clone
from git_model_security.errors import PolicyError, UsageError
from git_model_security.git import config
from git_model_security.git.repository import Repository
from git_model_security.messages import legible
from git_model_security.provenance import review
from git_model_security.signatures import signers
from git_model_security.signing.methods import KEY, KINDS
from git_model_security.signing.sources import Asked
from git_model_security.trust import anchors, pinned_trust, verifiers


@click.group("trust", cls=options.Group)
def command() -> None:
    """Say whose signatures this clone believes.

    That is kept in this clone only: who can push does not decide who is trusted.
    """


@command.command("add", context_settings=methods.SPELLINGS)
@click.argument("method", required=False, type=click.Choice(tuple(KINDS)))
@methods.verifying
@options.yes
def add(method: str | None, yes: bool, **said: Any) -> None:
    """Trust a signer, after showing who it is.

    Compare the fingerprint with what the signer told you by another way than the
    repository. Without a terminal nobody can, and --yes says that somebody did.
    """
    repo = Repository.discover()
    asked = methods.take(Asked, method, said)
    found = verifiers.explicit(asked)
    anchors.require_outside(repo, anchors.named(asked))
    if not found:
        raise UsageError(
            "there is no signer to trust",
            hint="`git model trust add --public-key FILE`; see `git model trust add --help`",
        )
    trust = pinned_trust.pinned(repo)
    for verifier in found:
        messages.info(f"{verifier.identity.method} {verifier.identity.name}".rstrip())
        for line in verifier.anchors:
            messages.info(f"  {legible(line)}")
    whom = "this signer signs" if len(found) == 1 else "these signers sign"
    options.confirm(f"Trust all that {whom}?", yes=yes)
    with Clone(repo) as clone:
        doubted = {} if clone.is_deploy else review.list_doubted(clone)
    for verifier in found:
        terminal.result(f"Trusted: {trust.add(verifier)[:16]} {verifier.identity}")
    with Clone(repo) as clone:
        review.judge(clone, doubted)


@command.command("list")
@options.as_json
def show(as_json: bool) -> None:
    """List the signers that this clone trusts."""
    trust = pinned_trust.pinned(Repository.discover())
    found = [(one, trust.verifier(one)) for one in trust.pinned()]
    if as_json:
        signers = [
            {
                "fingerprint": one.fingerprint,
                "method": one.kind,
                "identity": str(verifier.identity),
                "anchors": list(verifier.anchors),
            }
            for one, verifier in found
        ]
        terminal.document({"version": 1, "signers": signers})
        return
    for one, verifier in found:
        terminal.result(f"{one.fingerprint[:16]}  {one.kind:<12}{verifier.identity}")
        for line in verifier.anchors if one.kind != KEY else ():
            terminal.result(f"  {line}")
    if not found:
        messages.info("this clone trusts no signer yet: `git model trust add` pins one")


@command.command("remove")
@click.argument("fingerprint")
def remove(fingerprint: str) -> None:
    """Trust a signer no more; FINGERPRINT is as `list` shows it."""
    repo = Repository.discover()
    own = config.last(config.read(repo), signers.SIGNING_KEY) or ""
    if own.startswith(fingerprint):
        raise PolicyError(
            f"this clone signs with the key {own[:16]}, and trusts what it signs",
            hint="`git model unlock --signing-key FILE` has it sign with another one first",
        )
    gone = pinned_trust.pinned(repo).remove(fingerprint)
    terminal.result(f"Not trusted any more: {gone[:16]}")
