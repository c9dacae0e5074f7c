"""EnrollDevice, durable, against an empty call on the same server and client.

Its rate has a goal; how long single calls take, 64 being under way all the time, has none
and is told beside it, in milliseconds of this machine as well.
"""

from __future__ import annotations

import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
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
PERCENTILES = {"p50": 0.5, "p99": 0.99, "p99.9": 0.999}


def measure(folder: Path, rounds: int) -> Iterator[Line]:
    """Enroll devices and make empty calls in turn."""
    yield from on_server(folder / "enrollments", rounds, "", ">= 0.8 of its rate")


def on_server(folder: Path, rounds: int, where: str, goal: str, *options: str) -> Iterator[Line]:
    """Give the lines of a server with these options; `where` says which."""
    folder.mkdir()
    empty, enrolled = with_server(ServerProcess(folder / "data", *options), rounds)
    what = f"EnrollDevice{where}, 64 in flight"
    ratio = statistics.median(enrolled.rates) / statistics.median(empty.rates)
    yield Line(f"{what} / an empty call", ratio, goal)
    for name, place in PERCENTILES.items():
        took, other = enrolled.percentile(place), empty.percentile(place)
        told = f"none; here {took * 1e3:.1f} ms / {other * 1e3:.1f} ms"
        yield Line(f"{what}, {name} / an empty call's", took / other, told)


def with_server(server: ServerProcess, rounds: int) -> tuple[Timed, Timed]:
    """Start a server and end it; gives empty calls to it, and the devices that it enrolled."""
    server.start()
    try:
        with server.admin() as admin:
            profile = admin.create_profile("Benchmark", tokenless=True)
            rows = [DeviceRow(imei=f"35{number:012}") for number in range(CALLS * rounds)]
            admin.upload_rows(profile.profile_id, rows)
        return measured(server.address, rows, rounds)
    finally:
        server.terminate()


def measured(address: str, rows: list[DeviceRow], rounds: int) -> tuple[Timed, Timed]:
    """Make empty calls and enroll devices in turn."""
    empty, enrolled = Timed(), Timed()
    with grpc.insecure_channel(address) as channel:
        health = health_pb2_grpc.HealthStub(channel)
        enrollment = enrollment_service_pb2_grpc.EnrollmentServiceStub(channel)
        for number in range(rounds):
            mine = rows[number * CALLS : (number + 1) * CALLS]
            empty.run(lambda _: health.Check(health_pb2.HealthCheckRequest()), mine)
            enrolled.run(lambda row: enroll(enrollment, row), mine)
    return empty, enrolled


def enroll(stub: enrollment_service_pb2_grpc.EnrollmentServiceStub, row: DeviceRow) -> None:
    """Enroll one device, which must succeed."""
    answer = stub.EnrollDevice(enrollment_service_pb2.EnrollDeviceRequest(imeis=[row.imei]))
    assert answer.device_id


@dataclass
class Timed:
    """The calls a second of each round, and the seconds that every call of all of them took."""

    rates: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)

    def run(self, call: Callable[[DeviceRow], object], rows: list[DeviceRow]) -> None:
        """Make a round of calls, so many in flight."""

        def timed(row: DeviceRow) -> float:
            begun = time.perf_counter()
            call(row)
            return time.perf_counter() - begun

        with ThreadPoolExecutor(IN_FLIGHT) as pool:
            begun = time.perf_counter()
            self.seconds += pool.map(timed, rows)
            self.rates.append(len(rows) / (time.perf_counter() - begun))

    def percentile(self, share: float) -> float:
        """Give the seconds in which so large a share of the calls was answered."""
        return sorted(self.seconds)[int(len(self.seconds) * share)]
