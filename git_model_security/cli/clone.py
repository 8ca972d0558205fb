"""`git model clone`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from git_model_security import messages
from git_model_security.cli import checkout, methods, options, terminal
from git_model_security.cli.progress import Bar
from git_model_security.cli.unlock import skip_smudge, tell
from git_model_security.clone.clone import Clone
from git_model_security.errors import FAILED
from git_model_security.setup import cloning, deploy_clone, unlock
from git_model_security.signing.sources import Asked
from git_model_security.status import state
from git_model_security.trust import anchors, verifiers
from git_model_security.verification.expected import Expected

if TYPE_CHECKING:
    from pathlib import Path


@click.command("clone", context_settings=methods.SPELLINGS)
@click.argument("url")
@click.argument("directory", required=False, type=options.FILE)
@options.key
@methods.verifying
@click.option("-b", "--branch", metavar="NAME", help="Check out this branch or tag.")
@click.option("--depth", type=click.IntRange(min=1), help="Fetch only so many commits.")
@click.option("-q", "--quiet", is_flag=True, help="Say only what is wrong.")
@skip_smudge
@click.option(
    "--deploy", is_flag=True, help="Write nothing that this signer did not sign, ever."
)
@options.expect
@options.at_least
@click.pass_context
def command(
    ctx: click.Context,
    /,
    url: str,
    directory: Path | None,
    key: Path | None,
    branch: str | None,
    depth: int | None,
    quiet: bool,
    skip_smudge: bool | None,
    deploy: bool,
    expect: str,
    at_least: str,
    **said: Any,
) -> None:
    """Clone a repository, unlock it, check it out and verify it.

    With --public-key, or what describes another signer, the exit status is 1 when the
    signatures do not hold. With --deploy no file is written then, now and after every
    pull; see docs/DEPLOY.md.
    """
    extra = [f"--branch={branch}"] if branch else []
    extra += [f"--depth={depth}"] if depth else []
    extra += ["--quiet"] if quiet else []
    expected = Expected(expect, at_least)
    asked = methods.take(Asked, None, said)
    if deploy:
        _require_sense(asked, depth, skip_smudge, expected)
        with terminal.judging():
            source = cloning.Source(url, directory, extra, anchors.named(asked))
            request = unlock.Request(key, verifiers.explicit(asked))
            _deploy(source, request, expected, quiet=quiet)
        return
    # Before anything is fetched: a mistyped file name should not cost a download.
    signers = verifiers.explicit(asked)
    if expected != Expected():
        raise click.UsageError("--expect and --at-least need --deploy")
    request = unlock.Request(key, signers, skip_smudge=skip_smudge)
    source = cloning.Source(url, directory, extra, anchors.named(asked))
    with Bar("Decrypting") as bar:
        repo, done = cloning.clone(source, request, None if quiet else bar)
    if quiet:
        messages.warn_all(done.warnings)
        checkout.tell(done.report)
    else:
        tell(done)
        terminal.result(f"Cloned into {repo.top}")
    clone = Clone(repo)
    with clone.objects:
        found = state.head_state(clone, sealed_only=bool(skip_smudge))
    if found.is_verified and not quiet:
        what = "its signature over ciphertext holds" if skip_smudge else "its signatures hold"
        messages.info(f"HEAD is verified: {what}")
    elif found.said and not found.is_verified:
        messages.warn(f"HEAD is {found.said}", "do not deploy it; see `git model verify HEAD`")
    if done.report.failed:
        ctx.exit(FAILED)
    if signers:
        ctx.exit(found.status)


def _require_sense(
    asked: Asked, depth: int | None, skip_smudge: bool | None, expected: Expected
) -> None:
    """Refuses what goes with no deployment, before a file is read."""
    if depth:
        raise click.UsageError(
            "--deploy needs all of history, to refuse what is older: leave out --depth"
        )
    if not asked.given():
        raise click.UsageError(
            "--deploy needs --public-key, or --identity and what goes with it: nothing else"
            " says whom to trust"
        )
    if skip_smudge:
        raise click.UsageError("--deploy writes all files, so it cannot --skip-smudge")
    expected.require_full()


def _deploy(
    source: cloning.Source, request: unlock.Request, expected: Expected, *, quiet: bool
) -> None:
    with Bar("Decrypting") as bar:
        repo, done = deploy_clone.clone(source, request, expected, None if quiet else bar)
    if quiet:
        messages.warn_all((*done.warnings, *done.report.warnings))
        return
    tell(done)
    terminal.result(f"Deployed to {repo.top}: all of it is verified")
