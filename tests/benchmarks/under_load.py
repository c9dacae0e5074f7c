"""EnrollDevice while a file is uploaded, against the same on a server that does nothing else."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import grpc

sys.path.insert(0, str(Path(__file__).parents[1]))  # it runs as a script, too

from benchmarks import files
from benchmarks.enrollments import enroll
from benchmarks.line import Line
from benchmarks.servers import fresh_server
from rollbook import AdminClient, DeviceRow, OnConflict, OnInvalidRow
from rollbook.v1 import enrollment_service_pb2_grpc

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

DEVICES = 20_000
IDLE_SECONDS = 2.0
PERCENTILE = 0.99
ROWS = 200_000
GOAL = "<= 3 times"
BEFORE = 100  # enrollments
IN_FLIGHT = 4  # a steady trickle: a storm would measure the storm


def measure(folder: Path, rounds: int) -> Iterator[Line]:
    """Enroll one after another, first alone, then while uploads run."""
    folder = folder / "under-load"
    folder.mkdir()
    path = files.write(folder / "devices.csv", files.good_rows(ROWS))
    other = files.write(folder / "others.csv", files.changed_rows(ROWS))
    with fresh_server(folder / "server") as server, server.admin() as admin:
        profile = admin.create_profile("Benchmark", tokenless=True).profile_id
        rows = [DeviceRow(imei=f"86{number:012}") for number in range(DEVICES)]
        admin.upload_rows(profile, rows)

        def during(*arguments: object) -> list[float]:
            upload = [sys.executable, __file__, server.address, profile, *map(str, arguments)]
            return _latencies(server.address, rows, lambda: _run(upload, server.api_key))

        idle = _percentile(_latencies(server.address, rows, lambda: time.sleep(IDLE_SECONDS)))
        plain = during("SKIP", "REJECT", *[path] * rounds)
        yield Line("EnrollDevice, p99 during uploads / idle", _percentile(plain) / idle, GOAL)
        strict = during("FAIL", "REJECT", *[path] * rounds)
        what = "EnrollDevice, {} during strict uploads / idle p99"
        yield Line(what.format("p99"), _percentile(strict) / idle, GOAL)
        yield Line(what.format("longest"), max(strict) / idle, "none")
        during("SKIP", "KEEP", path)
        changing = during("FAIL", "UPDATE", other, path)
        what = "EnrollDevice, {} while strict ones change all rows / idle p99"
        yield Line(what.format("p99"), _percentile(changing) / idle, GOAL)
        yield Line(what.format("longest"), max(changing) / idle, "none")


def _run(command: list[str], api_key: str) -> None:
    """Run it in a process of its own, or enrollments would wait for its work in Python."""
    subprocess.run(command, env={**os.environ, "ROLLBOOK_API_KEY": api_key}, check=True)


def _upload(address: str, profile: str, on_invalid_row: str, on_conflict: str, *paths: str) -> None:
    """Upload files one after another; what is rejected on conflict is discarded each time."""
    with AdminClient(address, api_key=os.environ["ROLLBOOK_API_KEY"]) as admin:
        for path in paths:
            done = admin.upload_devices(
                profile,
                path,
                on_invalid_row=OnInvalidRow(on_invalid_row),
                on_conflict=OnConflict(on_conflict),
            )
            assert done.row_count == ROWS
            if on_conflict == OnConflict.REJECT:
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
    while len(found) < BEFORE:  # what is measured is a server in use, not two beginnings
        time.sleep(0.01)
    found.clear()
    try:
        work()
    finally:
        ended.set()
        for thread in threads:
            thread.join()
    return found


def _percentile(seconds: list[float]) -> float:
    return sorted(seconds)[int(len(seconds) * PERCENTILE)]


if __name__ == "__main__":
    _upload(*sys.argv[1:])
