"""What git-model does, told on standard error to whoever looks for a fault.

Owns `GIT_MODEL_LOG_LEVEL` and `--log-level`. Messages for people never come through
here, and do not depend on it. Everything that is logged may end in the public log of a
CI job: no key material, no plaintext, no password. `logging` is imported only when a
level is asked for: Git spawns us for every command that touches a protected file.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from git_model_security.errors import UsageError

if TYPE_CHECKING:
    import logging
    from collections.abc import Sequence

LEVELS = ("debug", "info", "warning", "error")
VARIABLE = "GIT_MODEL_LOG_LEVEL"

_logger: logging.Logger | None = None


def begin(level: str | None = None) -> None:
    """Logs from now on, as the level or else the environment says; else does nothing.

    The processes that Git starts get the level too.

    Raises:
        UsageError: there is no such level.
    """
    global _logger  # noqa: PLW0603 - one process, one log
    name = (level or os.environ.get(VARIABLE, "")).strip().lower()
    if not name:
        return
    if name not in LEVELS:
        origin = "--log-level" if level else VARIABLE
        raise UsageError(f"{origin}: {name!r} is none of {', '.join(LEVELS)}")
    os.environ[VARIABLE] = name
    from git_model_security.logs import _lines

    _logger = _lines.logger(name)


def is_on() -> bool:
    """Tells whether anything is logged: some lines cost more than their formatting."""
    return _logger is not None


def debug(text: str, *arguments: object) -> None:
    """Tells a step, for whoever looks for a fault; arguments as in `logging`."""
    if _logger is not None:
        _logger.debug(text, *arguments)


def info(text: str, *arguments: object) -> None:
    """Tells what was decided: which key, which signer."""
    if _logger is not None:
        _logger.info(text, *arguments)


def running(arguments: Sequence[str | bytes]) -> None:
    """Tells the command line of a child, without the secrets that it may hold."""
    if _logger is not None:
        from git_model_security.logs import _lines

        _logger.debug("run %s", _lines.command_line(arguments))
