"""`git model status`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from git_model_security import messages
from git_model_security.checkout import file_state
from git_model_security.cli import options, table, terminal
from git_model_security.cli.table import Column
from git_model_security.clone import missing_policy
from git_model_security.clone.clone import Clone
from git_model_security.errors import FAILED
from git_model_security.git.paths import shown
from git_model_security.messages import counted
from git_model_security.setup import accept_policy, write_policy
from git_model_security.setup.hooks import hook_place
from git_model_security.status import state

if TYPE_CHECKING:
    from collections.abc import Sequence

    from git_model_security.checkout.file_state import File
    from git_model_security.status.state import State


_COLUMNS = (
    Column("File"),
    Column("In Git"),
    Column("Key", is_spare=True),
    Column("Work tree"),
    Column("Signed"),
    Column("Pushed"),
    Column("Size", is_right=True, is_spare=True),
)
_MANY = 40
_FEW = 10
"""Of more than `_MANY` files, those in a state that so few share are shown one by one."""

_Row = tuple[str, ...]


@click.command("status")
@click.argument("pathspecs", nargs=-1, metavar="[PATHSPEC]...")
@options.as_json
@click.pass_context
@terminal.judging()
def command(ctx: click.Context, pathspecs: tuple[str, ...], as_json: bool) -> None:
    """Show what is encrypted and what is signed.

    On a terminal many files are summed up; PATHSPEC, or a pipe, shows each. Exit status
    1 when the signatures of HEAD do not hold, a file is in conflict or stands in Git in
    clear; 4 when that could not be checked.
    """
    clone = Clone()
    is_strange = missing_policy.is_strange(clone.repo)
    if is_strange and not as_json:
        terminal.result("Not a git-model repository: `git model init` makes it one")
        ctx.exit(FAILED)
    with clone.objects:
        found = state.of(clone, pathspecs)
    if is_strange:
        found.status = FAILED
    if as_json:
        terminal.document(found.to_json())
    else:
        if found.missing_hooks:
            messages.warn(
                hook_place.describe(clone.repo, found.missing_hooks),
                "; ".join(hook_place.remedies(clone.repo, found.missing_hooks)),
            )
        _show(found, sums_up=sys.stdout.isatty() and not pathspecs)
    ctx.exit(found.status)


def _show(found: State, *, sums_up: bool) -> None:
    terminal.result(_of_key(found))
    if not (found.locked or found.key_here):
        messages.warn(
            "nothing can be encrypted or decrypted here",
            "`git model unlock --key FILE`, or set GIT_MODEL_KEY_FILE",
        )
    terminal.result(f"HEAD {found.head}" if found.head else "No commits yet")
    if found.unvouched and not found.is_staged:
        terminal.unvouched(found.unvouched, is_head=True)
    if found.is_staged:
        terminal.result("Signed as it is staged: `git commit` commits it")
    if found.conflicts:
        terminal.files("In conflict", found.conflicts)
    if found.stock_verifies:
        terminal.result("Digest sha256: the stock `model_signing verify` checks it as well")
    elif found.digest:
        terminal.result(
            f"Digest {found.digest}: `git model verify` checks it, and model_signing's"
            " Python API; the stock `model_signing verify` does not"
        )
    if found.policy_drift:
        accept_policy.warn(found.policy_drift)
    if found.is_migrating:
        messages.warn("a migration was interrupted", "`git model migrate` ends it")
    if not found.attributes_hold:
        messages.warn(write_policy.UNWRITTEN, "`git model doctor --fix`, then `git commit`")
    _files(found, sums_up=sums_up)
    # One that is not here came as a pointer, and whether it can be fetched is not known.
    unseen = sum(file.unseen and file.here for file in found.files)
    if unseen:
        messages.warn(
            f"{counted(unseen, 'pointer')} pushed, whose objects nobody here saw arrive",
            "`git push` again sends what is here",
        )
    unwritten = {file_state.POINTER, file_state.CIPHERTEXT}
    waiting = sum(file.work_tree in unwritten for file in found.files)
    if waiting and not found.locked:
        messages.warn(
            f"not materialised: {counted(waiting, 'file')}",
            "`git model checkout` fetches and decrypts them",
        )


def _of_key(found: State) -> str:
    if found.locked:
        return "Locked: this clone has no key"
    return f"{'Unlocked, key' if found.key_here else 'Key not found:'} {found.key_id}"


def _files(found: State, *, sums_up: bool) -> None:
    if not found.files:
        terminal.result("No protected files in the index")
        return
    rows = [_row(file, found) for file in found.files]
    total = len(rows)
    if sums_up and total > _MANY:
        rows = _summed_up(found.files, rows)
    table.show(_COLUMNS, rows)
    if len(rows) < total:
        messages.info("`git model status PATH` shows each file")


def _summed_up(files: Sequence[File], rows: Sequence[_Row]) -> list[_Row]:
    """Returns the rows of states that few files are in, and one for each other state."""
    alike: dict[_Row, list[int]] = {}
    for number, row in enumerate(rows):
        alike.setdefault(row[1:-1], []).append(number)
    few = {one for found in alike.values() if len(found) <= _FEW for one in found}
    summed = [rows[number] for number in sorted(few)]
    for facts, found in alike.items():
        if len(found) > _FEW:
            size = terminal.bytes_text(sum(files[number].size for number in found))
            summed.append((counted(len(found), "file"), *facts, size))
    return summed


def _row(file: File, found: State) -> _Row:
    return (
        shown(file.path),
        _in_git(file),
        file.key_id[:8],
        _in_work_tree(file, locked=found.locked),
        "yes" if file.signed else "no",
        "yes" if file.pushed else "not seen" if file.unseen else "no",
        terminal.bytes_text(file.size),
    )


def _in_work_tree(file: File, *, locked: bool) -> str:
    if locked and file.work_tree == file_state.POINTER:
        return "ciphertext"  # `lock` says so, and there is no other pointer then
    if file.encrypted is False and file.work_tree == file_state.DECRYPTED:
        return "in clear"
    return "not materialised" if file.work_tree == file_state.POINTER else file.work_tree


def _in_git(file: File) -> str:
    if file.encrypted is None:
        return f"{file.storage}, not here"
    if file.encrypted:
        return f"encrypted, {file.storage}" + ("" if file.here else ", not here")
    return "IN CLEAR" if file.size else "empty"
