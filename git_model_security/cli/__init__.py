"""The command line: thin, and the one place that catches `Error` and exits.

The terminal contract: results go to standard output, everything else to standard
error as `git-model: error: …`, `warning: …` or `hint: …`, in lower case, without
a full stop. Exit status: 0 good, 1 a check failed or it could not be done, 2 wrong
usage, 3 a bug of ours, 4 a gate could not look, 130 interrupted.

This module imports no click: Git spawns the plumbing, which is the filter, the drivers and
the hooks, for every command that touches a protected file.
"""

from __future__ import annotations

import contextlib
import os
import sys
from typing import TYPE_CHECKING

from git_model_security import logs, messages, telemetry
from git_model_security.errors import (
    BUG,
    INTERRUPTED,
    UNHEARD,
    Error,
    UsageError,
    VerificationError,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

_HOOKS_WITH_INPUT = ("pre-push", "post-rewrite", "reference-transaction", "pre-receive")


def run(arguments: Sequence[str]) -> int:
    """Runs a command line and returns its exit status; nothing gets out but that."""
    status = _status(arguments)
    telemetry.end(status)
    return status


def _status(arguments: Sequence[str]) -> int:
    try:
        logs.begin()
        telemetry.begin("git-model")
        return _dispatch(arguments)
    except Error as error:
        return _failed(arguments, error, error)
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # The reader went away (`| head`). Python would complain once more at exit. As Git,
        # which the signal ends: who reads no verdict to its end has not seen a good one.
        sys.stderr.close()
        return UNHEARD
    except OSError as error:
        return _failed(arguments, error, wrap_system_error(error))
    except Exception as error:  # noqa: BLE001 - the last line: a bug is told as one
        import traceback

        traceback.print_exc()
        bug = Error("this is a bug of git-model; please report it")
        bug.exit_status = BUG
        return _failed(arguments, error, bug)


def _failed(arguments: Sequence[str], error: Exception, told: Error) -> int:
    """Tells a person, and a machine that asked for a document; returns the exit status.

    Whether the command line asks for a document is looked up here, since it may be what is
    wrong with it.
    """
    telemetry.failed(error)
    messages.tell(told)
    # What Git reads of the plumbing is no document.
    options = [] if {*arguments[:1]} & PLUMBING.keys() else arguments
    options = options[: options.index("--")] if "--" in options else options
    if "--json" in options:
        import json

        # Who asked may be gone; the exit status says the same.
        with contextlib.suppress(OSError):
            sys.stdout.write(json.dumps(_document(told), indent=2) + "\n")
            sys.stdout.flush()
    return told.exit_status


def wrap_system_error(error: OSError) -> Error:
    """Returns what the operating system said as an error that a person sees."""
    from git_model_security.git.paths import shown

    # A file that was opened by its descriptor has that for a name.
    named = isinstance(error.filename, str | bytes) and error.filename
    place = f"{shown(os.fsencode(error.filename))}: " if named else ""
    return Error(f"{place}{messages.reason(error)}")


def _document(error: Error) -> dict[str, object]:
    reason = error.reason.value if isinstance(error, VerificationError) else None
    return {
        "version": 1,
        "good": False,
        "exit_status": error.exit_status,
        "error": {
            "type": type(error).__name__,
            "reason": reason,
            "message": str(error),
            "hint": error.hint,
        },
    }


def _dispatch(arguments: Sequence[str]) -> int:
    command = PLUMBING.get(arguments[0] if arguments else "")
    if command is not None:
        telemetry.rename(f"git-model {arguments[0]}")
        return command(arguments[1:])
    from git_model_security.cli.main import main

    return main(arguments)


def _filter_process(arguments: Sequence[str]) -> int:
    """Serves a Git command as its long-running filter."""
    from git_model_security.filter.process import main

    if arguments not in ([], ["verified"]):
        raise UsageError("usage: git-model filter-process [verified] (Git runs it)")
    return main(is_verbatim=bool(arguments))


def _textconv(arguments: Sequence[str]) -> int:
    """Prints a file as `git diff` can show it."""
    from git_model_security.filter.textconv import textconv

    _require(arguments, 1, "textconv FILE")
    sys.stdout.buffer.write(textconv(arguments[0]))
    return 0


def _merge_file(arguments: Sequence[str]) -> int:
    """Merges what is encrypted: `merge-file BASE OURS THEIRS MARKER-SIZE PATH`."""
    from git_model_security.filter.merge import merge

    _require(arguments, 5, "merge-file %O %A %B %L %P")
    base, ours, theirs, marker_size, path = arguments
    return merge(base, ours, theirs, marker_size, path)


def _hook(arguments: Sequence[str]) -> int:
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


PLUMBING = {
    "filter-process": _filter_process,
    "textconv": _textconv,
    "merge-file": _merge_file,
    "hook": _hook,
}
