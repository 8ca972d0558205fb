"""`git model verify`: of files, a commit, a range or a directory, by its options."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from git_model_security.cli import methods, options, terminal, verify_directory, verify_report
from git_model_security.cli.progress import Bar
from git_model_security.cli.verify_report import Unvouched
from git_model_security.clone import missing_policy
from git_model_security.clone.clone import Clone
from git_model_security.git import config, index, ranges
from git_model_security.policy import gitmodel
from git_model_security.provenance import telling
from git_model_security.signing.methods import KINDS
from git_model_security.signing.sources import Asked
from git_model_security.trust import verifiers
from git_model_security.verification import (
    bundle_place,
    events,
    models_check,
    part,
    range_check,
    tree_check,
    worktree_check,
)
from git_model_security.verification.expected import Expected
from git_model_security.verification.range_check import RangeVerdict
from git_model_security.verification.scope import Scope

if TYPE_CHECKING:
    from collections.abc import Sequence

    from git_model_security.signing.methods import Verifier
    from git_model_security.trust.verdict import Verdict


_PATHS = "git_model.paths"


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
    type=click.Path(path_type=Path, file_okay=False),
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
    revisions = words[1:] if method else words
    asked = methods.take(Asked, method, said)
    file = None
    if directory is None and len(revisions) == 1:
        if signature is not None:
            path, revisions = Path(revisions[0]), ()
            directory, file = (path, None) if path.is_dir() else (None, path)
            signature = bundle_place.of_stock(path, Path(signature))
        elif not encrypted and verify_directory.is_file_alone(revisions[0]):
            file, revisions = Path(revisions[0]), ()
    expected = Expected(expect, at_least)
    scope = Scope(
        roots=tuple(map(gitmodel.as_root, roots)),
        all_models=all_models,
        ignore_unsigned_files=ignore_unsigned_files,
        strict=strict,
        committed_only=expected != Expected(),
        encrypted=encrypted,
        signature=signature or bundle_place.usual(directory, is_sealed=encrypted),
        follow=follow,
        pathspecs=ctx.meta[_PATHS],
    )
    if file is None:
        _require_sense(revisions, directory, scope, expected, signature)
    elif scope != Scope(signature=scope.signature) or expected != Expected():
        raise click.UsageError(
            "a file is verified as a whole: with --signature, --json and who signed it alone"
        )
    unvouched = verify_report.NOBODY_ASKED
    found: Verdict | RangeVerdict
    if file is not None:
        found = verify_directory.judge_file(file, asked, signature)
    elif directory is None:
        found, unvouched = _judge_in_clone(revisions, asked, scope, expected)
    else:
        found = verify_directory.judge(directory, asked, scope)
    if as_json:
        terminal.document(found.to_json())
    elif isinstance(found, RangeVerdict):
        verify_report.show_range(found, unvouched)
    else:
        verify_report.show(found, unvouched)
    ctx.exit(found.status)


def _require_sense(
    revisions: Sequence[str],
    directory: Path | None,
    scope: Scope,
    expected: Expected,
    signature: str | None,
) -> None:
    is_range = ranges.is_range(revisions)
    if expected != Expected() and (is_range or directory is not None):
        raise click.UsageError("--expect and --at-least go with one commit")
    if scope.all_models and scope.roots:
        raise click.UsageError("--all-models and --model-root exclude each other")
    if scope.pathspecs:
        _require_one(scope, directory, is_range=is_range)
    if scope.strict and scope.ignore_unsigned_files:
        raise click.UsageError("--strict and --ignore-unsigned-files exclude each other")
    if directory is not None:
        if revisions:
            raise click.UsageError("--dir looks at files, not at commits")
        if len(scope.roots) > 1 and bundle_place.is_path(scope.signature):
            raise click.UsageError("one --signature is that of one --model-root")
    elif scope.follow is not None:
        raise click.UsageError("--follow-links goes with --dir; Git has links of its own")
    elif signature is not None:
        raise click.UsageError("--signature goes with --dir, or with a PATH")
    elif is_range:
        if scope.all_models:
            raise click.UsageError("--all-models goes with one commit, not with a range")
    elif len(revisions) > 1:
        raise click.UsageError(f"one revision at a time, not {len(revisions)}; or A..B")


def _require_one(scope: Scope, directory: Path | None, *, is_range: bool) -> None:
    """Refuses a part of what is many, or is verified as a whole."""
    if is_range or scope.all_models or (directory and scope.roots):
        raise click.UsageError("paths go with one commit, work tree or model, not with many")


def _judge_in_clone(
    revisions: tuple[str, ...], asked: Asked, scope: Scope, expected: Expected
) -> tuple[Verdict | RangeVerdict, Unvouched]:
    """Verifies in a clone; where that does not hold, also says who is to be asked."""
    clone = Clone()
    if not (revisions or scope.encrypted):
        clone.repo.require_work_tree()
    if not asked.given():
        # Nobody is trusted there either, which would be said first and miss the point.
        tip = revisions[-1].rpartition("..")[2] if revisions else ""
        missing_policy.require_ours(clone.repo, tip or "HEAD")
    with clone.objects:
        accepted = verifiers.of(clone.repo, asked)
        if ranges.is_range(revisions):
            found = _judge_range(clone, revisions, accepted, scope)
            events.record_range(clone.repo, found)
            return found, _find_unvouched(clone, "" if asked.given() else _newest_bad(found))
        if revisions:
            verdict = _judge_commit(clone, revisions[0], accepted, scope)
            part.tell_commit(clone.repo, verdict, scope)
        else:
            verdict = _judge_here(clone, accepted, scope)
        if verdict.commit:
            verdict.findings += expected.differences(clone.repo, verdict.commit)
        events.record_verdict(clone.repo, verdict)
        is_asked = not (verdict.good or asked.given())
        return verdict, _find_unvouched(clone, verdict.commit if is_asked else "")


def _newest_bad(found: RangeVerdict) -> str:
    """Returns the newest commit of a range, which has all doubts there are; if it is bad."""
    newest = found.rows[0]
    return "" if newest.verdict.good else newest.commit.oid


def _find_unvouched(clone: Clone, commit: str) -> Unvouched:
    """Returns what of a commit that does not hold nobody vouches for, as this clone knows."""
    if not commit or clone.ring.locked or clone.is_deploy:
        return verify_report.NOBODY_ASKED
    is_head = commit == index.resolve(clone.repo, "HEAD^{commit}")
    return Unvouched(telling.describe(clone, commit), is_head=is_head)


def _judge_here(clone: Clone, accepted: Sequence[Verifier], scope: Scope) -> Verdict:
    """Verifies the work tree; or HEAD's ciphertext, which a locked clone has there too."""
    # A deploy clone is always strict.
    is_deploy = config.is_deploy(config.read(clone.repo))
    scope = replace(scope, strict=scope.strict or is_deploy)
    if not scope.encrypted:
        with Bar("Hashing") as bar:
            return worktree_check.check(clone, accepted, scope, bar)
    verdict = _judge_commit(clone, "HEAD", accepted, scope)
    if worktree_check.add_locked_files(clone, verdict, accepted, scope):
        verdict.subject += " and the work tree"
    part.tell_commit(clone.repo, verdict, scope)
    return verdict


def _judge_commit(
    clone: Clone, revision: str, accepted: Sequence[Verifier], scope: Scope
) -> Verdict:
    commit = index.unambiguous(clone.repo, revision)
    chosen = part.choose_of(clone.repo, commit, scope)
    verdict = tree_check.check(
        *(clone, commit, accepted),
        sealed_only=scope.encrypted,
        roots=scope.roots,
        chosen=chosen,
    )
    verdict.subject = f"{revision} ({commit[:12]})"
    verdict.commit = commit
    if scope.all_models and not scope.encrypted:
        models_check.add_beside_roots_of(clone, commit, verdict, accepted)
    is_tip = commit == index.resolve(clone.repo, "HEAD^{commit}")
    verify_report.add_hints(verdict, is_tip=is_tip)
    return verdict


def _judge_range(
    clone: Clone, words: Sequence[str], accepted: Sequence[Verifier], scope: Scope
) -> RangeVerdict:
    with Bar("Verifying", is_bytes=False) as bar:
        return range_check.check(
            clone,
            words,
            accepted,
            sealed_only=scope.encrypted,
            roots=scope.roots,
            remembers=not any(verifier.explicit for verifier in accepted),
            progress=bar,
        )
