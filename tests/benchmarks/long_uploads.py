"""Two million rows: time a row and memory, at the end as at the beginning; and four at once."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from benchmarks import files
from benchmarks.line import Line
from benchmarks.servers import fresh_server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from rollbook import UploadProgress

ROWS = 2_000_000
SHARE = 10  # of the rows, at the beginning and at the end
AT_ONCE = 4


def measure(folder: Path, _rounds: int) -> Iterator[Line]:
    """Upload one long file, then four of the usual length at the same time; once each."""
    folder = folder / "long"
    folder.mkdir()
    yield from _one_long(folder)
    yield _four(folder)


def _one_long(folder: Path) -> Iterator[Line]:
    path = files.write(folder / "long.csv", files.good_rows(ROWS))
    clock = _Clock()
    with (
        fresh_server(folder / "one", "--max-rows", str(ROWS)) as server,
        server.admin() as admin,
    ):
        profile = admin.create_profile("Benchmark").profile_id
        idle = server.memory_kib("VmRSS")
        clock.begin()
        done = admin.upload_devices(profile, path, progress=clock)
        assert done.created_count == ROWS
        yield Line(f"time a row, last tenth of {ROWS:,} / first", clock.ratio(), "<= 1.3 times")
        peak = (server.memory_kib("VmHWM") - idle) / 1024
        yield Line(f"peak memory above idle, {ROWS:,} rows, MiB", peak, "<= 32 MiB")


class _Clock:
    """Notes when the bytes of an upload were taken; a stream holds a few messages at most."""

    def __init__(self) -> None:
        self._begun = 0.0
        self._seen: list[tuple[float, float]] = []

    def begin(self) -> None:
        self._begun = time.perf_counter()

    def __call__(self, progress: UploadProgress) -> None:
        share = progress.sent_bytes / (progress.total_bytes or 1)
        self._seen.append((share, time.perf_counter() - self._begun))

    def ratio(self) -> float:
        """Give the time of the last share over that of the first."""
        first = next(seconds for share, seconds in self._seen if share >= 1 / SHARE)
        before_last = next(seconds for share, seconds in self._seen if share >= 1 - 1 / SHARE)
        return (self._seen[-1][1] - before_last) / first


def _four(folder: Path) -> Line:
    paths = []
    for number in range(AT_ONCE):
        rows = (
            (f"3{number}{row[0][2:]}", f"{number}{row[1]}", *row[2:])
            for row in files.good_rows(ROWS // 10)
        )
        paths.append(files.write(folder / f"{number}.csv", rows))
    with fresh_server(folder / "four") as server, server.admin() as admin:
        profile = admin.create_profile("Benchmark").profile_id
        idle = server.memory_kib("VmRSS")
        with ThreadPoolExecutor(AT_ONCE) as pool:
            uploads = list(pool.map(lambda path: admin.upload_devices(profile, path), paths))
        assert sum(upload.created_count for upload in uploads) == AT_ONCE * ROWS // 10
        peak = (server.memory_kib("VmHWM") - idle) / 1024
    return Line("peak memory above idle, four uploads at once, MiB", peak, "<= 128 MiB")
