"""`git model install`."""

from __future__ import annotations

import click

from git_model_security.cli import terminal
from git_model_security.workspace import drivers


@click.command("install")
def command() -> None:
    """Let Git know the filter, in every repository of this user.

    Set with required=true: a clone where nobody ran anything then fails to add
    what is protected, and never adds it in clear.
    """
    changed = drivers.configure(None, "--global")
    terminal.result(
        "Git knows the filter git-model now" if changed else "Git knows the filter already"
    )
