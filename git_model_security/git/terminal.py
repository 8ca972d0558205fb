"""The terminal that a person sits at, also where standard input is something else."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from git_model_security.git import askpass

if TYPE_CHECKING:
    from collections.abc import Iterator

_TERMINAL = Path("/dev/tty")


@contextlib.contextmanager
def opened() -> Iterator[TextIO | None]:
    """Gives the controlling terminal to read answers from; None where nobody is there.

    Git gives a hook no standard input, and the person who runs `git commit` is at the
    terminal all the same. `GIT_TERMINAL_PROMPT=0` means that nobody is (git, "Environment
    variables"): an editor or a script runs Git, and a question would hang it.
    """
    try:
        if not askpass.may_use_terminal(os.environ):
            raise OSError
        terminal = _TERMINAL.open(encoding="utf-8", errors="replace")
    except OSError:
        yield None
        return
    with terminal:
        yield terminal
