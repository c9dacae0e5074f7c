"""Calls as spans: in the trace of their callers, with what they waited for."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from queue import Queue
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from rollbook import NotFoundError
from rollbook.v1 import enrollment_service_pb2, enrollment_service_pb2_grpc
from rollbook_server.observing import traces
from running import ServerProcess
from uploads.wire import until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from opentelemetry.sdk.trace import ReadableSpan

    from rollbook import AdminClient
    from running import Server

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
ENROLL = "rollbook.v1.EnrollmentService/EnrollDevice"


@pytest.fixture
def spans(begun: Path, monkeypatch: pytest.MonkeyPatch) -> InMemorySpanExporter:  # noqa: ARG001
    """Take what servers of this test trace.

    Not the one that all directories are copied from, which would close what we take it with.
    """
    exporter = InMemorySpanExporter()
    monkeypatch.setattr(traces, "processor", lambda: SimpleSpanProcessor(exporter))
    return exporter


def enroll(address: str, **metadata: str) -> None:
    request = enrollment_service_pb2.EnrollDeviceRequest(imeis=["490154203237518"])
    with grpc.insecure_channel(address) as channel:
        stub = enrollment_service_pb2_grpc.EnrollmentServiceStub(channel)
        stub.EnrollDevice(request, metadata=tuple(metadata.items()))


def called(exporter: InMemorySpanExporter, name: str) -> ReadableSpan:
    """Give the span of that name, which may end after the caller has the answer."""
    until(lambda: name in {span.name for span in exporter.get_finished_spans()})
    (found,) = [span for span in exporter.get_finished_spans() if span.name == name]
    return found


def test_a_call_is_part_of_the_trace_of_its_caller(
    spans: InMemorySpanExporter, server: Server
) -> None:
    enroll(server.address, traceparent=f"00-{TRACE}-{SPAN}-01")
    call = called(spans, ENROLL)
    assert call.kind is SpanKind.SERVER
    assert call.context is not None
    assert call.parent is not None
    assert f"{call.context.trace_id:032x}" == TRACE
    assert f"{call.parent.span_id:016x}" == SPAN
    told = dict(call.attributes or {})
    assert (told["rpc.system"], told["rpc.method"]) == ("grpc", "EnrollDevice")
    assert told["rpc.grpc.status_code"] == 0


def test_what_a_call_waited_for_is_part_of_it(spans: InMemorySpanExporter, server: Server) -> None:
    enroll(server.address)
    call, write = called(spans, ENROLL), called(spans, "store.write_together")
    assert call.context is not None
    assert write.parent is not None
    assert write.parent.span_id == call.context.span_id


@pytest.mark.parametrize("nonsense", ["", "00-zz", f"00-{'0' * 32}-{SPAN}-01", "x" * 5000])
def test_nonsense_begins_a_new_trace(
    spans: InMemorySpanExporter, server: Server, nonsense: str
) -> None:
    enroll(server.address, traceparent=nonsense)
    assert called(spans, ENROLL).parent is None


def test_a_caller_s_fault_is_told_and_is_no_failure_of_the_server(
    spans: InMemorySpanExporter, admin: AdminClient
) -> None:
    with pytest.raises(NotFoundError):
        admin.get_profile("prf-1")
    call = called(spans, "rollbook.v1.ProfileService/GetProfile")
    told = dict(call.attributes or {})
    assert told["rollbook.reason"] == "PROFILE_NOT_FOUND"
    assert told["rollbook.api_key_id"] == "admin"
    assert call.status.status_code is StatusCode.UNSET


def test_of_an_error_the_store_tells_nothing_that_may_name_a_device(
    spans: InMemorySpanExporter, admin: AdminClient
) -> None:
    with pytest.raises(NotFoundError):
        admin.get_profile("356938035643809")
    read = called(spans, "store.read")
    assert (read.status.status_code, read.status.description) == (StatusCode.ERROR, "RollbookError")
    assert not read.events


def test_a_failure_of_the_server_is_told_as_one(
    spans: InMemorySpanExporter,
    server: Server,
    admin: AdminClient,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(server.app._store, "read", fail)
    with pytest.raises(Exception, match="A bug of the server"):
        admin.get_profile("prf-1")
    call = called(spans, "rollbook.v1.ProfileService/GetProfile")
    assert call.status.status_code is StatusCode.ERROR
    assert call.status.description == "INTERNAL_ERROR"


class Collector(HTTPServer):
    """Takes spans by OTLP over HTTP, as a collector does."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Taking)
        self.taken: Queue[Any] = Queue()


class _Taking(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        if self.headers.get("content-encoding") == "gzip":
            import gzip  # noqa: PLC0415

            body = gzip.decompress(body)
        server: Any = self.server
        server.taken.put(trace_service_pb2.ExportTraceServiceRequest.FromString(body))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def collector() -> Iterator[Collector]:
    with Collector() as collector:
        thread = threading.Thread(target=collector.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield collector
        collector.shutdown()
        thread.join()


def test_spans_reach_a_collector(
    collector: Collector, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    host, port = collector.server_address[:2]
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://{host!s}:{port}")
    process = ServerProcess(tmp_path / "data", "--traces").start()
    try:
        enroll(process.address, traceparent=f"00-{TRACE}-{SPAN}-01")
        assert process.terminate() == 0  # which sends what is left
    finally:
        process.kill()
    taken = collector.taken.get(timeout=30)
    (resource,) = taken.resource_spans
    named = {each.key: each.value for each in resource.resource.attributes}
    assert named["service.name"].string_value == "rollbook"
    spans = [span for scope in resource.scope_spans for span in scope.spans]
    assert ENROLL in {span.name for span in spans}
    assert TRACE in {span.trace_id.hex() for span in spans}


def test_a_server_serves_and_stops_without_a_collector(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")  # nobody is there
    process = ServerProcess(tmp_path / "data", "--traces").start()
    try:
        enroll(process.address)
        assert process.terminate() == 0
    finally:
        process.kill()
    assert "Traceback" not in process.log.read_text()


@pytest.fixture
def silent() -> Iterator[str]:
    """Give the URL of a collector that lets everybody in and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


def test_a_server_does_not_stop_later_for_a_collector_that_is_silent(
    silent: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", silent)
    process = ServerProcess(tmp_path / "data", "--traces").start()
    try:
        enroll(process.address)
        assert process.terminate() == 0  # 1 if it took all the time there is
    finally:
        process.kill()
    assert "not done with stopping" not in process.log.read_text()


def test_what_opentelemetry_refuses_is_no_bug_of_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_BSP_MAX_QUEUE_SIZE", "0")
    process = ServerProcess(tmp_path / "data", "--traces")
    assert not process.launch()
    assert process.wait() == 1
    (told,) = map(json.loads, process.log.read_text().splitlines())
    assert told["error"]["reason"] == "SERVER_CANNOT_START"
    assert "max_queue_size must be a positive integer" in told["error"]["message"]


def test_without_its_extra_it_is_said_what_to_install(tmp_path: Path) -> None:
    script = (
        "import sys; sys.modules['opentelemetry'] = None\n"
        "from rollbook.cli import main; sys.exit(main())"
    )
    options = ["serve", "--traces", "--listen", "127.0.0.1:0", "--data-dir", str(tmp_path)]
    done = subprocess.run(
        [sys.executable, "-c", script, *options], capture_output=True, text=True, check=False
    )
    assert done.returncode != 0
    assert "pip install 'rollbook[traces]'" in done.stderr
    assert "Traceback" not in done.stderr


def test_without_being_asked_nothing_is_traced(
    spans: InMemorySpanExporter, serve: Callable[..., Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("running.TRACED", False)
    enroll(serve().address)
    assert spans.get_finished_spans() == ()
