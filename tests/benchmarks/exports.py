"""ExportDevices against the database's own writer of CSV, on the same database."""

from __future__ import annotations

import shutil
import statistics
import subprocess
import time
from typing import TYPE_CHECKING

from benchmarks import files
from benchmarks.line import Line
from benchmarks.uploads import ROWS
from running import ServerProcess

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from rollbook import AdminClient

# The same columns in the same order, with times as people read them.
WRITER = """
SELECT d.imei, d.imei2, d.serial_number, d.manufacturer, json_extract(d.attributes, '$.Site'),
    json_extract(d.attributes, '$."Asset Tag"'), 'dev-' || d.id,
    iif(d.register_time IS NULL, 'PENDING', 'REGISTERED'),
    strftime('%Y-%m-%dT%H:%M:%SZ', d.register_time / 1000000, 'unixepoch'), d.user_id,
    u.upload_id, d.source_line,
    strftime('%Y-%m-%dT%H:%M:%SZ', d.create_time / 1000000, 'unixepoch'),
    strftime('%Y-%m-%dT%H:%M:%SZ', d.update_time / 1000000, 'unixepoch')
FROM devices d LEFT JOIN uploads u ON u.id = d.upload WHERE d.profile = 1 ORDER BY d.id
"""


def measure(folder: Path, rounds: int) -> Iterator[Line]:
    """Write the same inventory in turn."""
    folder = folder / "exports"
    folder.mkdir()
    if shutil.which("sqlite3") is None:
        print("sqlite3 is not installed (Debian: apt install sqlite3): exports are not compared")
        return
    server = ServerProcess(folder / "data").start()
    try:
        with server.admin() as admin:
            profile = admin.create_profile("Benchmark")
            admin.upload_devices(
                profile.profile_id, files.write(folder / "devices.csv", files.good_rows(ROWS))
            )
            yield compare(admin, profile.profile_id, folder, rounds)
    finally:
        server.terminate()


def compare(admin: AdminClient, profile_id: str, folder: Path, rounds: int) -> Line:
    """Give the ratio of the two times."""
    exported, written = [], []
    for _ in range(rounds):
        begun = time.perf_counter()
        with (folder / "exported.csv").open("wb") as file:
            admin.write_inventory(profile_id, file)
        exported.append(time.perf_counter() - begun)
        written.append(write(folder / "data" / "rollbook.db", folder / "written.csv"))
    ratio = statistics.median(exported) / statistics.median(written)
    return Line("ExportDevices, 200,000 devices / sqlite3 -csv", ratio, "<= 1.5 times")


def write(database: Path, path: Path) -> float:
    """Give the seconds of sqlite3 writing the same columns, as many rows."""
    begun = time.perf_counter()
    with path.open("wb") as file:
        command = ["sqlite3", "-readonly", "-csv", str(database), WRITER]
        subprocess.run(command, check=True, stdout=file)
    seconds = time.perf_counter() - begun
    assert path.read_bytes().count(b"\n") == ROWS
    return seconds
