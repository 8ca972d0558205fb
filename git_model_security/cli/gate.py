"""The exit status of a gate, which a pipeline acts upon; docs/CI.md has the table."""

from __future__ import annotations

import contextlib
import os
import sys
from typing import TYPE_CHECKING

import click

from git_model_security.cli import of_system
from git_model_security.errors import UNCHECKED, UNHEARD, Error

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextlib.contextmanager
def judging() -> Iterator[None]:
    """Gives an error within the exit status that it has for a gate: `Error.gate_status`.

    Raises:
        Error: the same one; or what the system said.
        Exit: nobody reads the verdict to its end.
    """
    try:
        yield
    except Error as error:
        error.exit_status = error.gate_status
        raise
    except BrokenPipeError:
        # Click would end with 1, and Python complain of what is left to be written.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise click.exceptions.Exit(UNHEARD) from None
    except OSError as error:
        told = of_system(error)
        told.exit_status = UNCHECKED
        raise told from error
