"""How a line of the log looks, and what never stands in one; see `logs`."""

from __future__ import annotations

import logging
import os
import re
import shlex
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_LIBRARY = "sigstore"
_MOST_OF_A_LIBRARY = 80
"""Characters. sigstore logs whole statements, with the digest of each plaintext."""

_HIDDEN = "***"
_SECRETS = (
    # The whole user part: a token may stand where the name belongs.
    (re.compile(r"(?<=://)[^/@\s]+(?=@)"), _HIDDEN),
    # A URL's query: signed links of object stores, the code that ends an OIDC login.
    (re.compile(r"((?:://|GET: )[^\s?]*)\?[^\s'\"#]+"), rf"\1?{_HIDDEN}"),
    (re.compile(r"(extraheader(?:=|'?\s+'?))[^']+", re.IGNORECASE), rf"\1{_HIDDEN}"),
    (re.compile(r"(authorization:\s*)[^'\"]+", re.IGNORECASE), rf"\1{_HIDDEN}"),
    (
        re.compile(
            r"((?:\bpin-value|-?-[\w-]*(?:pin|password|passphrase|secret|token))(?:=|\s+))"
            r"('[^']*'|[^\s&;]+)",
            re.IGNORECASE,
        ),
        rf"\1{_HIDDEN}",
    ),
    # A JSON Web Token, wherever it comes from.
    (re.compile(r"\beyJ[\w-]{8,}\.[\w-]+(?:\.[\w-]*)?"), _HIDDEN),
)


def logger(level: str) -> logging.Logger:
    """Returns our logger; that of sigstore follows the same level."""
    # A reader that went away is no reason for a traceback.
    logging.raiseExceptions = False
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Lines())
    ours = logging.getLogger("git_model_security")
    for one in (ours, logging.getLogger(_LIBRARY)):
        one.setLevel(level.upper())
        one.handlers = [handler]
        one.propagate = False
    return ours


def command_line(arguments: Sequence[str | bytes]) -> str:
    """Returns a command line as a shell would take it, all of it on one line."""
    return shlex.join(map(os.fsdecode, arguments))


class _Lines(logging.Formatter):
    """`git-model: debug: …`, with process and time since its start where that helps."""

    def format(self, record: logging.LogRecord) -> str:
        text = record.getMessage()
        library = record.name.partition(".")[0]
        if library == _LIBRARY:
            text = f"{library}: {text}"
        for pattern, harmless in _SECRETS:
            text = pattern.sub(harmless, text)
        text = "".join(one if one.isprintable() else "?" for one in text)
        if library == _LIBRARY and len(text) > _MOST_OF_A_LIBRARY:
            text = f"{text[:_MOST_OF_A_LIBRARY]}…"
        when = ""
        if record.levelno <= logging.DEBUG:
            when = f"[{record.process} +{record.relativeCreated:.0f} ms] "
        return f"git-model: {record.levelname.lower()}: {when}{text}"
