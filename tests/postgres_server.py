"""A real PostgreSQL for tests: made in a temporary folder, run as nobody, gone afterwards."""

from __future__ import annotations

import itertools
import os
import pwd
import shutil
import subprocess
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

MISSING = (
    "there is no PostgreSQL on this machine: apt-get install postgresql (Debian, Ubuntu), or put "
    "initdb and postgres on the PATH"
)
_ROLE = "rollbook"
# It ends with us, also if we are killed: then the pipe is closed. SIGINT cuts all connections.
_WHILE_WE_ARE = '"$@" & cat > /dev/null; kill -INT $!; wait'
_SETTINGS = {
    "fsync": "on",
    "listen_addresses": "",  # the socket in the folder is the only way in
    "max_connections": "200",
    "shared_buffers": "128MB",
    "log_min_messages": "fatal",
}


def require() -> None:
    """Skip the test where there is no PostgreSQL; fail in CI, which has to install it."""
    if not all(map(binary, ("initdb", "postgres"))):
        lacking(MISSING)


def lacking(what: str) -> None:
    """Skip a test for what this machine lacks; CI must have it."""
    (pytest.fail if os.environ.get("CI") else pytest.skip)(what)


def binary(name: str) -> Path | None:
    """Give a program of PostgreSQL's newest version here; Debian keeps them off the PATH."""
    found = shutil.which(name)
    versions = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=_version)
    return Path(found) if found else versions[-1] if versions else None


def _version(path: Path) -> float:
    return float(path.parts[-3])


@dataclass
class PostgresServer:
    """A running server; each database of it is a copy of another, which takes moments."""

    folder: Path
    process: subprocess.Popen[bytes]
    _names = itertools.count(1)

    def url(self, name: str) -> str:
        return f"postgresql://{_ROLE}@/{name}?host={self.folder}"

    def create(self, template: str = "template1") -> str:
        """Make a database, as a copy of one that nobody is connected to; gives its name."""
        name = f"roll_{next(self._names)}"
        self.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        return name

    def drop(self, name: str) -> None:
        self.execute(f"DROP DATABASE {name} WITH (FORCE)")

    def query(self, name: str, sql: str, parameters: Sequence[Any] = ()) -> list[Any]:
        """Ask a database."""
        with psycopg.connect(self.url(name), autocommit=True) as connection:
            return connection.execute(sql.encode(), parameters).fetchall()

    def change(self, name: str, sql: str, parameters: Sequence[Any] = ()) -> None:
        """Write to a database."""
        with psycopg.connect(self.url(name), autocommit=True) as connection:
            connection.execute(sql.encode(), parameters)

    def execute(self, sql: str) -> None:
        """Run a statement that is of no one database."""
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(sql.encode())


@contextmanager
def running() -> Iterator[PostgresServer]:
    """Make and run a server, and leave nothing of it behind."""
    folder = Path(tempfile.mkdtemp(prefix="rollbook-postgres-"))
    try:
        server = _started(folder)
        try:
            yield server
        finally:
            assert server.process.stdin is not None
            server.process.stdin.close()
            server.process.wait(30)
    finally:
        shutil.rmtree(folder)


def _started(folder: Path) -> PostgresServer:
    user = unprivileged()
    if user:
        shutil.chown(folder, user.pw_uid, user.pw_gid)
    data = folder / "data"
    options = ["--auth=trust", "--username", _ROLE, "--encoding=UTF8", *_order()]
    subprocess.run(
        as_nobody(_program("initdb"), "-D", data, *options, "--no-sync"),
        check=True,
        stdout=subprocess.DEVNULL,
        cwd=folder,
    )
    said = [f"-c{name}={value}" for name, value in _SETTINGS.items()]
    alive = ("sh", "-c", _WHILE_WE_ARE, "sh")
    process = subprocess.Popen(
        as_nobody(*alive, _program("postgres"), "-D", data, "-k", folder, *said),
        stdin=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=folder,
    )
    server = PostgresServer(folder, process)
    _wait_until_ready(server)
    return server


def _order() -> list[str]:
    """Let texts be ordered as people do it, where that can be had: Rollbook must not rely on it."""
    told = subprocess.run(
        [_program("initdb"), "--help"], capture_output=True, text=True, check=True
    )
    people = ["--locale-provider=icu", "--icu-locale=en-US"]
    return ["--locale=C.UTF-8", *(people if "--icu-locale" in told.stdout else [])]


def _program(name: str) -> Path:
    found = binary(name)
    assert found is not None, MISSING
    return found


def unprivileged() -> pwd.struct_passwd | None:
    """Give whom to run as: PostgreSQL refuses to be root."""
    return pwd.getpwnam("nobody") if os.geteuid() == 0 else None


def as_nobody(*command: str | Path) -> list[str | Path]:
    """Give a command that runs another as nobody, if we are root.

    Not by `user=` of subprocess: for that it forks, and what gRPC does in a fork of a
    process with its threads ended one in a few thousand by SIGSEGV.
    """
    user = unprivileged()
    if not user:
        return list(command)
    ids = (f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups")
    return ["setpriv", *ids, *command]


def _wait_until_ready(server: PostgresServer) -> None:
    """Knock until it opens; PostgreSQL tells nobody of itself."""
    for _ in range(600):
        assert server.process.poll() is None, "PostgreSQL ended as soon as it was started"
        try:
            server.execute("SELECT 1")
        except psycopg.OperationalError:
            try:
                server.process.wait(0.05)
            except subprocess.TimeoutExpired:
                continue
        else:
            return
    raise AssertionError("PostgreSQL does not answer")
