"""What Git runs: the filter, the drivers and the hooks. Imports no click."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from git_model_security.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

_HOOKS_WITH_INPUT = ("pre-push", "post-rewrite", "reference-transaction", "pre-receive")


def filter_process(arguments: Sequence[str]) -> int:
    """Serves a Git command as its long-running filter."""
    from git_model_security.filter.process import main

    if arguments not in ([], ["verified"]):
        raise UsageError("usage: git-model filter-process [verified] (Git runs it)")
    return main(is_verbatim=bool(arguments))


def textconv(arguments: Sequence[str]) -> int:
    """Prints a file as `git diff` can show it."""
    from git_model_security.filter.textconv import textconv as convert

    _require(arguments, 1, "textconv FILE")
    sys.stdout.buffer.write(convert(arguments[0]))
    return 0


def merge_file(arguments: Sequence[str]) -> int:
    """Merges what is encrypted: `merge-file BASE OURS THEIRS MARKER-SIZE PATH`."""
    from git_model_security.filter.merge import merge

    _require(arguments, 5, "merge-file %O %A %B %L %P")
    base, ours, theirs, marker_size, path = arguments
    return merge(base, ours, theirs, marker_size, path)


def hook(arguments: Sequence[str]) -> int:
    """Does what a Git hook does."""
    from git_model_security import hooks

    if not arguments:
        raise UsageError("hook: which hook?")
    name = arguments[0]
    from git_model_security.cli.progress import Bar

    stdin = sys.stdin.buffer.read() if name in _HOOKS_WITH_INPUT else b""
    with Bar("Decrypting") as bar:
        return hooks.run(name, arguments[1:], stdin, bar)


def _require(arguments: Sequence[str], count: int, usage: str) -> None:
    if len(arguments) != count:
        raise UsageError(f"usage: git-model {usage} (Git runs it)")


COMMANDS = {
    "filter-process": filter_process,
    "textconv": textconv,
    "merge-file": merge_file,
    "hook": hook,
}
