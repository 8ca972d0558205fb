"""`git model track` and `untrack`."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

import click

from git_model_security import messages
from git_model_security.cli import options, terminal
from git_model_security.clone.clone import Clone
from git_model_security.errors import PolicyError, UsageError
from git_model_security.git import index
from git_model_security.messages import counted
from git_model_security.policy import pinned, profiles
from git_model_security.policy_change import track, tracked, untrack
from git_model_security.setup import accept_policy

if TYPE_CHECKING:
    from git_model_security.policy_change.track import Plan


@click.command("track")
@click.argument("patterns", nargs=-1, metavar="[PATTERN]...")
@options.dry_run
@click.option(
    "--profile",
    type=click.Choice([profiles.ALL_BUT_SOURCE, profiles.ALL]),
    help="Take a profile that protects more than the one of now.",
)
@click.option("--accept", is_flag=True, help="Take over the policy that came in by a pull.")
@options.yes
def command(
    patterns: tuple[str, ...], dry_run: bool, profile: str | None, accept: bool, yes: bool
) -> None:
    """Encrypt files with these names from now on; list the patterns without any.

    Patterns are those of .gitattributes, relative to the top; a directory stands
    for all that is in it. Files that are tracked already are encrypted in the
    index; nothing is committed.
    """
    if accept and (patterns or profile):
        raise UsageError("--accept takes nothing else", hint="it is about .gitmodel as it is")
    clone = Clone()
    with clone.objects:
        if accept:
            _accept(clone, dry_run=dry_run, yes=yes)
        elif not (patterns or profile):
            _show_rules(clone)
        else:
            _track(clone, patterns, profile, dry_run=dry_run)


def _track(
    clone: Clone, patterns: tuple[str, ...], profile: str | None, *, dry_run: bool
) -> None:
    planned = track.plan(clone, patterns, profile)
    if planned.is_idle:
        terminal.result("These files are encrypted already; nothing to do.")
        return
    if planned.changed:
        terminal.files("Will be encrypted", [entry.path for entry in planned.changed])
    else:
        terminal.result("No tracked file needs it yet; it counts for files from now on.")
    if planned.waiting:
        terminal.files("Will be encrypted when they are added", planned.waiting)
    _warn_of_history(clone, planned)
    if dry_run:
        return
    done = track.track(clone, planned)
    if done:
        messages.info(f"encrypted {counted(len(done), 'tracked file')} in the index")
    terminal.result("Staged .gitmodel and .gitattributes; `git commit` makes it known to all.")


def _warn_of_history(clone: Clone, planned: Plan) -> None:
    if not planned.history:
        return
    head = index.resolve(clone.repo, "HEAD^{commit}")
    if all(one.commit == head and not one.pushed for one in planned.history):
        messages.warn(
            "HEAD holds these files in clear, and no remote-tracking branch has it",
            "`git commit --amend` makes it anew, encrypted; do so before you push",
        )
        return
    messages.warn(
        f"the history holds {counted(len(planned.history), 'version')} of these files in"
        " clear, and"
        " whoever has cloned or can clone it has them, whatever is encrypted from now on",
        "`git model migrate` rewrites the history; `git model audit` lists what is in it",
    )
    for finding in planned.history[: terminal.SHOWN_FILES]:
        messages.info(f"  {finding.describe()}")


def _accept(clone: Clone, *, dry_run: bool, yes: bool) -> None:
    if not pinned.rules(clone.repo):
        raise PolicyError(
            "this clone has no pinned policy that another one could replace",
            hint="`git model unlock --key FILE` pins one\n"
            "or, without a key, `git model trust add` believes what a signer untracked",
        )
    found = accept_policy.drift(clone)
    if found is None:
        terminal.result("The policy in .gitmodel is the one that this clone has pinned.")
        return
    terminal.files("Will be left clear by this clone", found.opened, whole=True)
    terminal.files("Will be encrypted by this clone", found.closed)
    for pattern in found.records:
        terminal.result(f"Untracked, so that clear content may stand there: {pattern}")
    if dry_run:
        return
    if found.weakens:
        options.confirm("Protect less from now on, as .gitmodel says?", yes=yes)
    accept_policy.take(clone, found, is_confirmed=True)
    terminal.result("Took over the policy in .gitmodel.")


def _show_rules(clone: Clone) -> None:
    """Prints what is protected and by which rule."""
    for title, rules in tracked.rules(clone).items():
        terminal.result(f"{title}:")
        # Those of a profile are the same in every repository; a person's own are few.
        is_own = tracked.BY_PROFILE not in title
        listed = [(pattern, count) for pattern, count in rules if count or is_own]
        for pattern, count in listed:
            terminal.result(f"    {pattern}  ({counted(count, 'tracked file')})")
        if more := len(rules) - len(listed):
            terminal.result(f"    {counted(more, 'pattern')} that no tracked file needs")
    found = accept_policy.drift(clone)
    if found is not None:
        accept_policy.warn(accept_policy.describe(found))


@click.command("untrack")
@click.argument("patterns", nargs=-1, metavar="[PATTERN]...")
@options.dry_run
@options.reason
@options.yes
def undo(patterns: tuple[str, ...], dry_run: bool, reason: str, yes: bool) -> None:
    """Leave files with these names clear from now on; list the patterns without any.

    What is tracked goes back into the index in clear, for everybody who can read
    the repository. .gitmodel records it, so that other clones can check it;
    nothing is committed. Versions in the history stay encrypted.
    """
    clone = Clone()
    with clone.objects:
        if not patterns:
            _show_rules(clone)
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
