"""Uploads that are not all good, or no CSV: against the file in which every row is good."""

from __future__ import annotations

import statistics
import time
from typing import TYPE_CHECKING

from benchmarks import files
from benchmarks.line import Line
from benchmarks.servers import fresh_server
from rollbook import DeviceRow

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from rollbook import AdminClient, Upload

ROWS = 200_000
GOAL = "<= 2 times"


def measure(folder: Path, rounds: int) -> Iterator[Line]:
    """Upload every kind in turn, each to a roll of its own but for the unchanged one."""
    folder = folder / "kinds"
    folder.mkdir()
    seconds: dict[str, list[float]] = {}
    peaks: dict[str, list[float]] = {}
    for number in range(rounds):
        for kind, taken, peak in _round(folder / str(number), _kinds(folder)):
            seconds.setdefault(kind, []).append(taken)
            peaks.setdefault(kind, []).append(peak)
    good = statistics.median(seconds.pop("good"))
    for kind, taken_all in seconds.items():
        yield Line(f"200,000 {kind} rows / good rows", statistics.median(taken_all) / good, GOAL)
    worst = max(map(statistics.median, peaks.values()))
    yield Line("peak memory above idle of the worst of them, MiB", worst, "<= 32 MiB")


def _kinds(folder: Path) -> dict[str, Callable[[AdminClient, str], Upload]]:
    good = files.write(folder / "good.csv", files.good_rows(ROWS))
    bad = files.write(folder / "bad.csv", files.bad_rows(ROWS))
    repeated = files.write(folder / "repeated.csv", files.repeated_rows(ROWS))
    typed = [
        DeviceRow(imei, serial_number=serial, manufacturer=maker, attributes=_attributes(others))
        for imei, serial, maker, *others in files.good_rows(ROWS)
    ]
    return {
        "bad": lambda admin, profile: admin.upload_devices(profile, bad),
        "repeated": lambda admin, profile: admin.upload_devices(profile, repeated),
        "typed": lambda admin, profile: admin.upload_rows(profile, typed),
        "good": lambda admin, profile: admin.upload_devices(profile, good),
    }


def _attributes(others: list[str]) -> dict[str, str]:
    return dict(zip(files.HEADER[3:], others, strict=True))


def _round(
    folder: Path, kinds: dict[str, Callable[[AdminClient, str], Upload]]
) -> Iterator[tuple[str, float, float]]:
    folder.mkdir()
    for kind, send in kinds.items():
        with fresh_server(folder / kind) as server, server.admin() as admin:
            profile = admin.create_profile("Benchmark").profile_id
            idle = server.memory_kib("VmRSS")
            yield kind, _seconds(admin, profile, send), (server.memory_kib("VmHWM") - idle) / 1024
            if kind == "good":
                yield "unchanged", _seconds(admin, profile, send), 0.0
                for each in list(admin.list_uploads(profile)):
                    admin.discard_upload(each.upload_id)
                yield "just discarded", _seconds(admin, profile, send), 0.0


def _seconds(admin: AdminClient, profile: str, send: Callable[[AdminClient, str], Upload]) -> float:
    begun = time.perf_counter()
    assert send(admin, profile).row_count == ROWS
    return time.perf_counter() - begun
