"""Options that may be given once, and words that must not be empty.

Of two Click would take the last in silence; and an empty one, such as an unset variable of
a script leaves, would mean what no word at all means: `--expect ""` any commit.
"""

from __future__ import annotations

from collections import Counter

import click


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
