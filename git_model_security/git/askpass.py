"""Where a person is asked: by the program that Git asks for passwords by, or at the terminal.

As git does it (gitcredentials(7), "Requesting credentials"; prompt.c): which program,
and how it is called. What it answers is a secret: nothing of it may be shown.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from git_model_security import logs, messages
from git_model_security.errors import GitError
from git_model_security.git import config
from git_model_security.git.run import child_environment, run

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_TERMINAL = Path("/dev/tty")


def program(environment: Mapping[str, str]) -> str | None:
    """Returns the program to ask, or None.

    Args:
        environment: where GIT_ASKPASS comes before core.askPass, and SSH_ASKPASS after.
    """
    # git takes the first that is set; an empty one means that none is to be asked.
    found = environment.get("GIT_ASKPASS")
    if found is None:
        said = run("config", "-z", "--type=path", "--get", "core.askPass", accept=(0, 1))
        found = os.fsdecode(said.removesuffix(b"\0")) if said else None
    if found is None:
        found = environment.get("SSH_ASKPASS")
    return found or None


def may_use_terminal(environment: Mapping[str, str]) -> bool:
    """Tells whether the user leaves the terminal to prompts (git, GIT_TERMINAL_PROMPT)."""
    return not config.is_false(environment.get("GIT_TERMINAL_PROMPT"))


@contextlib.contextmanager
def open_terminal() -> Iterator[TextIO | None]:
    """Gives the controlling terminal to read answers from; None where nobody is there.

    Git gives a hook no standard input, and the person who runs `git commit` is at the
    terminal all the same. `GIT_TERMINAL_PROMPT=0` means that nobody is (git, "Environment
    variables"): an editor or a script runs Git, and a question would hang it.
    """
    try:
        if not may_use_terminal(os.environ):
            raise OSError
        terminal = _TERMINAL.open(encoding="utf-8", errors="replace")
    except OSError:
        yield None
        return
    with terminal:
        yield terminal


def ask(asked: str, prompt: str) -> bytes | None:
    """Runs the program and returns the first line that it answers.

    Args:
        asked: the program; never a shell's command line.
        prompt: its only argument, which other users of the machine can read.

    Returns:
        None when the person cancelled, or answered nothing.

    Raises:
        GitError: it cannot be run.
    """
    logs.running((asked, prompt))
    try:
        done = subprocess.run(
            (asked, prompt),
            env=child_environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            check=False,
        )
    except OSError as error:
        reason = messages.reason(error)
        raise GitError(
            f"{os.fspath(asked)}: cannot ask for a password: {reason}",
            hint="see GIT_ASKPASS, core.askPass and SSH_ASKPASS in gitcredentials(7)",
        ) from error
    answer = done.stdout.split(b"\n", 1)[0].rstrip(b"\r")
    return answer if done.returncode == 0 and answer else None
