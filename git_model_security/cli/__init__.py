"""The command line: thin, and the one place that catches `Error` and exits.

The terminal contract: results go to standard output, everything else to standard
error as `git-model: error: …`, `warning: …` or `hint: …`, in lower case, without
a full stop. Exit status: 0 good, 1 a check failed or it could not be done, 2 wrong
usage, 3 a bug of ours, 4 a gate could not look, 130 interrupted.

This module imports no click: Git spawns the plumbing for every command that
touches a protected file.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from git_model_security import logs, telemetry
from git_model_security.cli import failure, plumbing
from git_model_security.errors import BUG, INTERRUPTED, UNHEARD, Error

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


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
        return _failed(arguments, error, failure.wrap_system_error(error))
    except Exception as error:  # noqa: BLE001 - the last line: a bug is told as one
        import traceback

        traceback.print_exc()
        bug = Error("this is a bug of git-model; please report it")
        bug.exit_status = BUG
        return _failed(arguments, error, bug)


def _failed(arguments: Sequence[str], error: Exception, told: Error) -> int:
    telemetry.failed(error)
    is_plumbing = bool(arguments) and arguments[0] in plumbing.COMMANDS
    # What Git reads of the plumbing is no document.
    return failure.tell([] if is_plumbing else arguments, told)


def _dispatch(arguments: Sequence[str]) -> int:
    command: Callable[[Sequence[str]], int] | None = plumbing.COMMANDS.get(
        arguments[0] if arguments else ""
    )
    if command is not None:
        telemetry.rename(f"git-model {arguments[0]}")
        return command(arguments[1:])
    from git_model_security.cli.main import main

    return main(arguments)
