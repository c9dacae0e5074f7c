"""A PgBouncer before a PostgreSQL, in transaction mode: each transaction has another connection."""

from __future__ import annotations

import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

import psycopg

from faults_postgres import programs
from faults_postgres.members import STOP_SECONDS, run_unprivileged
from postgres_server import unprivileged

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator

    from postgres_server import PostgresServer

# Fewer than Rollbook's own, so that connections are lent to one after another in turns.
POOL_SIZE = 3
_SETTINGS = """
[databases]
{name} = host={socket} dbname={name} user=rollbook
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = {size}
"""


@contextmanager
def running(server: PostgresServer, name: str) -> Iterator[str]:
    """Run a pooler before a database; gives the URL to reach it by."""
    folder = Path(tempfile.mkdtemp(prefix="rollbook-pgbouncer-"))
    user = unprivileged()
    if user:
        shutil.chown(folder, user.pw_uid, user.pw_gid)
    [port] = programs.free_ports(1)
    said = _SETTINGS.format(name=name, socket=server.folder, port=port, size=POOL_SIZE)
    (folder / "pgbouncer.ini").write_text(said)
    program = str(programs.find(programs.PGBOUNCER))
    pgbouncer = run_unprivileged([program, "pgbouncer.ini"], folder, "pgbouncer")
    try:
        url = f"postgresql://rollbook@127.0.0.1:{port}/{name}"
        _wait_until_ready(pgbouncer, url, folder)
        yield url
    finally:
        pgbouncer.kill()
        pgbouncer.wait(STOP_SECONDS)
        shutil.rmtree(folder)


def _wait_until_ready(process: subprocess.Popen[bytes], url: str, folder: Path) -> None:
    for _ in range(600):
        assert process.poll() is None, (folder / "pgbouncer.log").read_text()
        try:
            psycopg.connect(url, connect_timeout=3).close()
        except psycopg.OperationalError:
            Event().wait(0.05)
        else:
            return
    raise AssertionError("PgBouncer does not answer")
