"""Options that several commands share, and what holds of all.

An option may be given once, and no word may be empty. Of two Click would take the last in
silence; and an empty one, such as an unset variable of a script leaves, would mean what no
word at all means: `--expect ""` any commit.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from git_model_security.errors import PolicyError

_Command = TypeVar("_Command", bound=Callable[..., Any])

FILE = click.Path(path_type=Path)

key = click.option("--key", type=FILE, metavar="FILE", help="AES-256 key: 32 raw bytes.")
public_key = click.option(
    "--public-key",
    type=FILE,
    multiple=True,
    metavar="FILE",
    help="Public key of a signer to trust (PEM); several times for several signers.",
)
signing_key = click.option(
    "--signing-key", type=FILE, metavar="FILE", help="Private key to sign with (PEM)."
)
expect = click.option(
    "--expect", default="", metavar="COMMIT", help="It has to be just this commit."
)
at_least = click.option(
    "--at-least", default="", metavar="REV", help="It has to be this commit, or follow it."
)
dry_run = click.option(
    "--dry-run", is_flag=True, help="Show what would change, and change nothing."
)
reason = click.option("--reason", default="", metavar="TEXT", help="Why, for the audit log.")
yes = click.option("--yes", is_flag=True, help="Do not ask.")
as_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")


def confirm(question: str, *, yes: bool) -> None:
    """Asks a person to go on, unless `--yes` was given.

    Raises:
        PolicyError: there is nobody to ask.
        click.Abort: the answer was no.
    """
    if yes:
        return
    if not sys.stdin.isatty():
        raise PolicyError(
            "this has to be confirmed, and there is no terminal", hint="--yes if it is meant"
        )
    click.confirm(question, abort=True, err=True)


def together(*chosen: Callable[[Any], Any]) -> Callable[[_Command], _Command]:
    """Returns a decorator that gives a command several options."""

    def give(command: _Command) -> _Command:
        for option in reversed(chosen):
            command = option(command)
        return command

    return give


class Group(click.Group):
    """Refuses a command line in which an option overrules itself, or a word is empty.

    Whoever gives two keys, two commits or two directories expects both to count.
    """

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Returns the command that is meant, and the arguments that are left for it.

        Raises:
            UsageError: see `click.Group`; or an option was given twice, or a word is empty.
        """
        name, command, rest = super().resolve_command(ctx, args)
        if command is not None and not isinstance(command, click.Group):
            _require_sense(ctx, name, command, rest)
        return name, command, rest


def _require_sense(
    ctx: click.Context, name: str | None, command: click.Command, rest: list[str]
) -> None:
    context = click.Context(command, ctx, name, **command.context_settings)
    values, _, given = command.make_parser(context).parse_args(list(rest))
    for param, times in Counter(given).items():
        what = f"an argument is empty: {param.human_readable_name}"
        if isinstance(param, click.Option):
            what = f"{param.opts[0]} is empty"
            if times > 1 and not (param.multiple or param.is_flag):
                raise click.UsageError(f"{param.opts[0]} may be given once", context)
        value = values.get(str(param.name))
        if "" in (value if isinstance(value, list | tuple) else (value,)):
            raise click.UsageError(what, context)
