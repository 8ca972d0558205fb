"""The click group: a command, and what undoes it, has a module, imported when it is called."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

import click

from git_model_security import __version__, logs, telemetry
from git_model_security.cli import options
from git_model_security.errors import INTERRUPTED, USAGE, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

_COMMANDS = {
    "init": "make a repository an encrypted, signed model repository",
    "clone": "clone, unlock, check out and verify",
    "unlock": "let this clone use a key, and decrypt its files",
    "lock": "turn plaintext back into ciphertext",
    "checkout": "fetch and decrypt what is not in the work tree yet",
    "status": "show what is encrypted and what is signed",
    "track": "encrypt more files from now on, and list what is",
    "untrack": "leave files clear from now on, on record",
    "sign": "sign what is staged, or vouch for what others made",
    "verify": "check signatures: the gate before deployment",
    "log": "show what was signed, verified, overridden and repaired",
    "trust": "say whose signatures this clone believes",
    "audit": "find plaintext and models in all history",
    "repair": "encrypt the tip again after something came in clear",
    "migrate": "rewrite history, so that it was always encrypted",
    "config": "show or change how this clone signs and verifies",
    "encrypt": "encrypt a directory or a file, without Git",
    "decrypt": "decrypt a directory or a file, without Git",
    "sign+encrypt": "sign a directory or a file, and encrypt it then",
    "decrypt+verify": "verify what it decrypts to, and decrypt it then",
    "encrypt+sign": "encrypt a directory or a file, and sign the ciphertext",
    "verify+decrypt": "verify the ciphertext, and decrypt it then",
    "export": "write what a commit holds into a directory, without Git",
    "digest": "print the digest of a model",
    "import-enc": "make envelopes of the .enc files of model-encryption",
    "key": "make, export and list keys",
    "install": "let Git know the filter, for every repository of this user",
    "uninstall": "undo install, or the hooks of this repository",
    "doctor": "find and mend what is wrong with the set-up",
}
_UNDOES = {"uninstall": "install", "untrack": "track", "lock": "unlock", "decrypt": "encrypt"}
_COMBINED = {
    "sign+encrypt": "sign_encrypt",
    "decrypt+verify": "decrypt_verify",
    "encrypt+sign": "encrypt_sign",
    "verify+decrypt": "verify_decrypt",
}


class _Commands(options.Group):
    """Loads a command's module only when it is called, or asked for its help."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's
        return list(_COMMANDS)

    def get_command(
        self,
        ctx: click.Context,  # noqa: ARG002
        cmd_name: str,
    ) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        name = "combined" if cmd_name in _COMBINED else _UNDOES.get(cmd_name, cmd_name)
        module = importlib.import_module(f"git_model_security.cli.{name.replace('-', '_')}")
        attribute = _COMBINED.get(cmd_name) or ("undo" if cmd_name in _UNDOES else "command")
        found: click.Command = getattr(module, attribute)
        return found

    def format_commands(
        self,
        ctx: click.Context,  # noqa: ARG002
        formatter: click.HelpFormatter,
    ) -> None:
        # The table above, so that the short help imports nothing.
        with formatter.section("Commands"):
            formatter.write_dl(list(_COMMANDS.items()))


@click.group(
    cls=_Commands, name="git-model", context_settings={"help_option_names": ["-h", "--help"]}
)
@click.version_option(__version__, prog_name="git-model")
@click.option(
    "--log-level",
    metavar="LEVEL",
    help="Tell more on standard error: debug, info, warning or error.",
)
@click.pass_context
def group(ctx: click.Context, log_level: str | None) -> None:
    """Keep AI models encrypted and signed in ordinary Git repositories."""
    logs.begin(log_level)
    if ctx.invoked_subcommand in _COMMANDS:
        telemetry.rename(f"git-model {ctx.invoked_subcommand}")


def main(arguments: Sequence[str]) -> int:
    """Runs the porcelain and returns the exit status.

    Raises:
        Error: see the command.
    """
    try:
        status = group.main(list(arguments), prog_name="git-model", standalone_mode=False)
    except click.Abort:
        return INTERRUPTED
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        return USAGE
    except click.ClickException as error:
        message = error.format_message()
        context = error.ctx if isinstance(error, click.UsageError) else None
        hint = f"see `{context.command_path} --help`" if context is not None else None
        lowered = f"{message[:1].lower()}{message[1:].rstrip('.')}"
        raise UsageError(lowered, hint=hint) from error
    return status if isinstance(status, int) else 0
