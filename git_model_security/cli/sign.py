"""`git model sign`."""

from __future__ import annotations

from typing import Any

import click

from git_model_security import messages
from git_model_security.checkout import raw_entries
from git_model_security.cli import methods, terminal
from git_model_security.clone import missing_policy
from git_model_security.clone.clone import Clone
from git_model_security.git.paths import shown
from git_model_security.hooks import index_guard
from git_model_security.signatures import sign
from git_model_security.signatures.signers import Given


@click.command("sign", context_settings=methods.SPELLINGS)
@click.argument("method", required=False, type=methods.METHOD)
@click.option("--amend", is_flag=True, help="Put the signature into HEAD.")
@click.option("--adopt", multiple=True, metavar="PATH", help="Vouch for what others made.")
@methods.signing
def command(method: str | None, amend: bool, adopt: tuple[str, ...], **said: Any) -> None:
    """Sign what is staged; `git commit` does it by itself.

    Content that came from a commit without a trusted signature is never signed
    unless you vouch for it with --adopt; where your last commit was left unsigned
    because of that, its signature goes into it. The method is as configured, unless you
    name one: sigstore, key, certificate, pkcs11-key or pkcs11-certificate.
    """
    given = methods.take(Given, method, said)
    clone = Clone()
    missing_policy.require_ours(clone.repo)
    with clone.objects:
        if raw := raw_entries.put_back(clone):
            messages.info(raw_entries.describe(raw))
        index_guard.require_sealed(clone)
        amend = amend or (bool(adopt) and sign.is_for_head(clone))
        if adopt:
            adopted = sign.adopt(clone, adopt)
            for path in adopted.paths:
                messages.info(f"adopted {shown(path)}")
            for path in adopted.unstaged:
                messages.warn(f"{shown(path)} has changes that are not staged: not adopted")
        done = sign.sign(clone, given, amend=amend)
    if not done.renewed:
        terminal.result("Signed already: the signatures are for just this content")
    elif amend:
        if done.taken:
            terminal.files("Taken into HEAD as well, since it was staged", done.taken)
        terminal.result("Signed HEAD anew")
    else:
        terminal.result("Signed; the signatures are staged, `git commit` commits them")
