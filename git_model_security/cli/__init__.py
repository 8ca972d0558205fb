"""The command line: thin, and the one place that catches `Error` and exits.

The terminal contract: results go to standard output, everything else to standard
error as `git-model: error: …`, `warning: …` or `hint: …`, in lower case, without
a full stop. Exit status: 0 good, 1 a check failed or it could not be done, 2
wrong usage, 3 a bug of ours, 130 interrupted.

This module imports no click: Git spawns the plumbing for every command that
touches a protected file.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from git_model_security import logs, telemetry
from git_model_security.errors import BUG, INTERRUPTED, Error, described

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
        telemetry.failed(error)
        sys.stderr.write(described(error))
        return error.exit_status
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # The reader went away (`| head`). Python would complain once more at exit.
        sys.stderr.close()
        return 0
    except OSError as error:
        telemetry.failed(error)
        place = f"{error.filename}: " if error.filename else ""
        what = (error.strerror or str(error)).lower()
        sys.stderr.write(described(Error(f"{place}{what}")))
        return Error.exit_status
    except Exception as error:  # noqa: BLE001 - the last line: a bug is told as one
        import traceback

        telemetry.failed(error)
        traceback.print_exc()
        sys.stderr.write("git-model: error: this is a bug of git-model; please report it\n")
        return BUG


def _dispatch(arguments: Sequence[str]) -> int:
    from git_model_security.cli import plumbing

    command: Callable[[Sequence[str]], int] | None = plumbing.COMMANDS.get(
        arguments[0] if arguments else ""
    )
    if command is not None:
        telemetry.rename(f"git-model {arguments[0]}")
        return command(arguments[1:])
    from git_model_security.cli.main import main

    return main(arguments)
