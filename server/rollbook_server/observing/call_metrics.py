"""Calls in numbers, under the names that the Go gRPC middleware has given them."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import grpc
from prometheus_client import Counter, Histogram

from rollbook_server.transport.watch import kind_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
    from prometheus_client import CollectorRegistry

    from rollbook_server.transport.watch import SeenCall

_METHOD = ("grpc_type", "grpc_service", "grpc_method")

# From what an enrollment takes by itself to what an upload of 200,000 rows takes.
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0)

# As Go spells them, so that dashboards and alerts of the middleware's users fit.
_GO_CODES = {
    code: "OK"
    if code is grpc.StatusCode.OK
    else "Canceled"
    if code is grpc.StatusCode.CANCELLED
    else code.name.title().replace("_", "")
    for code in grpc.StatusCode
}


class CallMetrics:
    """Counts calls, and how long they take. Thread-safe."""

    is_on = True

    def __init__(self, registry: CollectorRegistry, services: Iterable[ServiceDescriptor]) -> None:
        """Begin with what can be counted, so that nothing appears out of the blue."""
        self._families = _Families(registry)
        self._methods = {
            f"/{service.full_name}/{method.name}": _Method(self._families, service, method)
            for service in services
            for method in service.methods
        }

    def came(self, call: SeenCall) -> None:
        """Count a call that begins."""
        method = self._methods.get(call.path)
        if method is not None:
            method.started.inc()

    def ended(self, call: SeenCall) -> None:
        """Count what became of it."""
        method = self._methods.get(call.path)
        if method is not None:
            method.ended(call)


class _Families:
    def __init__(self, registry: CollectorRegistry) -> None:
        self.started = Counter(
            "grpc_server_started", "Calls that came.", _METHOD, registry=registry
        )
        self.handled = Counter(
            "grpc_server_handled",
            "Calls that ended, with whatever code.",
            (*_METHOD, "grpc_code"),
            registry=registry,
        )
        self.received = Counter(
            "grpc_server_msg_received",
            "Messages that were received, counted when their call ends.",
            _METHOD,
            registry=registry,
        )
        self.sent = Counter(
            "grpc_server_msg_sent",
            "Messages that were sent, counted when their call ends.",
            _METHOD,
            registry=registry,
        )
        self.seconds = Histogram(
            "grpc_server_handling_seconds",
            "Seconds from when a call came until its answer, with the time it waited for a thread.",
            _METHOD,
            buckets=_SECONDS,
            registry=registry,
        )
        self.errors = Counter(
            "rollbook_errors",
            "Calls that were answered with an error, by its reason.",
            ("grpc_service", "grpc_method", "reason"),
            registry=registry,
        )


class _Method:
    """What is counted of one method; keeps what the library would look up at every call."""

    def __init__(
        self, families: _Families, service: ServiceDescriptor, method: MethodDescriptor
    ) -> None:
        described: Any = method  # the type stubs know neither of the two
        kind = kind_of(
            request_streaming=described.client_streaming,
            response_streaming=described.server_streaming,
        )
        self._families = families
        self._names = service.full_name, method.name
        labels = self._labels = kind, *self._names
        self.started = families.started.labels(*labels)
        self._received = families.received.labels(*labels)
        self._sent = families.sent.labels(*labels)
        self._handled: dict[grpc.StatusCode, Any] = {}
        self._count_of(grpc.StatusCode.OK)

    @cached_property
    def _seconds(self) -> Any:
        """Begin only with the first call: most methods are seldom called, and it is long."""
        return self._families.seconds.labels(*self._labels)

    def ended(self, call: SeenCall) -> None:
        self._count_of(call.code).inc()
        self._received.inc(call.received)
        self._sent.inc(call.sent)
        self._seconds.observe(call.seconds)
        if call.reason:
            self._families.errors.labels(*self._names, call.reason).inc()

    def _count_of(self, code: grpc.StatusCode) -> Any:
        child = self._handled.get(code)
        if child is None:
            labels = (*self._labels, _GO_CODES[code])
            child = self._handled[code] = self._families.handled.labels(*labels)
        return child
