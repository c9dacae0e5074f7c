"""UploadDevices and EnrollDevice on PostgreSQL."""

from __future__ import annotations

import shutil
import statistics
import subprocess
import time
from typing import TYPE_CHECKING

import postgres_server
from benchmarks import enrollments
from benchmarks.files import good_rows, write
from benchmarks.line import Line
from benchmarks.servers import fresh_server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from postgres_server import PostgresServer

ROWS = 200_000

# The same keys unique as in the server; the commit waits for the disk, as its commits do.
TABLE = """
CREATE TABLE devices (imei TEXT UNIQUE, serial_number TEXT, manufacturer TEXT, site TEXT,
    asset_tag TEXT, UNIQUE (serial_number, manufacturer));
"""
COPY = "\\copy devices FROM '{path}' WITH (FORMAT csv, HEADER)"


def measure(folder: Path, rounds: int) -> Iterator[Line]:
    """Measure both on one PostgreSQL."""
    if not all(map(postgres_server.binary, ("initdb", "postgres", "psql"))):
        print(f"PostgreSQL is not measured: {postgres_server.MISSING}")
        return
    with postgres_server.running() as postgres:
        yield uploads(folder, rounds, postgres)
        options = ("--database", postgres.url(postgres.create()))
        rates = enrollments.ratio(folder / "postgres-enrollments", rounds, *options)
        yield Line(f"{enrollments.WHAT}, PostgreSQL", rates, ">= 0.5 of its rate")


def uploads(folder: Path, rounds: int, postgres: PostgresServer) -> Line:
    """Upload and copy the same file in turn."""
    path = write(folder / "postgres.csv", good_rows(ROWS))
    uploaded, copied = [], []
    for number in range(rounds):
        uploaded.append(upload(folder / f"postgres-{number}", path, postgres))
        copied.append(copy(path, postgres))
    ratio = statistics.median(uploaded) / statistics.median(copied)
    return Line("UploadDevices to PostgreSQL, 200,000 rows / psql \\copy", ratio, "<= 1.25 times")


def upload(folder: Path, path: Path, postgres: PostgresServer) -> float:
    """Give the seconds of an upload to a fresh server on a fresh database."""
    name = postgres.create()
    options = ("--database", postgres.url(name))
    with fresh_server(folder, *options) as server, server.admin() as admin:
        profile = admin.create_profile("Benchmark")
        begun = time.perf_counter()
        done = admin.upload_devices(profile.profile_id, path)
        seconds = time.perf_counter() - begun
        assert done.created_count == ROWS, done
    postgres.drop(name)
    return seconds


def copy(path: Path, postgres: PostgresServer) -> float:
    """Give the seconds of psql copying the same file into a table like ours."""
    name = postgres.create()
    postgres.change(name, TABLE)
    command = [shutil.which("psql") or "psql", "--quiet", postgres.url(name)]
    begun = time.perf_counter()
    subprocess.run(command, input=COPY.format(path=path), text=True, check=True)
    seconds = time.perf_counter() - begun
    postgres.drop(name)
    return seconds
