"""`git model sign`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from git_model_security import messages
from git_model_security.checkout import raw_entries
from git_model_security.cli import directory_options, methods, terminal
from git_model_security.cli.progress import Bar
from git_model_security.clone import missing_policy
from git_model_security.clone.clone import Clone
from git_model_security.directories import signing
from git_model_security.git.paths import shown
from git_model_security.hooks import index_guard
from git_model_security.signatures import sign, signers
from git_model_security.signatures.signers import Given
from git_model_security.signing.methods import METHODS

if TYPE_CHECKING:
    from git_model_security.signatures.signatures import Signed


@click.command("sign", context_settings=methods.SPELLINGS)
@click.argument("words", nargs=-1, metavar="[METHOD [PATH]]")
@click.option("--amend", is_flag=True, help="Put the signature into HEAD.")
@click.option(
    "--adopt", multiple=True, metavar="PATH...", help="Vouch for what others made or removed."
)
@directory_options.signature
@directory_options.ignoring
@directory_options.progress
@methods.signing
def command(words: tuple[str, ...], amend: bool, adopt: tuple[str, ...], **said: Any) -> None:
    """Sign what is staged; `git commit` does it by itself.

    Content that came from a commit without a trusted signature is never signed
    unless you vouch for it with --adopt; where your last commit was left unsigned
    because of that, its signature goes into it. The method is as configured, unless you
    name one: sigstore, key, certificate, pkcs11-key or pkcs11-certificate. With METHOD and
    PATH a directory or a file is signed as it lies there, without Git.
    """
    method, paths = _parse(words)
    if method and len(paths) == 1 and not (adopt or amend):
        _sign_outside(method, Path(paths[0]), said)
        return
    if paths and not adopt:
        raise click.UsageError(f"{paths[0]} is no signing method, and paths go with --adopt")
    if said["signature"] or said["ignored"] or not said["ignore_git_paths"]:
        raise click.UsageError(
            "--signature, --ignore-paths and --no-ignore-git-paths go with METHOD and PATH"
        )
    adopt += paths
    given = methods.take(Given, method, said)
    clone = Clone()
    missing_policy.require_ours(clone.repo)
    with clone.objects:
        if raw := raw_entries.put_back(clone):
            messages.info(raw_entries.describe(raw))
        index_guard.require_sealed(clone)
        place = sign.Place(is_head=amend)
        if adopt and not amend:
            place = sign.choose_place(clone)
        if adopt:
            adopted = sign.adopt(clone, adopt)
            for path in adopted.paths:
                messages.info(f"adopted {shown(path)}")
            for path in adopted.unstaged:
                messages.warn(f"{shown(path)} has changes that are not staged: not adopted")
        done = sign.sign(clone, given, amend=place.is_head)
    _tell(done, is_head=place.is_head, amend=amend)
    if place.reason:
        messages.info(f"HEAD stays as it is, without a signature of yours: {place.reason}")


def _tell(done: Signed, *, is_head: bool, amend: bool) -> None:
    if not done.renewed:
        terminal.result("Signed already: the signatures are for just this content")
    elif is_head:
        if done.taken:
            terminal.files("Taken into HEAD as well, since it was staged", done.taken)
        terminal.result("Signed HEAD anew" + ": the signatures went into it" * (not amend))
    else:
        terminal.result("Signed; the signatures are staged, `git commit` commits them")


def _sign_outside(method: str, path: Path, said: dict[str, Any]) -> None:
    """Signs a directory or a file without Git."""
    signer = signers.outside(methods.take(Given, method, said))
    model = directory_options.model(path, said)
    with Bar("Signing") as bar:
        progress = bar if said["use_progress_bar"] else None
        directory_options.tell_signed(signing.sign(model, signer, progress=progress))


def _parse(words: tuple[str, ...]) -> tuple[str | None, tuple[str, ...]]:
    """Returns the method, where the first word is one, and what else is said."""
    name = words[0].replace("_", "-") if words else ""
    return (name, words[1:]) if name in METHODS else (None, words)
