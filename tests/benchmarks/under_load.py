"""EnrollDevice while a file is uploaded, against the same on a server that does nothing else."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import grpc

from benchmarks import files
from benchmarks.enrollments import enroll
from benchmarks.line import Line
from benchmarks.servers import fresh_server
from rollbook import DeviceRow
from rollbook.v1 import enrollment_service_pb2_grpc

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from rollbook import AdminClient

DEVICES = 20_000
IDLE_SECONDS = 2.0
PERCENTILE = 0.99
IN_FLIGHT = 4  # a steady trickle: a storm would measure the storm


def measure(folder: Path, rounds: int) -> Iterator[Line]:
    """Enroll one after another, first alone, then while uploads run."""
    folder = folder / "under-load"
    folder.mkdir()
    path = files.write(folder / "devices.csv", files.good_rows(200_000))
    with fresh_server(folder / "server") as server, server.admin() as admin:
        profile = admin.create_profile("Benchmark", tokenless=True).profile_id
        rows = [DeviceRow(imei=f"86{number:012}") for number in range(DEVICES)]
        admin.upload_rows(profile, rows)
        alone = _latencies(server.address, rows, lambda: time.sleep(IDLE_SECONDS))
        busy = _latencies(server.address, rows, lambda: _upload(admin, profile, path, rounds))
    ratio = _percentile(busy) / _percentile(alone)
    yield Line("EnrollDevice, p99 during uploads / idle", ratio, "<= 3 times")


def _upload(admin: AdminClient, profile: str, path: Path, rounds: int) -> None:
    for _ in range(rounds):
        done = admin.upload_devices(profile, path)
        admin.discard_upload(done.upload_id)


def _latencies(address: str, rows: list[DeviceRow], work: Callable[[], object]) -> list[float]:
    """Give the seconds of each enrollment that was made while the work went on."""
    ended, found = threading.Event(), list[float]()

    def go_on(mine: list[DeviceRow]) -> None:
        with grpc.insecure_channel(address) as channel:
            stub = enrollment_service_pb2_grpc.EnrollmentServiceStub(channel)
            for row in mine * 100:
                if ended.is_set():
                    return
                begun = time.perf_counter()
                enroll(stub, row)
                found.append(time.perf_counter() - begun)

    threads = [
        threading.Thread(target=go_on, args=(rows[first::IN_FLIGHT],)) for first in range(IN_FLIGHT)
    ]
    for thread in threads:
        thread.start()
    try:
        work()
    finally:
        ended.set()
        for thread in threads:
            thread.join()
    return found


def _percentile(seconds: list[float]) -> float:
    return sorted(seconds)[int(len(seconds) * PERCENTILE)]
