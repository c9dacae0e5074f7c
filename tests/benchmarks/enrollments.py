"""EnrollDevice, durable, against an empty call on the same server and client."""

from __future__ import annotations

import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from benchmarks.line import Line
from rollbook import DeviceRow
from rollbook.v1 import enrollment_service_pb2, enrollment_service_pb2_grpc
from running import ServerProcess

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

CALLS = 4_000  # of each kind a round
IN_FLIGHT = 64
WHAT = "EnrollDevice, 64 in flight / an empty call"


def measure(folder: Path, rounds: int) -> Iterator[Line]:
    """Enroll devices and make empty calls in turn."""
    yield Line(WHAT, ratio(folder / "enrollments", rounds), ">= 0.8 of its rate")


def ratio(folder: Path, rounds: int, *options: str) -> float:
    """Give the ratio of the two rates, on a server with these options."""
    folder.mkdir()
    server = ServerProcess(folder / "data", *options).start()
    try:
        with server.admin() as admin:
            profile = admin.create_profile("Benchmark", tokenless=True)
            rows = [DeviceRow(imei=f"35{number:012}") for number in range(CALLS * rounds)]
            admin.upload_rows(profile.profile_id, rows)
        return compare(server.address, rows, rounds)
    finally:
        server.terminate()


def compare(address: str, rows: list[DeviceRow], rounds: int) -> float:
    """Give the ratio of the two rates."""
    with grpc.insecure_channel(address) as channel:
        health = health_pb2_grpc.HealthStub(channel)
        enrollment = enrollment_service_pb2_grpc.EnrollmentServiceStub(channel)
        empty, enrolled = [], []
        for number in range(rounds):
            mine = rows[number * CALLS : (number + 1) * CALLS]
            empty.append(rate(lambda _: health.Check(health_pb2.HealthCheckRequest()), mine))
            enrolled.append(rate(lambda row: enroll(enrollment, row), mine))
    return statistics.median(enrolled) / statistics.median(empty)


def enroll(stub: enrollment_service_pb2_grpc.EnrollmentServiceStub, row: DeviceRow) -> None:
    """Enroll one device, which must succeed."""
    answer = stub.EnrollDevice(enrollment_service_pb2.EnrollDeviceRequest(imeis=[row.imei]))
    assert answer.device_id


def rate(call: Callable[[DeviceRow], object], rows: list[DeviceRow]) -> float:
    """Give calls a second."""
    with ThreadPoolExecutor(IN_FLIGHT) as pool:
        begun = time.perf_counter()
        for _ in pool.map(call, rows):
            pass
        return len(rows) / (time.perf_counter() - begun)
