"""`git model verify`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from git_model_security import messages
from git_model_security.cli import gate, methods, options, range_table, terminal, verify_forms
from git_model_security.cli.verify_forms import Forms
from git_model_security.clone import missing_policy
from git_model_security.clone.clone import Clone
from git_model_security.git import ranges
from git_model_security.git.paths import legible, shown
from git_model_security.messages import counted
from git_model_security.policy import gitmodel
from git_model_security.signing import pem
from git_model_security.signing.methods import KINDS
from git_model_security.trust import verifiers
from git_model_security.verify import events
from git_model_security.verify.expected import Expected
from git_model_security.verify.range_check import RangeVerdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from git_model_security.signing.sources import Asked
    from git_model_security.trust.verdict import Verdict

_HINTS = {
    "unsigned": "`git model sign --amend` signs your own HEAD",
    "untrusted signer": "if you know the signer: `git model trust add`",
    "wrong key": "ask the signer for the public key that belongs to the signature",
    "stale signature": "find out who changed it; your own HEAD: `git model sign --amend`",
    "tampered": "find out who changed it; `git restore PATH` brings back what Git holds",
    "missing file": "`git restore PATH` brings it back",
    "not fetched": "`git model checkout` downloads and writes it",
    "not materialised": "`git model checkout` decrypts it",
    "key not held": "`git model unlock --key FILE`",
    "ignored file": "remove it, or leave --strict out",
    "extra file": "`git add` and commit it, remove it, or use --ignore-unsigned-files",
}


@click.command("verify", context_settings=methods.SPELLINGS)
@click.argument("words", nargs=-1, metavar="[METHOD] [REV | REV..REV]")
@methods.verifying
@click.option("--encrypted", is_flag=True, help="Verify ciphertext; needs no AES key.")
@click.option(
    "--dir",
    "directory",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Verify a deployed directory, without Git.",
)
@click.option(
    "--signature", metavar="FILE", help="With --dir, its bundle: a name in DIR, or a path."
)
@click.option(
    "--follow-links",
    "follow",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="ROOT",
    help="With --dir, follow links that stay below ROOT.",
)
@click.option(
    "--model-root", "roots", multiple=True, metavar="DIR", help="Only the model in DIR."
)
@click.option(
    "--all-models", is_flag=True, help="Also models with a bundle that .gitmodel does not name."
)
@click.option(
    "--ignore-unsigned-files",
    is_flag=True,
    help="Let files pass that nobody signed.",
)
@click.option("--strict", is_flag=True, help="Let nothing pass that no signature covers.")
@options.expect
@options.at_least
@options.as_json
@click.pass_context
@gate.judging()
def command(
    ctx: click.Context,
    /,
    words: tuple[str, ...],
    encrypted: bool,
    directory: Path | None,
    signature: str | None,
    follow: Path | None,
    roots: tuple[str, ...],
    all_models: bool,
    ignore_unsigned_files: bool,
    strict: bool,
    expect: str,
    at_least: str,
    as_json: bool,
    **said: Any,
) -> None:
    """Check the signatures of the work tree, of the commit REV, or of each in a range.

    Every file is hashed again. Exit status 1 when anything does not hold, 4 when it could
    not be checked. The signer is one of those that are described, else any that this
    clone trusts. METHOD is sigstore, key or certificate, and may be left out where the
    options tell.
    """
    method = words[0] if words and words[0] in KINDS else None
    revisions = words[1:] if method else words
    asked = methods.asked(method, said)
    chosen = tuple(map(gitmodel.as_root, roots))
    expected = Expected(expect, at_least)
    forms = Forms(
        *(chosen, all_models, ignore_unsigned_files, strict, expected != Expected()),
        *(encrypted, signature, follow),
    )
    _require_sense(revisions, directory, forms, expected)
    if directory is None:
        found = _in_clone(revisions, asked, forms, expected)
    else:
        found = verify_forms.of_directory(directory, asked, forms)
    if as_json:
        terminal.document(found.to_json())
    elif isinstance(found, RangeVerdict):
        range_table.show(found)
    else:
        _show(found)
    ctx.exit(found.status)


def _require_sense(
    revisions: Sequence[str], directory: Path | None, forms: Forms, expected: Expected
) -> None:
    is_range = ranges.is_range(revisions)
    if expected != Expected() and (is_range or directory is not None):
        raise click.UsageError("--expect and --at-least go with one commit")
    if forms.all_models and forms.roots:
        raise click.UsageError("--all-models and --model-root exclude each other")
    if forms.strict and forms.ignore_unsigned_files:
        raise click.UsageError("--strict and --ignore-unsigned-files exclude each other")
    if directory is not None:
        if revisions or forms.encrypted:
            raise click.UsageError("--dir looks at decrypted files, not at commits")
        if len(forms.roots) > 1 and "/" in (forms.signature or ""):
            raise click.UsageError("one --signature is that of one --model-root")
    elif forms.follow is not None:
        raise click.UsageError("--follow-links goes with --dir; Git has links of its own")
    elif forms.signature is not None:
        raise click.UsageError("--signature goes with --dir; else .gitmodel names it")
    elif is_range:
        if forms.all_models:
            raise click.UsageError("--all-models goes with one commit, not with a range")
    elif len(revisions) > 1:
        raise click.UsageError(f"one revision at a time, not {len(revisions)}; or A..B")


def _in_clone(
    revisions: tuple[str, ...], asked: Asked, forms: Forms, expected: Expected
) -> Verdict | RangeVerdict:
    clone = Clone()
    if not (revisions or forms.encrypted):
        clone.repo.top  # noqa: B018 - raises in a bare repository
    if not asked.given():
        # Nobody is trusted there either, which would be said first and miss the point.
        tip = revisions[-1].rpartition("..")[2] if revisions else ""
        missing_policy.require_ours(clone.repo, tip or "HEAD")
    with clone.objects:
        accepted = verifiers.of(clone.repo, asked)
        if ranges.is_range(revisions):
            found = verify_forms.of_range(clone, revisions, accepted, forms)
            events.verified_range(clone.repo, found)
            return found
        revision = revisions[0] if revisions else None
        if revisions or forms.encrypted:
            verdict = verify_forms.of_commit(clone, revision, accepted, forms)
        else:
            verdict = verify_forms.of_work_tree(clone, accepted, forms)
        if verdict.commit:
            verdict.findings += expected.differences(clone.repo, verdict.commit)
    events.verified(clone.repo, verdict)
    return verdict


def _show(verdict: Verdict) -> None:
    for note in verdict.notes:
        messages.info(note)
    if verdict.good:
        others = f" and {counted(verdict.others, 'other')}" if verdict.others else ""
        signers = ", ".join(sorted(set(map(_short, verdict.signers.values()))))
        terminal.result(
            f"Verified: {verdict.subject}, {counted(verdict.files, verdict.unit)}{others},"
            f" signed by {signers}"
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
        messages.advise(hint)


def _short(signer: str) -> str:
    return signer[:32] if pem.is_fingerprint(signer) else legible(signer)
