"""PgBouncer in transaction mode lends each transaction any connection: nothing may rely on one."""

from __future__ import annotations

import shutil
import socket
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import postgres_server
from databases import DATABASES, POSTGRESQL
from ports import KeptPort
from rollbook import DeviceRow, EnrollOutcome, OnConflict
from uploads.wire import imei

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from running import Server

pytestmark = pytest.mark.parametrize("engine", [POSTGRESQL], indirect=True)

# Two connections for all of a server's: whoever relied on one would soon meet another.
SETTINGS = """
[databases]
* = host={folder} user=rollbook
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 2
max_client_conn = 200
logfile = /dev/null
"""
COUNT = 300


def program() -> str | None:
    return shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin")


@contextmanager
def bouncing(folder: Path) -> Iterator[int]:
    """Run PgBouncer before the PostgreSQL of a folder; gives its port."""
    kept = KeptPort()
    with tempfile.TemporaryDirectory(prefix="rollbook-pgbouncer-") as place:
        Path(place).chmod(0o755)
        settings = Path(place) / "pgbouncer.ini"
        settings.write_text(SETTINGS.format(folder=folder, port=kept.number))
        command = postgres_server.as_nobody(str(program()), "--quiet", settings)
        with subprocess.Popen(command) as process:
            try:
                await_port(process, kept.number)
                yield kept.number
            finally:
                process.terminate()


def await_port(process: subprocess.Popen[Any], port: int) -> None:
    for _ in range(600):
        assert process.poll() is None, "PgBouncer ended as soon as it was started"
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except OSError:
            try:
                process.wait(0.05)
            except subprocess.TimeoutExpired:
                continue
        else:
            return
    raise AssertionError("PgBouncer does not listen")


def test_a_server_behind_it_does_all_that_it_does_elsewhere(
    serve: Callable[..., Server], server: Server, tmp_path: Path
) -> None:
    if program() is None:
        postgres_server.lacking("there is no PgBouncer on this machine: apt-get install pgbouncer")
    shutil.copytree(server.data_dir, tmp_path / "behind")
    with bouncing(DATABASES.server.folder) as port:
        name = DATABASES.name(server.data_dir)
        url = f"postgresql://rollbook@127.0.0.1:{port}/{name}"
        behind = serve(data_dir=tmp_path / "behind", database=url)
        try:
            work_through(behind)
        finally:
            behind.stop()


def work_through(server: Server) -> None:
    rows = [DeviceRow(imei(number), attributes={"site": "x"}) for number in range(COUNT)]
    with server.admin() as admin, server.agent() as agent:
        profile_id = admin.create_profile("Depot").profile_id
        assert admin.upload_rows(profile_id, rows).created_count == COUNT
        again = admin.upload_rows(profile_id, [*rows, DeviceRow(imei(COUNT))])
        assert (again.created_count, again.unchanged_count) == (1, COUNT)
        moved = [DeviceRow(imei(n), attributes={"site": "y"}) for n in range(9)]
        changed = admin.upload_rows(profile_id, moved, on_conflict=OnConflict.UPDATE)
        assert changed.updated_count == len(moved)
        token = admin.reveal_token(profile_id)

        def enroll(number: int) -> EnrollOutcome:
            return agent.enroll_device(token=token, imeis=[imei(number)]).outcome

        with ThreadPoolExecutor(16) as pool:
            assert set(pool.map(enroll, range(COUNT))) == {EnrollOutcome.REGISTERED}
            counts = list(pool.map(lambda _: admin.get_profile(profile_id).registered_count, rows))
        assert counts == [COUNT] * len(rows)
        exported = b"".join(admin.export_devices(profile_id))
        assert exported.count(b"\n") == COUNT + 2
        assert admin.verify_audit_log().first_break is None
