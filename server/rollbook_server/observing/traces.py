"""Calls as spans of OpenTelemetry, with what they waited for in the store.

The extra `traces`. Where spans go, and of how many calls, is told by the variables that
every program with OpenTelemetry has: OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_TRACES_SAMPLER.
"""

from __future__ import annotations

import os
from threading import Thread
from typing import TYPE_CHECKING, Any

import grpc
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from rollbook_server.observing.traced_store import TracedStore

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.sdk.trace import SpanProcessor
    from opentelemetry.trace import Span, Tracer

    from rollbook_server.domain.ports import Store
    from rollbook_server.transport.watch import SeenCall

_CARRIED = ("traceparent", "tracestate")
_PROPAGATOR = TraceContextTextMapPropagator()
_CLOSE_SECONDS = 2.0  # for spans that are left; nobody waits longer for a collector

# Those of a server's own making, as OpenTelemetry's conventions for gRPC have it.
_FAILURES = frozenset(
    {
        grpc.StatusCode.UNKNOWN,
        grpc.StatusCode.DEADLINE_EXCEEDED,
        grpc.StatusCode.UNIMPLEMENTED,
        grpc.StatusCode.INTERNAL,
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.DATA_LOSS,
    }
)


def processor() -> SpanProcessor:
    """Give what takes spans to a collector, in the background."""
    return BatchSpanProcessor(OTLPSpanExporter())


class Traces:
    """The spans of one server; close it."""

    def __init__(self) -> None:
        # Python would close it again at the end of the process, and wait for a collector there.
        self._provider = TracerProvider(resource=_resource(), shutdown_on_exit=False)
        self._provider.add_span_processor(processor())
        self._tracer = self._provider.get_tracer("rollbook")
        self.calls = CallSpans(self._tracer)

    def of(self, store: Store) -> Store:
        """Give a store that leaves spans in those of calls."""
        return TracedStore(store, self._tracer)

    def close(self) -> None:
        """Send what is left, if somebody takes it.

        In a thread of its own, for both wait for a collector that is silent, whatever limit
        they are given; what they do not get rid of is lost with the process.
        """
        closing = Thread(target=self._close, name="rollbook-traces", daemon=True)
        closing.start()
        closing.join(_CLOSE_SECONDS)

    def _close(self) -> None:
        self._provider.force_flush()
        self._provider.shutdown()


class CallSpans:
    """Makes a span of every call, in the trace of its caller if that has one."""

    is_on = True

    def __init__(self, tracer: Tracer) -> None:
        self._tracer = tracer

    def came(self, call: SeenCall) -> None:
        """Begin a span."""
        name, parent = call.path[1:], _parent(call.metadata)
        span = self._tracer.start_span(name, parent, kind=SpanKind.SERVER)
        call.span = span
        if span.is_recording():
            span.set_attributes(
                {
                    "rpc.system": "grpc",
                    "rpc.service": call.service,
                    "rpc.method": call.method,
                    "rollbook.request_id": call.request_id,
                }
            )

    def ended(self, call: SeenCall) -> None:
        """End it with what became of the call."""
        span: Span = call.span
        if span.is_recording():
            number: Any = call.code.value  # (number, name), which the type stubs do not tell
            span.set_attribute("rpc.grpc.status_code", number[0])
            for name, told in (("reason", call.reason), ("api_key_id", call.api_key_id)):
                if told:
                    span.set_attribute(f"rollbook.{name}", told)
            if call.code in _FAILURES:
                span.set_status(StatusCode.ERROR, call.reason)
        span.end()


def _parent(metadata: Any) -> Context:
    """Give the trace of the caller; a new one for who names none, or nonsense."""
    carrier = {name: value for name, value in metadata if name in _CARRIED}
    return _PROPAGATOR.extract(carrier)


def _resource() -> Resource:
    """Give what names this process; the variables of OpenTelemetry win."""
    named = os.environ.get("OTEL_SERVICE_NAME") or "service.name" in os.environ.get(
        "OTEL_RESOURCE_ATTRIBUTES", ""
    )
    ours: dict[str, str | int] = {"process.pid": os.getpid()}
    return Resource.create(ours if named else {SERVICE_NAME: "rollbook", **ours})
