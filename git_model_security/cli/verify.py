"""`git model verify`: of files, a commit, a range or a directory, by its options."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from git_model_security.cli import (
    methods,
    options,
    terminal,
    verify_clone,
    verify_directory,
    verify_report,
)
from git_model_security.errors import UsageError
from git_model_security.git import ranges
from git_model_security.policy import gitmodel
from git_model_security.signing.methods import KINDS
from git_model_security.signing.sources import Asked
from git_model_security.verification import bundle_place
from git_model_security.verification.expected import Expected
from git_model_security.verification.range_check import RangeVerdict
from git_model_security.verification.scope import Scope

if TYPE_CHECKING:
    from collections.abc import Sequence

    from git_model_security.cli.verify_report import Unvouched
    from git_model_security.trust.verdict import Verdict


_PATHS = "git_model.paths"
_OF_ONE_COMMIT = "--expect and --at-least go with one commit"
_OF_MANY = "paths go with one commit, work tree or model, not with many"


class _Command(click.Command):
    """A command with paths after `--`, as Git has them: click puts them among the words."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Takes the paths away; what is left is options and words."""
        at = args.index("--") if "--" in args else len(args)
        ctx.meta[_PATHS] = tuple(args[at + 1 :])
        return super().parse_args(ctx, args[:at])


@click.command("verify", cls=_Command, context_settings=methods.SPELLINGS)
@click.argument("words", nargs=-1, metavar="[METHOD] [REV | REV..REV | PATH] [-- PATHSPEC...]")
@methods.verifying
@click.option("--encrypted", is_flag=True, help="Verify ciphertext; needs no AES key.")
@click.option(
    "--dir",
    "directory",
    type=options.FILE,
    metavar="DIR",
    help="Verify a deployed directory, without Git.",
)
@click.option(
    "--signature",
    metavar="FILE",
    help="With --dir, its bundle: a name in DIR, or a path; with PATH, that of PATH.",
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
@terminal.judging()
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

    With --signature, that of the file or directory PATH, without Git; of a file that no Git
    has it is FILE.sig unless said.

    Every file is hashed again, or each that PATHSPEC chooses, and no other. Exit status 1
    when anything does not hold, 4 when it could not be checked. The signer is one of those
    that are described, else any that this clone trusts. METHOD is sigstore, key or
    certificate, and may be left out where the options tell.
    """
    method = words[0] if words and words[0] in KINDS else None
    asked = methods.take(Asked, method, said)
    target = _Target.find(words[1:] if method else words, directory, signature, encrypted)
    expected = Expected(expect, at_least)
    scope = Scope(
        roots=tuple(map(gitmodel.as_root, roots)),
        all_models=all_models,
        ignore_unsigned_files=ignore_unsigned_files,
        strict=strict,
        committed_only=expected != Expected(),
        encrypted=encrypted,
        signature=target.signature or bundle_place.usual(target.directory, is_sealed=encrypted),
        follow=follow,
        pathspecs=ctx.meta[_PATHS],
    )
    found, unvouched = _judge(target, asked, scope, expected)
    if as_json:
        terminal.document(found.to_json())
    elif isinstance(found, RangeVerdict):
        verify_report.show_range(found, unvouched)
    else:
        verify_report.show(found, unvouched)
    ctx.exit(found.status)


class _Target(NamedTuple):
    """What is verified: a file, a directory, or else what a clone has.

    Attributes:
        file: without Git, against its own bundle.
        directory: without Git, against the bundle in it.
        revisions: of the clone; none is its work tree.
        signature: the bundle of a file or directory, as `bundle_place` has it; None is the
            usual one.
    """

    file: Path | None
    directory: Path | None
    revisions: Sequence[str]
    signature: str | None

    @classmethod
    def find(
        cls,
        words: Sequence[str],
        directory: Path | None,
        signature: str | None,
        encrypted: bool,
    ) -> _Target:
        """Returns what a command line means."""
        if directory is not None or len(words) != 1:
            return cls(None, directory, words, signature)
        path = Path(words[0])
        if signature is not None:
            signature = bundle_place.of_stock(path, Path(signature))
            is_one = not path.is_dir()
            return cls(path if is_one else None, None if is_one else path, (), signature)
        if not encrypted and verify_directory.is_file_alone(words[0]):
            return cls(path, None, (), None)
        return cls(None, None, words, None)


def _judge(
    target: _Target, asked: Asked, scope: Scope, expected: Expected
) -> tuple[Verdict | RangeVerdict, Unvouched]:
    """Verifies what is meant; of a clone also says who is to be asked."""
    if target.file is not None:
        _require_whole(scope, expected)
        verdict = verify_directory.judge_file(target.file, asked, target.signature)
        return verdict, verify_report.NOBODY_ASKED
    _require_sense(scope)
    if target.directory is not None:
        _require_sense_of_directory(target, scope, expected)
        verdict = verify_directory.judge(target.directory, asked, scope)
        return verdict, verify_report.NOBODY_ASKED
    if scope.follow is not None:
        raise click.UsageError("--follow-links goes with --dir; Git has links of its own")
    if target.signature is not None:
        raise click.UsageError("--signature goes with --dir, or with a PATH")
    if ranges.is_range(target.revisions):
        _require_sense_of_range(scope, expected)
        return verify_clone.judge_range(target.revisions, asked, scope)
    if len(target.revisions) > 1:
        raise click.UsageError(f"one revision at a time, not {len(target.revisions)}; or A..B")
    revision = next(iter(target.revisions), None)
    if revision is not None:
        verify_directory.require_no_path(revision)
    return verify_clone.judge(revision, asked, scope, expected)


def _require_whole(scope: Scope, expected: Expected) -> None:
    """Refuses what a single file has not."""
    if scope != Scope(signature=scope.signature) or expected != Expected():
        raise click.UsageError(
            "a file is verified as a whole: with --signature, --json and who signed it alone"
        )


def _require_sense(scope: Scope) -> None:
    """Refuses what excludes each other, whatever is verified."""
    if scope.all_models and scope.roots:
        raise click.UsageError("--all-models and --model-root exclude each other")
    if scope.strict and scope.ignore_unsigned_files:
        raise click.UsageError("--strict and --ignore-unsigned-files exclude each other")
    if scope.pathspecs and scope.all_models:
        raise click.UsageError(_OF_MANY)


def _require_sense_of_directory(target: _Target, scope: Scope, expected: Expected) -> None:
    if expected != Expected():
        raise click.UsageError(_OF_ONE_COMMIT)
    if scope.pathspecs and scope.roots:
        raise click.UsageError(_OF_MANY)
    if target.revisions:
        raise click.UsageError("--dir looks at files, not at commits")
    is_path = bundle_place.is_path(scope.signature)
    if len(scope.roots) > 1 and is_path:
        raise click.UsageError("one --signature is that of one --model-root")
    if scope.all_models and is_path:
        raise click.UsageError("--all-models goes by the name of the bundles, without a `/`")
    if target.directory and target.directory.is_file():
        raise UsageError(
            f"--dir {target.directory}: is a file",
            hint=f"`git model verify METHOD --signature BUNDLE {target.directory}`",
        )
    if scope.encrypted and (scope.roots or scope.all_models):
        raise UsageError(
            "--encrypted verifies all of --dir: what is signed is the ciphertext as a whole",
            hint="leave --model-root and --all-models out; what lies below: `--dir DIR/MODEL`",
        )


def _require_sense_of_range(scope: Scope, expected: Expected) -> None:
    if expected != Expected():
        raise click.UsageError(_OF_ONE_COMMIT)
    if scope.pathspecs:
        raise click.UsageError(_OF_MANY)
    if scope.all_models:
        raise click.UsageError("--all-models goes with one commit, not with a range")
