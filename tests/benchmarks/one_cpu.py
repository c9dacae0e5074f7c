"""What a server that is kept on one CPU gains with devices, and loses with uploads."""

from __future__ import annotations

import os
import statistics
import time
from typing import TYPE_CHECKING

from benchmarks import enrollments
from benchmarks.files import good_rows, write
from benchmarks.line import Line
from running import ServerProcess

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ROWS = 200_000


class OnOneCpu(ServerProcess):
    """A server that has one CPU of this machine."""

    def launch(self) -> bool:
        """Start it with what it keeps: it inherits ours, which we take back."""
        before = os.sched_getaffinity(0)
        os.sched_setaffinity(0, {max(before)})
        try:
            return super().launch()
        finally:
            os.sched_setaffinity(0, before)


def measure(folder: Path, rounds: int) -> Iterator[Line]:
    """Enroll devices and upload a file, on one CPU and on all in turn."""
    path = write(folder / "one-cpu.csv", good_rows(ROWS))
    kinds: dict[str, type[ServerProcess]] = {"one": OnOneCpu, "all": ServerProcess}
    answered: dict[str, list[float]] = {name: [] for name in kinds}
    uploaded: dict[str, list[float]] = {name: [] for name in kinds}
    for number in range(rounds):
        for name, kind in kinds.items():
            place = folder / f"{name}-{number}"
            place.mkdir()
            _, enrolled = enrollments.with_server(kind(place / "enrolling"), 1)
            answered[name].append(enrolled.percentile(0.5))
            uploaded[name].append(_upload(kind(place / "uploading"), path))
    yield _line("EnrollDevice, 64 in flight, p50", answered)
    yield _line("UploadDevices, 200,000 rows", uploaded)


def _line(what: str, seconds: dict[str, list[float]]) -> Line:
    one, other = map(statistics.median, (seconds["one"], seconds["all"]))
    told = f"none; here {one * 1e3:.1f} ms / {other * 1e3:.1f} ms"
    return Line(f"{what}, server on one CPU / on all", one / other, told)


def _upload(server: ServerProcess, path: Path) -> float:
    """Give the seconds of an upload."""
    server.start()
    try:
        with server.admin() as admin:
            profile = admin.create_profile("Benchmark")
            begun = time.perf_counter()
            admin.upload_devices(profile.profile_id, path)
            return time.perf_counter() - begun
    finally:
        server.terminate()
