"""`git model sign`."""

from __future__ import annotations

import click

from git_model_security.cli import terminal
from git_model_security.filter.clone import Clone
from git_model_security.git.paths import shown
from git_model_security.workspace import sign


@click.command("sign")
@click.argument("method", required=False, type=click.Choice(["key"]))
@click.option("--amend", is_flag=True, help="Put the signature into HEAD.")
@click.option("--adopt", multiple=True, metavar="PATH", help="Vouch for what others made.")
def command(method: str | None, amend: bool, adopt: tuple[str, ...]) -> None:  # noqa: ARG001
    """Sign what is staged; `git commit` does it by itself.

    Content that came from a commit without a trusted signature is never signed
    unless you vouch for it with --adopt.
    """
    clone = Clone()
    with clone.objects:
        if adopt:
            for path in sign.adopt(clone, adopt):
                terminal.info(f"adopted {shown(path)}")
        done = sign.sign(clone, amend=amend)
    if not done.renewed:
        terminal.result("Signed already: the signatures are for just this content")
    elif amend:
        terminal.result("Signed HEAD anew")
    else:
        terminal.result("Signed; the signatures are staged, `git commit` commits them")
