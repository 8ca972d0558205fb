"""`git model migrate`."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING, Any

import click

from git_model_security import messages
from git_model_security.cli import initial, migration_report, options, terminal
from git_model_security.cli.progress import Bar
from git_model_security.errors import FAILED, PolicyError, UsageError
from git_model_security.git.paths import shown
from git_model_security.git.repository import Repository
from git_model_security.migrate import plan as planning
from git_model_security.migrate import purge as purging
from git_model_security.migrate import run
from git_model_security.migrate.plan import RefusedError
from git_model_security.setup.init import Request

if TYPE_CHECKING:
    from pathlib import Path

    from git_model_security.migrate.run import Done


@click.command("migrate")
@click.option("--dry-run", is_flag=True, help="Only say what would be done.")
@options.yes
@click.option(
    "--backup", type=options.FILE, metavar="FILE", help="Keep the old refs in this bundle."
)
@click.option("--purge", is_flag=True, help="Remove what is left of the old history.")
@click.option(
    "--accept-findings", is_flag=True, help="Go on though models or keys will stay in clear."
)
@initial.chosen
def command(
    dry_run: bool,
    yes: bool,
    backup: Path | None,
    purge: bool,
    accept_findings: bool,
    **given: Any,
) -> None:
    """Rewrite all history, so that protected files were never in clear.

    Works before `git model init`, whose options it takes, and after. The old refs are
    kept in a bundle first. After a migration, --purge alone removes the old objects.
    """
    repo = Repository.discover()
    repo.require_work_tree()
    request = initial.request(**given)
    done = None if dry_run else run.finished(repo)
    if done is not None:
        messages.info("an interrupted migration had moved all refs already; it is complete now")
        migration_report.tell(done)
    elif not (purge and request == Request() and purging.is_due(repo)):
        done = _migrated(
            repo, request, backup, dry_run=dry_run, yes=yes, accept_findings=accept_findings
        )
    elif dry_run or backup:
        raise UsageError("--purge alone has no dry run, and makes no backup")
    if purge and not dry_run:
        if not purging.is_due(repo):
            raise PolicyError(
                "nothing was migrated here, or it has been purged already: there is nothing"
                " to purge",
                hint="`git model audit --unreachable` shows what this repository still holds",
            )
        _purge(repo, yes=yes)


def _migrated(
    repo: Repository,
    request: Request,
    backup: Path | None,
    *,
    dry_run: bool,
    yes: bool,
    accept_findings: bool,
) -> Done | None:
    try:
        with Bar("looking", is_bytes=False) as bar:
            plan = planning.make(repo, request, accept_findings=accept_findings, progress=bar)
    except RefusedError as refused:
        migration_report.show_plan(refused.plan)
        raise
    if not plan.is_needed:
        terminal.result("Nothing at protected paths is in clear: there is nothing to migrate")
        return None
    migration_report.show_plan(plan)
    if dry_run:
        return None
    options.confirm("Rewrite the history like this?", yes=yes)
    with _Bars() as bars:
        done = run.carry_out(repo, request, plan, backup_file=backup, progress=bars)
    migration_report.tell(done)
    return done


class _Bars(contextlib.ExitStack):
    """A progress bar for each kind of work, one after the other."""

    def __init__(self) -> None:
        super().__init__()
        self._bars: dict[str, Bar] = {}

    def __call__(self, what: str, count: int, total: int) -> None:
        if what not in self._bars:
            self.close()
            self._bars[what] = self.enter_context(Bar(what, is_bytes=what == "encrypting"))
        self._bars[what](count, total)


def _purge(repo: Repository, *, yes: bool) -> None:
    found = purging.plan(repo)
    migration_report.show_purge(found)
    options.confirm("Remove all of it for ever?", yes=yes)
    purged = purging.carry_out(repo, found)
    migration_report.show_purged(purged)
    for name in dict.fromkeys(found.backups):
        messages.warn(
            f"the backup still holds the plaintext, and stays: {shown(os.fsencode(name))}"
        )
    migration_report.show_elsewhere(found)
    if found.refs:
        # A lease needs a remote-tracking ref, and a fetch would bring the old history back.
        messages.info(
            "remote-tracking refs are gone: push the new history before you fetch, with"
            " `git push --force --all && git push --force --tags`"
        )
    if not purged.good:
        raise click.exceptions.Exit(FAILED)
