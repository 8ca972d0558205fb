"""Records with OpenTelemetry's SDK, and sends by OTLP over HTTP: the extra `otel`.

The SDK reads the variables of its own: sampler, limits, endpoint, headers, certificates.
The one thing that it does not decide is how long we wait: a collector that does not
answer must not hold up a Git command, and every one of them runs a hook or two.
"""

from __future__ import annotations

import logging
import os
import threading
from typing import TYPE_CHECKING

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.version import __version__ as SDK_VERSION  # noqa: N812
from opentelemetry.trace import SpanKind, Status, StatusCode, set_span_in_context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from git_model_security import __version__, logs
from git_model_security.errors import VerificationError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.trace import Span

_PATIENCE_SECONDS = 0.2
_PATIENCE_VARIABLE = "OTEL_BSP_EXPORT_TIMEOUT"
"""In milliseconds: whoever sets it waits that long for a collector that is far away."""

_CARRIED = {"traceparent": "TRACEPARENT", "tracestate": "TRACESTATE"}
"""The headers of W3C Trace Context, by the variables that carry them."""

_RESOURCE = {
    "service.name": "git-model",
    "service.version": __version__,
    "telemetry.sdk.language": "python",
    "telemetry.sdk.name": "opentelemetry",
    "telemetry.sdk.version": SDK_VERSION,
}
"""By hand, and over it the environment's: another detector tells the command line."""


class Recorder:
    """The spans of one process: its own, and those of its parts inside of each other."""

    def __init__(self, name: str) -> None:
        # It would say on standard error what stays silent here.
        logging.getLogger("opentelemetry").addHandler(logging.NullHandler())
        logging.getLogger("opentelemetry").propagate = False
        resource = Resource(_RESOURCE).merge(OTELResourceDetector().detect())
        provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        self._ended = _Ended()
        provider.add_span_processor(self._ended)
        self._tracer = provider.get_tracer("git-model", __version__)
        self._patience = _patience()
        self._exporter = OTLPSpanExporter(timeout=self._patience)
        propagator = TraceContextTextMapPropagator()
        came = {header: os.environ.get(name, "") for header, name in _CARRIED.items()}
        root = self._tracer.start_span(
            name,
            propagator.extract(came),
            SpanKind.INTERNAL,
            {"git_model.version": __version__},
        )
        self._spans = [root]
        self._thread = threading.get_ident()
        # For the hooks and filters that our git starts.
        carried: dict[str, str] = {}
        propagator.inject(carried, set_span_in_context(root))
        for header, variable in _CARRIED.items():
            if header in carried:
                os.environ[variable] = carried[header]

    def rename(self, name: str) -> None:
        """Names the span of the process."""
        self._spans[0].update_name(name)

    def note(self, facts: Mapping[str, int | str]) -> None:
        """Notes facts on the span of the process."""
        for name, value in facts.items():
            self._spans[0].set_attribute(f"git_model.{name}", value)

    def failed(self, error: BaseException) -> None:
        """Notes the family of an error on the span of the process."""
        _fail(self._spans[0], error)

    def push(self, name: str) -> None:
        """Begins a part of what goes on."""
        if threading.get_ident() == self._thread:
            context = set_span_in_context(self._spans[-1])
            self._spans.append(self._tracer.start_span(name, context))

    def pop(self, error: BaseException | None) -> None:
        """Ends the part that began last."""
        if threading.get_ident() == self._thread and len(self._spans) > 1:
            ending = self._spans.pop()
            if error is not None:
                _fail(ending, error)
            ending.end()

    def end(self, status: int) -> None:
        """Ends all, and sends it; what is not sent in time is dropped."""
        while len(self._spans) > 1:
            self.pop(None)
        root = self._spans[0]
        root.set_attribute("process.exit.code", status)
        if status:
            root.set_status(Status(StatusCode.ERROR))
        root.end()
        if not self._ended.spans:
            return  # the sampler wants none
        # A daemon: name resolution heeds no timeout, and the process ends all the same.
        sender = threading.Thread(target=self._send, daemon=True)
        sender.start()
        sender.join(self._patience)

    def _send(self) -> None:
        try:
            result = self._exporter.export(self._ended.spans)
            logs.debug("telemetry: %d spans, %s", len(self._ended.spans), result.name)
        except Exception as error:  # noqa: BLE001 - it is silent
            logs.debug("telemetry: %s", error)


class _Ended(SpanProcessor):
    """Keeps spans until all are sent at once."""

    def __init__(self) -> None:
        self.spans: list[ReadableSpan] = []

    def on_end(self, span: ReadableSpan) -> None:
        if span.context is not None and span.context.trace_flags.sampled:
            self.spans.append(span)


def _fail(span: Span, error: BaseException) -> None:
    # No record_exception: it would take the message and the stack along.
    span.set_attribute("error.type", type(error).__name__)
    if isinstance(error, VerificationError):
        span.set_attribute("git_model.reason", error.reason.value)
    span.set_status(Status(StatusCode.ERROR))


def _patience() -> float:
    asked = os.environ.get(_PATIENCE_VARIABLE, "").strip()
    return int(asked) / 1000 if asked else _PATIENCE_SECONDS
