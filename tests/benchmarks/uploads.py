"""UploadDevices against the database's own loader, and what memory it takes."""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import time
from typing import TYPE_CHECKING

from benchmarks.files import good_rows, write
from benchmarks.line import Line
from benchmarks.servers import fresh_server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ROWS = 200_000

# The same keys unique, and every commit on the disk, as in the server.
LOADER = """
PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;
CREATE TABLE devices (imei TEXT UNIQUE, serial_number TEXT, manufacturer TEXT, site TEXT,
    asset_tag TEXT, UNIQUE (serial_number, manufacturer));
.import --csv --skip 1 {path} devices
"""


def measure(folder: Path, rounds: int) -> Iterator[Line]:
    """Upload and load the same file in turn."""
    path = write(folder / "devices.csv", good_rows(ROWS))
    if shutil.which("sqlite3") is None:
        print("sqlite3 is not installed (Debian: apt install sqlite3): uploads are not compared")
        return
    uploaded, loaded, grown = [], [], []
    for number in range(rounds):
        seconds, mebibytes = upload(folder / f"server-{number}", path)
        uploaded.append(seconds)
        grown.append(mebibytes)
        loaded.append(load(folder / f"loaded-{number}.db", path))
    ratio = statistics.median(uploaded) / statistics.median(loaded)
    yield Line("UploadDevices, 200,000 rows / sqlite3 .import", ratio, "<= 1.0 times")
    peak = statistics.median(grown)
    yield Line("peak memory of the server above idle, MiB", peak, "<= 32 MiB")


def upload(folder: Path, path: Path) -> tuple[float, float]:
    """Give the seconds of an upload to a fresh server, and the MiB it grew by."""
    with fresh_server(folder) as server, server.admin() as admin:
        profile = admin.create_profile("Benchmark")
        idle = server.memory_kib("VmRSS")
        os.sync()  # what the one before left to the system to write does not weigh on this
        begun = time.perf_counter()
        done = admin.upload_devices(profile.profile_id, path)
        seconds = time.perf_counter() - begun
        assert done.created_count == ROWS, done
        return seconds, (server.memory_kib("VmHWM") - idle) / 1024


def load(database: Path, path: Path) -> float:
    """Give the seconds of sqlite3 loading the same file."""
    os.sync()
    begun = time.perf_counter()
    script = LOADER.format(path=path)
    subprocess.run(["sqlite3", str(database)], input=script, text=True, check=True, stdout=-3)
    return time.perf_counter() - begun
