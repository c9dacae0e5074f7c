"""A server ends as it should whoever reads what it says, or does not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from running import ServerProcess
from stopping.reader import Reader

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ServerProcess]:
    server = ServerProcess(tmp_path / "data", "--drain-seconds", "60")
    yield server
    server.kill()


@pytest.fixture
def reader(server: ServerProcess) -> Iterator[Reader]:
    reader = Reader(server.log)
    yield reader
    reader.end()


def stops_as_it_should(server: ServerProcess) -> None:
    """See that it tells a watcher of its health, and ends."""
    with grpc.insecure_channel(server.address) as channel:
        watch = health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest())
        assert next(watch).status == health_pb2.HealthCheckResponse.SERVING
        assert server.terminate() == 0
        assert next(watch).status == health_pb2.HealthCheckResponse.NOT_SERVING


def test_it_stops_where_the_reader_of_its_stderr_is_gone(
    server: ServerProcess, reader: Reader
) -> None:
    server.start()
    reader.leave()
    stops_as_it_should(server)


def test_it_stops_where_the_reader_of_its_stderr_stands_still(
    server: ServerProcess, reader: Reader
) -> None:
    server.start()
    reader.stand_still()
    stops_as_it_should(server)
