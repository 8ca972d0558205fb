"""`git model verify`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import click

from git_model_security.cli import methods, options, terminal
from git_model_security.errors import FAILED
from git_model_security.filter.clone import Clone
from git_model_security.git import index
from git_model_security.git.paths import shown
from git_model_security.signing.methods import VERIFYING
from git_model_security.workspace import events, tree_check, verifiers, worktree_check
from git_model_security.workspace.expected import Expected

if TYPE_CHECKING:
    from git_model_security.workspace.verdict import Verdict

_HINTS = {
    "unsigned": "`git model sign` signs what is staged",
    "untrusted signer": "if you know the signer: `git model trust add`",
    "wrong key": "ask the signer for the public key that belongs to the signature",
    "stale signature": "find out who changed it; your own HEAD: `git model sign --amend`",
    "tampered": "`git restore PATH` brings back what Git holds; find out who changed it",
    "missing file": "`git restore PATH` brings it back",
    "not fetched": "`git model checkout` downloads and writes it",
    "key not held": "`git model unlock --key FILE`",
    "extra file": "`git add` and commit it, remove it, or use --ignore-unsigned-files",
}


@click.command("verify", context_settings=methods.SPELLINGS)
@click.argument("words", nargs=-1, metavar="[METHOD] [REV]")
@methods.verifying
@click.option("--encrypted", is_flag=True, help="Verify ciphertext; needs no AES key.")
@click.option(
    "--ignore-unsigned-files",
    is_flag=True,
    help="Let files pass that nobody signed.",
)
@options.expect
@options.at_least
@options.as_json
@click.pass_context
def command(
    ctx: click.Context,
    /,
    words: tuple[str, ...],
    encrypted: bool,
    ignore_unsigned_files: bool,
    expect: str,
    at_least: str,
    as_json: bool,
    **said: Any,
) -> None:
    """Check the signatures of the work tree, or of the commit REV.

    Every file is hashed again. Exit status 1 when anything does not hold. The signer
    is the one that is described, else any that this clone trusts. METHOD is sigstore,
    key or certificate, and may be left out where the options tell.
    """
    method = words[0] if words and words[0] in VERIFYING else None
    revisions = words[1:] if method else words
    asked = methods.asked(method, said)
    if len(revisions) > 1:
        raise click.UsageError(f"one revision at a time, not {len(revisions)}")
    expected = Expected(expect, at_least)
    clone = Clone()
    if not (revisions or encrypted):
        clone.repo.top  # noqa: B018 - raises in a bare repository
    with clone.objects:
        accepted = verifiers.of(clone.repo, asked)
        if revisions or encrypted:
            name = revisions[0] if revisions else "HEAD"
            commit = index.unambiguous(clone.repo, name)
            verdict = tree_check.check(clone, commit, accepted, sealed_only=encrypted)
            verdict.subject = f"{name} ({commit[:12]})"
            if not revisions:
                worktree_check.add_locked_files(clone, verdict)
        else:
            verdict = worktree_check.check(
                clone, accepted, ignore_unsigned_files=ignore_unsigned_files
            )
        if expected != Expected():
            commit = index.unambiguous(clone.repo, revisions[0] if revisions else "HEAD")
            verdict.findings += expected.differences(clone.repo, commit)
    events.verified(clone.repo, verdict, name if revisions or encrypted else None)
    if as_json:
        terminal.document(verdict.to_json())
    else:
        _show(verdict)
    ctx.exit(0 if verdict.good else FAILED)


def _show(verdict: Verdict) -> None:
    for note in verdict.notes:
        terminal.info(note)
    if verdict.good:
        signers = ", ".join(sorted({name[:32] for name in verdict.signers.values()}))
        terminal.result(
            f"Verified: {verdict.subject}, {verdict.files} files, signed by {signers}"
        )
        return
    terminal.result(f"NOT verified: {verdict.subject}")
    for finding in verdict.findings:
        where = "" if finding.root == "." else f"{finding.root}: "
        terminal.result(f"{finding.reason.value}: {where}{finding.detail}")
        for name in finding.names:
            terminal.result(f"  {shown(os.fsencode(name))}")
    hints = (one.hint or _HINTS.get(one.reason.value) for one in verdict.findings)
    for hint in dict.fromkeys(filter(None, hints)):
        click.echo(f"git-model: hint: {hint}", err=True)
