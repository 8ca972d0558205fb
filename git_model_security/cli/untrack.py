"""`git model untrack`."""

from __future__ import annotations

import shlex

import click

from git_model_security import messages
from git_model_security.cli import options, terminal
from git_model_security.cli.track import show_rules
from git_model_security.clone.clone import Clone
from git_model_security.messages import counted
from git_model_security.policy_change import untrack


@click.command("untrack")
@click.argument("patterns", nargs=-1, metavar="[PATTERN]...")
@click.option("--dry-run", is_flag=True, help="Show what would change, and change nothing.")
@click.option("--reason", default="", metavar="TEXT", help="Why, for the audit log.")
@options.yes
def command(patterns: tuple[str, ...], dry_run: bool, reason: str, yes: bool) -> None:
    """Leave files with these names clear from now on; list the patterns without any.

    What is tracked goes back into the index in clear, for everybody who can read
    the repository. .gitmodel records it, so that other clones can check it;
    nothing is committed. Versions in the history stay encrypted.
    """
    clone = Clone()
    with clone.objects:
        if not patterns:
            show_rules(clone)
            return
        planned = untrack.plan(clone, patterns)
        if planned.is_idle:
            terminal.result("These files are clear already; nothing to do.")
            return
        if planned.alike:
            terminal.files("Clear, and on record from now on", planned.alike)
        elif not (planned.changed or planned.waiting):
            words = " ".join(shlex.quote(pattern) for pattern in patterns)
            messages.warn(
                f"no encrypted file, tracked or not, has a name like {words}",
                "what is untracked holds for files that come later, too",
            )
        if planned.changed:
            changed = [entry.path for entry in planned.changed]
            terminal.files("Will be clear", changed, whole=True)
        if planned.waiting:
            waiting = "Will not be encrypted when they are added"
            terminal.files(waiting, planned.waiting, whole=True)
        if dry_run:
            return
        options.confirm(
            "Make this readable to whoever can read the repository?"
            if planned.changed or planned.waiting or planned.alike
            else "Leave clear what gets such a name later?",
            yes=yes,
        )
        done = untrack.untrack(clone, planned, reason)
    if done:
        be = "is" if len(done) == 1 else "are"
        messages.info(f"{counted(len(done), 'tracked file')} {be} clear in the index")
    terminal.result("Staged .gitmodel and .gitattributes; `git commit` makes it known to all.")
