"""Spans for OpenTelemetry: which command or hook ran, how long, how it ended.

Owns the standard `OTEL_*` variables and `TRACEPARENT`. Nothing is recorded, and nothing
imported, unless one of them names a collector. A span never holds a path, a name, a URL
or a key, and no failure of any of this is an error: it is silent.
"""

from __future__ import annotations

import os
from contextlib import ContextDecorator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from git_model_security.telemetry._otlp import Recorder

_EXPORTERS = frozenset(("otlp", "otlp_proto_http"))

_recorder: Recorder | None = None


def begin(name: str) -> None:
    """Begins the span of this process, if it is to be recorded; else only renames it."""
    global _recorder  # noqa: PLW0603 - one process, one span
    if _recorder is not None:
        _recorder.rename(name)
        return
    if not _is_asked_for():
        return
    try:
        from git_model_security.telemetry._otlp import Recorder

        _recorder = Recorder(name)
    except Exception as error:  # noqa: BLE001 - the extra is missing, or a variable is wrong
        _tell(error)


def rename(name: str) -> None:
    """Says better what this process does: a name from the program, never from a person."""
    if _recorder is not None:
        _recorder.rename(name)


def note(**facts: int | str) -> None:
    """Notes facts on the span of this process, under `git_model.`; see above for what not."""
    if _recorder is not None:
        _recorder.note(facts)


def failed(error: BaseException) -> None:
    """Notes the family of an error, and not what it says: that names files."""
    if _recorder is not None:
        _recorder.failed(error)


def end(status: int) -> None:
    """Ends the span of this process with its exit status, and sends what was recorded."""
    global _recorder
    if _recorder is None:
        return
    ending, _recorder = _recorder, None
    try:
        ending.end(status)
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - the work is done
        _tell(error)


class span(ContextDecorator):  # noqa: N801 - used like `contextlib.suppress`
    """Records a part of the work of the main thread; also as a decorator."""

    def __init__(self, name: str) -> None:
        # No state but this: a decorator uses one object for all calls.
        self._name = name

    def __enter__(self) -> None:
        if _recorder is not None:
            _recorder.push(self._name)

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if _recorder is not None:
            _recorder.pop(error)


def _is_asked_for() -> bool:
    """Tells whether there is a collector (OpenTelemetry, "Environment Variables")."""
    told = os.environ.get
    if told("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return False
    if exporters := told("OTEL_TRACES_EXPORTER", "").strip():
        return any(name.strip() in _EXPORTERS for name in exporters.split(","))
    return bool(
        told("OTEL_EXPORTER_OTLP_ENDPOINT") or told("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
    )


def _tell(error: BaseException) -> None:
    from git_model_security import logs

    logs.debug("telemetry: none, %s", error)
