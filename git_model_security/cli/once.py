"""Options that may be given once: of two, Click would take the last in silence."""

from __future__ import annotations

from collections import Counter

import click


class Group(click.Group):
    """Refuses a command line in which an option overrules itself.

    Whoever gives two keys, two commits or two directories expects both to count.
    """

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Returns the command that is meant, and the arguments that are left for it.

        Raises:
            UsageError: see `click.Group`; or an option was given twice.
        """
        name, command, rest = super().resolve_command(ctx, args)
        if command is not None and not isinstance(command, click.Group):
            _require_once(ctx, name, command, rest)
        return name, command, rest


def _require_once(
    ctx: click.Context, name: str | None, command: click.Command, rest: list[str]
) -> None:
    context = click.Context(command, ctx, name, **command.context_settings)
    _, _, given = command.make_parser(context).parse_args(list(rest))
    for param, times in Counter(given).items():
        overrules = isinstance(param, click.Option) and not (param.multiple or param.is_flag)
        if overrules and times > 1:
            raise click.UsageError(f"{param.opts[0]} may be given once", context)
