"""What must hold of a whole server, whatever streams reach it."""

from __future__ import annotations

import json
from contextlib import contextmanager
from functools import partial
from random import Random
from typing import TYPE_CHECKING, Any, cast

import grpc
from google.rpc import error_details_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_status import rpc_status

from fuzz import parser, streams
from fuzz.documented import upload_reasons
from rollbook.v1 import device_service_pb2, device_service_pb2_grpc, upload_pb2
from rollbook_server.config import Config
from rollbook_server.domain.csv_faults import CsvLimits
from rollbook_server.domain.csv_reader import CsvReader
from rollbook_server.domain.upload_limits import UploadLimits
from running import Server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from fuzz.streams import Stream

MOST_ROWS = 6
# Far beyond what any of these streams takes: who needs longer hangs.
_DEADLINE_SECONDS = 60
_PATH = "/rollbook.v1.DeviceService/UploadDevices"
_FORBIDDEN = {grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN, grpc.StatusCode.UNIMPLEMENTED}
_FINISHED = upload_pb2.UPLOAD_STATE_FINISHED


class Target:
    """A server with three profiles, and the wires to it."""

    def __init__(self, server: Server) -> None:
        self._server, self._channel = server, grpc.insecure_channel(server.address)
        self._key = (("authorization", f"Bearer {server.api_key}"),)
        self._upload: Any = self._channel.stream_unary(
            _PATH, response_deserializer=device_service_pb2.UploadDevicesResponse.FromString
        )
        self._devices = device_service_pb2_grpc.DeviceServiceStub(self._channel)
        self._check_health = health_pb2_grpc.HealthStub(self._channel).Check
        with server.admin() as admin:
            made = [admin.create_profile(name).profile_id for name in ("A", "B", "C")]
        self.profiles = made
        self._reasons = upload_reasons()

    def close(self) -> None:
        self._channel.close()

    def send(self, stream: Stream) -> list[str]:
        """Send one stream; raises AssertionError if the answer is none that is promised."""
        try:
            answer = self._upload(
                iter(stream.messages), metadata=self._key, timeout=_DEADLINE_SECONDS
            )
        except grpc.RpcError as error:
            outcome = self._reason(error)
        else:
            _check_counts(answer.upload)
            outcome = upload_pb2.UploadState.Name(answer.upload.state)
        if stream.file is not None:
            assert outcome == _expected(stream.file)
        self._check_alive(stream.upload_id)
        return [f"stream: {outcome}"]

    def _reason(self, error: grpc.RpcError) -> str:
        call = cast("grpc.Call", error)
        assert call.code() not in _FORBIDDEN, call
        status = rpc_status.from_call(call)
        assert status is not None, call
        info = error_details_pb2.ErrorInfo()
        assert [detail.Unpack(info) for detail in status.details].count(True) == 1, call
        assert info.domain == "rollbook"
        assert info.reason in self._reasons, call
        return str(info.reason)

    def _check_alive(self, upload_id: str) -> None:
        health = self._check_health(health_pb2.HealthCheckRequest(), timeout=_DEADLINE_SECONDS)
        assert health.status == health_pb2.HealthCheckResponse.SERVING
        request = device_service_pb2.GetUploadRequest(upload_id=upload_id)
        try:
            answer = self._devices.GetUpload(request, metadata=self._key, timeout=_DEADLINE_SECONDS)
        except grpc.RpcError as error:
            found: Any = error
            assert found.code() is grpc.StatusCode.NOT_FOUND, error  # noqa: PT017
        else:
            _check_counts(answer.upload)

    def check_totals(self) -> None:
        """Compare what the profiles count with what is on the roll."""
        with self._server.admin() as admin:
            for profile_id in self.profiles:
                count = admin.get_profile(profile_id).device_count
                assert count == sum(1 for _ in admin.list_devices(profile_id))


def send_many(
    folder: Path, seed: int, numbers: range
) -> Iterator[tuple[bytes, Callable[[], list[str]]]]:
    """Send streams to one new server; gives each as JSON, before it is sent, and its outcome.

    What a stream meets depends on those before it, so a run is repeated from its start.
    """
    with _target(folder) as target:
        for number in numbers:
            stream = streams.make(Random(seed << 32 | number), number, target.profiles)
            told = [message.hex() for message in stream.messages]
            yield json.dumps(told).encode(), partial(target.send, stream)
        target.check_totals()


@contextmanager
def _target(folder: Path) -> Iterator[Target]:
    limits = UploadLimits(max_rows=MOST_ROWS, batch_rows=2)
    config = Config(data_dir=folder, listen="127.0.0.1:0", upload_limits=limits, threads=8)
    server = Server(config)
    target = Target(server)
    try:
        yield target
    finally:
        target.close()
        server.stop()


def _check_counts(upload: Any) -> None:
    """Check that every row counts once; those kept aside under UPDATE and MOVE not yet."""
    told = (upload.created_count, upload.updated_count, upload.unchanged_count)
    assert min(told) >= 0
    assert upload.rejected_count >= 0
    assert sum(told) + upload.rejected_count == upload.row_count, upload
    assert len(upload.errors) == upload.rejected_count, upload
    if upload.state == _FINISHED:
        assert upload.row_count == upload.committed_rows, upload


def _expected(data: bytes) -> str:
    """Give what has to become of a file that is sent without a fault."""
    verdict = parser.read(data, [len(data)], CsvReader(), CsvLimits())
    if len(verdict.records) > MOST_ROWS:
        return "UPLOAD_TOO_MANY_ROWS"
    return str(verdict.error.reason) if verdict.error else "UPLOAD_STATE_FINISHED"
