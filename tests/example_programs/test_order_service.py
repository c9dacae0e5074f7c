"""The order service uploads every order once, however often it is started or ended."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from devices.calls import imei
from example_programs.programs import Program
from rollbook import UploadState

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from rollbook import AdminClient
    from running import Server

SCHEMA = """
CREATE TABLE orders (number INTEGER PRIMARY KEY, released INTEGER);
CREATE TABLE devices (number INTEGER, imei TEXT, serial TEXT, maker TEXT, site TEXT);
"""


@pytest.fixture
def service(server: Server, tmp_path: Path) -> Program:
    return Program("order_service.py", server, tmp_path)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    """Give a database of three orders, of which two are released."""
    with closing(sqlite3.connect(tmp_path / "orders.db")) as connection:
        connection.executescript(SCHEMA)
        orders = [(1, True), (2, True), (3, False)]
        connection.executemany("INSERT INTO orders VALUES (?, ?)", orders)
        rows = [(1 + n % 3, imei(n), "", "", "North") for n in range(9_000)]
        connection.executemany("INSERT INTO devices VALUES (?, ?, ?, ?, ?)", rows)
        connection.commit()
        yield connection


@pytest.fixture
def profile(admin: AdminClient) -> str:
    return admin.create_profile("Depot").profile_id


def test_released_orders_arrive_once_however_often_it_runs(
    service: Program, admin: AdminClient, profile: str, database: sqlite3.Connection
) -> None:
    for _ in range(2):
        done = service.run("orders.db", profile)
        assert (done.returncode, done.stderr) == (0, "")
        told = ["order 1: 3000 rows, 0 rejected", "order 2: 3000 rows, 0 rejected"]
        assert sorted(done.stdout.splitlines()) == told
    assert admin.get_profile(profile).device_count == 6_000
    database.execute("UPDATE orders SET released = 1")
    database.commit()
    assert "order 3: 3000 rows" in service.run("orders.db", profile).stdout
    assert {upload.upload_id for upload in admin.list_uploads(profile)} == {
        "order-1",
        "order-2",
        "order-3",
    }


def test_an_order_that_changed_afterwards_is_told_and_the_others_go_on(
    service: Program, profile: str, database: sqlite3.Connection
) -> None:
    service.run("orders.db", profile)
    database.execute("UPDATE devices SET site = 'South' WHERE number = 1")
    database.execute("UPDATE orders SET released = 1")
    database.commit()
    done = service.run("orders.db", profile)
    assert "order 1: the source is not the one that upload order-1 began with" in done.stderr
    assert "order 3: 3000 rows, 0 rejected" in done.stdout
    assert done.returncode == 1


def test_an_order_that_cannot_be_read_is_told_and_the_others_go_on(
    service: Program, profile: str, database: sqlite3.Connection
) -> None:
    database.execute("UPDATE devices SET site = x'00' WHERE number = 1")
    database.commit()
    done = service.run("orders.db", profile)
    assert done.stderr == "order 1: attribute 'site' must be str, not bytes\n"
    assert done.stdout == "order 2: 3000 rows, 0 rejected\n"
    database.execute("DROP TABLE devices")
    done = service.run("orders.db", profile)
    assert (done.returncode, done.stdout) == (1, "")
    told = [f"order {number}: no such table: devices" for number in (1, 2)]
    assert sorted(done.stderr.splitlines()) == told


def test_what_is_missing_is_a_sentence(service: Program, profile: str) -> None:
    done = service.run("none.db", profile)
    assert done.stderr == "the database cannot be read: no such table: orders\n"
    done = service.run("none.db", profile, ROLLBOOK_API_KEY="")
    assert done.stderr == "ROLLBOOK_API_KEY is not set\n"


def test_sigterm_ends_it_and_the_next_start_finishes(
    service: Program, admin: AdminClient, profile: str, database: sqlite3.Connection
) -> None:
    more = [(1, imei(n), "", "", "") for n in range(10_000, 60_000)]
    database.executemany("INSERT INTO devices VALUES (?, ?, ?, ?, ?)", more)
    database.commit()
    with subprocess.Popen(
        service.command("orders.db", profile, "--every", "3600"),
        cwd=service.folder,
        env=service.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "order 2: 3000 rows, 0 rejected\n"
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate()
    assert (process.returncode, errors) == (0, "")
    assert service.run("orders.db", profile).returncode == 0
    uploads = list(admin.list_uploads(profile))
    assert {upload.state for upload in uploads} == {UploadState.FINISHED}
    assert admin.get_profile(profile).device_count == 56_000
