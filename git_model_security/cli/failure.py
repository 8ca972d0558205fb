"""How a command that failed says so: on standard error, and with `--json` as a document.

This module imports no click, see `cli`.
"""

from __future__ import annotations

import contextlib
import os
import sys
from typing import TYPE_CHECKING

from git_model_security import messages
from git_model_security.errors import Error, VerificationError

if TYPE_CHECKING:
    from collections.abc import Sequence

_JSON = "--json"


def tell(arguments: Sequence[str], error: Error) -> int:
    """Tells a person, and a machine that asked for a document; returns the exit status.

    Args:
        arguments: the command line; whether it asks for a document is looked up here, since
            it may be what is wrong with it.
        error: what happened.
    """
    messages.tell(error)
    options = arguments[: arguments.index("--")] if "--" in arguments else arguments
    if _JSON in options:
        import json

        # Who asked may be gone; the exit status says the same.
        with contextlib.suppress(OSError):
            sys.stdout.write(json.dumps(_document(error), indent=2) + "\n")
            sys.stdout.flush()
    return error.exit_status


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
