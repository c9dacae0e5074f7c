"""Two million rows: time a row and memory, at the end as at the beginning; and four at once."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from benchmarks import files
from benchmarks.line import Line
from benchmarks.servers import fresh_server
from rollbook import NotFoundError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from rollbook import AdminClient

ROWS = 2_000_000
SHARE = 10  # of the rows, at the beginning and at the end
AT_ONCE = 4
UPLOAD = "long"
LOOK_SECONDS = 0.02


def measure(folder: Path, _rounds: int) -> Iterator[Line]:
    """Upload one long file, then four of the usual length at the same time; once each."""
    folder = folder / "long"
    folder.mkdir()
    yield from _one_long(folder)
    yield _four(folder)


def _one_long(folder: Path) -> Iterator[Line]:
    path = files.write(folder / "long.csv", files.good_rows(ROWS))
    with (
        fresh_server(folder / "one", "--max-rows", str(ROWS)) as server,
        server.admin() as admin,
    ):
        profile = admin.create_profile("Benchmark").profile_id
        idle = server.memory_kib("VmRSS")
        with ThreadPoolExecutor(1) as pool:
            begun = time.perf_counter()
            watching = pool.submit(_committed_at, admin, begun)
            done = admin.upload_devices(profile, path, upload_id=UPLOAD)
            ended = time.perf_counter() - begun
            first, before_last = watching.result()
        assert done.created_count == ROWS
        ratio = (ended - before_last) / first
        yield Line(f"time a row, last tenth of {ROWS:,} / first", ratio, "<= 1.3 times")
        peak = (server.memory_kib("VmHWM") - idle) / 1024
        yield Line(f"peak memory above idle, {ROWS:,} rows, MiB", peak, "<= 32 MiB")


def _committed_at(admin: AdminClient, begun: float) -> list[float]:
    """Give after how many seconds the first share of rows was committed, and all but the last."""
    found = []
    for rows in (ROWS // SHARE, ROWS - ROWS // SHARE):
        while _committed_rows(admin) < rows:
            time.sleep(LOOK_SECONDS)
        found.append(time.perf_counter() - begun)
    return found


def _committed_rows(admin: AdminClient) -> int:
    try:
        return admin.get_upload(UPLOAD).committed_rows
    except NotFoundError:  # not opened yet
        return 0


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
