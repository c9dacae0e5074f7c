"""EnrollDevice on a roll of ten million devices against the same on a small one."""

from __future__ import annotations

import random
import shutil
import sqlite3
import statistics
import time
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

from benchmarks.line import Line
from rollbook import EnrollmentAgent
from running import ServerProcess

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MANY = 10_000_000
FEW = 10_000
CALLS = 1_000  # of each server a round, as far as there are devices

# What uploads leave, made by the database itself in a minute or two.
_FILL = """
INSERT INTO devices (id, profile, imei, serial_number, manufacturer, manufacturer_key,
    attributes, source_row, source_line, create_time, update_time, last_request_id, user_id,
    revision)
WITH RECURSIVE numbers (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM numbers WHERE n < ? - 1)
SELECT n + 1, p.id, printf('35%012d', n), printf('SN%09d', n), 'Samsung', 'samsung',
    json_object('Site', 'Site ' || (n % 97)), 0, 0, p.create_time, p.create_time, '', '', 1
FROM numbers CROSS JOIN profiles p
"""
_COUNT = "UPDATE profiles SET pending_count = ?"
_NUMBER = "UPDATE counters SET value = ? + 1 WHERE name = 'next_device'"
# Nothing is lost that is not made anew: the file is filled or thrown away.
_HASTE = ("journal_mode = OFF", "synchronous = OFF", "cache_size = -65536")


def measure(folder: Path, rounds: int, many: int = MANY) -> Iterator[Line]:
    """Enroll devices of both rolls in turn, one at a time, each once and in no order."""
    few = min(FEW, many)
    with (
        _filled(folder / "few", few) as small,
        _filled(folder / "many", many) as large,
        EnrollmentAgent(small.address) as one,
        EnrollmentAgent(large.address) as other,
    ):
        numbers = zip(_some(few, rounds), _some(many, rounds), strict=False)
        taken = [(_seconds(one, first), _seconds(other, second)) for first, second in numbers]
    of_few, of_many = (statistics.median(column) for column in zip(*taken, strict=True))
    what = f"EnrollDevice, {many:,} devices / {few:,}"
    yield Line(what, of_many / of_few, "<= 1.15 of its latency")


@contextmanager
def _filled(folder: Path, devices: int) -> Iterator[ServerProcess]:
    """Give a server with so many devices; its files go at once, for they are large."""
    folder.mkdir()
    server = ServerProcess(folder / "data").start()
    try:
        with server.admin() as admin:
            admin.create_profile("Benchmark", tokenless=True)
        server.terminate()
        _fill(folder / "data" / "rollbook.db", devices)
        yield server.start()
    finally:
        server.terminate()
        shutil.rmtree(folder)


def _fill(database: Path, devices: int) -> None:
    with closing(sqlite3.connect(database)) as connection:
        for setting in _HASTE:
            connection.execute(f"PRAGMA {setting}")
        for statement in (_FILL, _COUNT, _NUMBER):
            connection.execute(statement, (devices,))
        connection.commit()


def _some(devices: int, rounds: int) -> list[int]:
    return random.sample(range(devices), min(devices, rounds * CALLS))


def _seconds(agent: EnrollmentAgent, number: int) -> float:
    begun = time.perf_counter()
    answer = agent.enroll_device(imeis=[f"35{number:012}"])
    seconds = time.perf_counter() - begun
    assert answer.device_id == f"dev-{number + 1}", answer
    return seconds
