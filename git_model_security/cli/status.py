"""`git model status`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from git_model_security.cli import options, terminal
from git_model_security.errors import counted
from git_model_security.filter.clone import Clone
from git_model_security.git.paths import shown
from git_model_security.workspace import agreement, file_state, health, state

if TYPE_CHECKING:
    from git_model_security.workspace.file_state import File
    from git_model_security.workspace.state import State


_PIPE_COLUMNS = 160
_WORK_TREE = {file_state.POINTER: "not materialised"}


@click.command("status")
@options.as_json
def command(as_json: bool) -> None:
    """Show what is encrypted and what is signed."""
    clone = Clone()
    if not as_json and health.is_strange(clone.repo):
        terminal.result("Not a git-model repository: `git model init` makes it one")
        return
    with clone.objects:
        found = state.of(clone)
    if as_json:
        terminal.document(found.to_json())
    else:
        _show(found)


def _show(found: State) -> None:
    terminal.result(
        "Locked: this clone has no key" if found.locked else f"Unlocked, key {found.key_id}"
    )
    terminal.result(f"HEAD {found.head}" if found.head else "No commits yet")
    if found.stock_verifies:
        terminal.result("Digest sha256: the stock `model_signing verify` checks it as well")
    elif found.digest:
        terminal.result(
            f"Digest {found.digest}: `git model verify` checks it, and model_signing's"
            " Python API; the stock `model_signing verify` does not"
        )
    if found.policy_drift:
        terminal.warn(
            f".gitmodel is not the policy that this clone pinned: {found.policy_drift}",
            "the pinned one stays in force; `git model track --accept` takes .gitmodel over",
        )
    if found.is_migrating:
        terminal.warn("a migration was interrupted", "`git model migrate` ends it")
    if not found.attributes_hold:
        terminal.warn(agreement.UNWRITTEN, "`git model doctor --fix`, then `git commit`")
    if not found.files:
        terminal.result("No protected files in the index")
        return
    _table(found)
    unwritten = {file_state.POINTER, file_state.CIPHERTEXT}
    waiting = sum(file.work_tree in unwritten for file in found.files)
    if waiting and not found.locked:
        terminal.warn(
            f"not materialised: {counted(waiting, 'file')}",
            "`git model checkout` fetches and decrypts them",
        )
    if found.missing_hooks:
        terminal.warn(
            f"hooks that do not run: {', '.join(found.missing_hooks)}",
            "`git model doctor --fix`",
        )


def _table(found: State) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("File", overflow="fold")
    for title in ("In Git", "Key", "Work tree", "Signed", "Pushed"):
        table.add_column(title, no_wrap=True)
    table.add_column("Size", justify="right", no_wrap=True)
    for file in found.files:
        # Text, not markup: a name may hold square brackets.
        table.add_row(
            Text(shown(file.path)),
            _in_git(file),
            file.key_id[:8],
            _in_work_tree(file, locked=found.locked),
            "yes" if file.signed else "no",
            "yes" if file.pushed else "no",
            terminal.bytes_text(file.size),
        )
    # A pipe has no width to fit into.
    Console(width=None if sys.stdout.isatty() else _PIPE_COLUMNS).print(table)


def _in_work_tree(file: File, *, locked: bool) -> str:
    if locked and file.work_tree == file_state.POINTER:
        return "ciphertext"  # `lock` says so, and there is no other pointer then
    if file.encrypted is False and file.work_tree == file_state.DECRYPTED:
        return "in clear"
    return _WORK_TREE.get(file.work_tree, file.work_tree)


def _in_git(file: File) -> str:
    if file.encrypted is None:
        return f"{file.storage}, not here"
    if file.encrypted:
        return f"encrypted, {file.storage}" + ("" if file.here else ", not here")
    return "IN CLEAR" if file.size else "empty"
