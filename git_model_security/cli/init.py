"""`git model init`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from git_model_security import messages
from git_model_security.cli import initial, methods, terminal
from git_model_security.errors import UsageError
from git_model_security.git import index
from git_model_security.git.paths import shown
from git_model_security.git.repository import Repository
from git_model_security.messages import counted
from git_model_security.setup import (
    enc_files,
    init,
    init_steps,
    setup,
    storage_choice,
    unlock,
    write_policy,
)
from git_model_security.setup.init import PlaintextHistoryError, Request
from git_model_security.signatures import signature_place
from git_model_security.signatures.signers import Given
from git_model_security.verify import model_roots

if TYPE_CHECKING:
    from git_model_security.setup.init import Plan
    from git_model_security.setup.init_steps import Done

_OTHER_ROOTS = "git model init --model-root DIR"
_OTHERWISE = {
    "--profile": "`git model track --profile PROFILE` protects more",
    "--signature": f"`{signature_place.SETTING}`",
    "--model-root": f"`{model_roots.SETTING}`",
    "--include": "`git model track PATTERN` protects more",
    "--exclude": "`git model untrack PATTERN` protects less",
}
"""What changes in a repository that is set up what an option decides at first."""


@click.command("init", context_settings=methods.SPELLINGS)
@initial.chosen
@click.option("--sign-with", type=methods.METHOD, help="Signing method; `key` unless said.")
@methods.settled
@click.option(
    "--accept-plaintext-history",
    is_flag=True,
    help="Go on although history holds plaintext; a push is refused until it is migrated"
    " or overridden.",
)
def command(sign_with: str | None, **given: Any) -> None:
    """Make this repository an encrypted, signed model repository.

    Without --key and --signing-key both keys are made and kept in your keyring.
    """
    repo = Repository.discover()
    repo.require_work_tree()
    signing = methods.take(Given, sign_with, given)
    request = initial.request(signing=signing, **given)
    before = init.undecided(repo)
    if before is None and init.is_set_up(repo):
        _again(repo, request)
        return
    try:
        plan = init.plan(repo, request, before)
    except PlaintextHistoryError as refused:
        initial.show_findings("The history holds in clear", refused.report.findings)
        raise
    if before is not None and init_steps.is_idle(repo, request, plan, before):
        _again(repo, Request())
        return
    # Before anything is written: no commit could be signed.
    model_roots.require_content(plan.policy, index.staged(repo), _OTHER_ROOTS)
    _show(plan)
    if before is None:
        _tell(init_steps.carry_out(repo, request, plan))
    else:
        _tell(init_steps.carry_out_again(repo, request, plan, before))


def _again(repo: Repository, request: Request) -> None:
    policy = init.policy_of(repo)
    assert policy is not None
    asked = {
        "--profile": (request.profile, policy.profile),
        "--digest": (request.digest, policy.digest),
        "--signature": (request.signature, policy.signature),
        "--include": (request.include, policy.include),
        "--exclude": (request.exclude, policy.exclude),
        "--model-root": (request.roots, policy.roots),
    }
    for option, (wanted, present) in asked.items():
        if wanted and wanted != present:
            with_ = present if isinstance(present, str) else ", ".join(present) or "none"
            raise UsageError(
                f"{option}: this repository is set up already, with {with_}",
                hint=_OTHERWISE.get(option, "leave the option out: it was decided at set-up"),
            )
    if request.signing != Given():
        raise UsageError(
            "this repository is set up already",
            hint="`git model config signingMethod METHOD`; see `git model config`",
        )
    if request.key or request.signing_key:
        raise UsageError(
            "this repository is set up already", hint="`git model unlock` takes other keys"
        )
    chosen = storage_choice.again(repo, policy, request.storage, request.threshold)
    changed = chosen.applied(policy)
    if changed != policy:
        write_policy.write(repo, changed)
    messages.info(*setup.configure(repo, changed, is_trusted=unlock.is_verified(repo)))
    if missing := storage_choice.missing_lfs(changed):
        messages.warn(missing)
    if changed != policy:
        messages.info("new content is stored otherwise from now on: commit .gitmodel")
    else:
        messages.info("set up already; nothing else to do")


def _show(plan: Plan) -> None:
    terminal.result(f"Profile: {plan.policy.profile}")
    terminal.result(f"Storage: {_storage(plan)}")
    if plan.storage.warning:
        messages.warn(plan.storage.warning)
    terminal.files("Will be encrypted", plan.sealed)
    terminal.files("Will stay clear", plan.clear, initial.notes(plan.noted))
    if plan.foreign.paths:
        _warn_of_foreign(plan.foreign)
    if plan.links:
        terminal.files("Are links, neither encrypted nor signed", plan.links)
    if any(model_roots.holds(plan.policy, path) for path in plan.links):
        messages.warn(
            "a commit that holds one of these links will be refused",
            f"`{_OTHER_ROOTS}` names what is a model, without them; or never add them",
        )
    if plan.history is not None and plan.history.findings:
        messages.warn(
            f"the history keeps {len(plan.history.findings)} of them in clear",
            "whoever can clone it has them; a push is refused until `git model migrate`, or"
            " once overridden: `git -c git-model.guard=warn push`",
        )


def _warn_of_foreign(found: enc_files.Found) -> None:
    """Tells of ciphertext of model-encryption; of one file it is proven, if at all."""
    named = messages.listed([shown(path) for path in found.paths], 1)
    is_ = "is" if len(found.paths) == 1 else "are"
    if found.is_proven:
        messages.warn(
            f"{named} {is_} encrypted already, by model-encryption with this key",
            "`git model import-enc .`, then `git model decrypt .`, before `git add`",
        )
    else:
        messages.warn(
            f"{named} may be encrypted already, by model-encryption: called and as long so",
            "if so, `git model import-enc . --encryption-key FILE` before `git add`: else"
            " they get encrypted a second time",
        )


def _storage(plan: Plan) -> str:
    policy, reason = plan.policy, plan.storage.reason
    if policy.storage == "lfs":
        least = terminal.bytes_text(policy.threshold)
        return f"git-lfs, for files of {least} and over ({reason})"
    most = f", up to {terminal.bytes_text(policy.limit)} a file" if policy.limit else ""
    return f"inline, as blobs in Git{most} ({reason})"


def _tell(done: Done) -> None:
    messages.warn_all(done.warnings)
    messages.info(*done.lines)
    if done.sealed_staged:
        messages.info(f"encrypted {counted(done.sealed_staged, 'tracked file')} in the index")
    terminal.result()
    initial.show_keys(done.policy.key_id, done.fingerprint, done.policy.method)
    terminal.result(
        "Staged .gitmodel and .gitattributes; go on with `git add` and `git commit`."
    )
