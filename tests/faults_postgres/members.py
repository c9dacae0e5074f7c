"""One PostgreSQL of a cluster and the Patroni that looks after it, both of which may be killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import urllib.request
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg

from faults_postgres import programs
from postgres_server import as_nobody

if TYPE_CHECKING:
    from collections.abc import Sequence

ROLE = "rollbook"
DATABASE = "rollbook"
STOP_SECONDS = 30  # bounds a hang

# As short as lets a busy machine live. Patroni wants loop_wait + 2 * retry_timeout <= ttl.
_DYNAMIC = {
    "ttl": 8,
    "loop_wait": 1,
    "retry_timeout": 3,
    "synchronous_mode": True,
    # A primary that fell is not waited for: the other has all that was acknowledged.
    "primary_start_timeout": 0,
    "postgresql": {
        "use_pg_rewind": True,
        "remove_data_directory_on_rewind_failure": True,
        "remove_data_directory_on_diverged_timelines": True,
        "parameters": {"wal_keep_size": "256MB", "shared_buffers": "64MB"},
    },
}


@dataclass
class Member:
    """A place in the cluster: its folder, its ports, and Patroni's process, if it runs."""

    name: str
    folder: Path
    port: int
    api_port: int
    etcd_port: int
    _patroni: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Let Patroni take the place, from whatever was left in it."""
        config = self.folder / f"{self.name}.json"  # which is YAML, too
        config.write_text(json.dumps(self._settings()))
        self._patroni = run_unprivileged(
            [str(programs.find(programs.PATRONI)), str(config)], self.folder, self.name
        )

    def kill_patroni(self) -> None:
        """End Patroni as a crash does; PostgreSQL runs on."""
        if self._patroni is not None:
            self._patroni.kill()
            self._patroni.wait(STOP_SECONDS)
            self._patroni = None

    def kill_postmaster(self) -> None:
        """End PostgreSQL's first process as a crash does; the others end by themselves."""
        pid = self._postmaster()
        if pid is not None:
            os.kill(pid, signal.SIGKILL)

    def kill_backend(self) -> None:
        """End the process that writes for Rollbook: PostgreSQL begins anew, on its own."""
        newest = (
            "SELECT pid FROM pg_stat_activity WHERE application_name = 'rollbook' "
            "ORDER BY (state <> 'idle') DESC, backend_xid IS NULL LIMIT 1"
        )
        for (pid,) in self.query(newest, "postgres"):
            os.kill(pid, signal.SIGKILL)

    @property
    def has_patroni(self) -> bool:
        return self._patroni is not None

    def is_primary(self) -> bool:
        """Tell whether it takes writes now."""
        try:
            return bool(self.query("SELECT NOT pg_is_in_recovery()", "postgres")[0][0])
        except psycopg.Error:
            return False

    def is_synchronous(self) -> bool:
        """Tell whether it has all that is acknowledged, and may take the primary's place."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.api_port}/sync", timeout=3):
                return True
        except OSError:
            return False

    def query(
        self, sql: str, database: str = DATABASE, parameters: Sequence[Any] = ()
    ) -> list[Any]:
        """Ask this PostgreSQL."""
        url = f"postgresql://{ROLE}@127.0.0.1:{self.port}/{database}?connect_timeout=3"
        with psycopg.connect(url, autocommit=True) as connection:
            cursor = connection.execute(sql.encode(), parameters)
            return cursor.fetchall() if cursor.description else []

    def stop(self) -> None:
        """End both, whatever state they are in."""
        if self._patroni is not None:
            self._patroni.terminate()
            with suppress(subprocess.TimeoutExpired):
                self._patroni.wait(STOP_SECONDS)
        self.kill_patroni()
        self.kill_postmaster()

    def _postmaster(self) -> int | None:
        """Give the number of PostgreSQL's first process, if it is alive and ours."""
        data = self.folder / f"{self.name}-data"
        try:
            pid = int((data / "postmaster.pid").read_text().split()[0])
            is_ours = Path(f"/proc/{pid}/cwd").resolve() == data.resolve()
        except (OSError, IndexError):
            return None
        return pid if is_ours else None

    def _settings(self) -> dict[str, Any]:
        api = f"127.0.0.1:{self.api_port}"
        hba = ["local all all trust", *(f"host {what} all 127.0.0.1/32 trust" for what in _REMOTE)]
        return {
            "scope": "rollbook",
            "name": self.name,
            "restapi": {"listen": api, "connect_address": api},
            "etcd3": {"host": f"127.0.0.1:{self.etcd_port}"},
            "bootstrap": {
                "dcs": _DYNAMIC,
                "initdb": ["data-checksums", {"encoding": "UTF8"}, {"locale": "C.UTF-8"}],
            },
            "postgresql": self._postgresql() | {"pg_hba": hba},
        }

    def _postgresql(self) -> dict[str, Any]:
        own = f"127.0.0.1:{self.port}"
        return {
            "listen": own,
            "connect_address": own,
            "data_dir": str(self.folder / f"{self.name}-data"),
            "bin_dir": str(programs.postgres_folder()),
            "pgpass": str(self.folder / f"{self.name}-pgpass"),
            "authentication": {
                "superuser": {"username": ROLE},
                "replication": {"username": "replicator"},
            },
            "parameters": {"unix_socket_directories": str(self.folder)},
        }


_REMOTE = ("all", "replication")


def run_unprivileged(command: Sequence[str], folder: Path, name: str) -> subprocess.Popen[bytes]:
    """Start a program that must not be root; what it says goes to a file beside its data."""
    with (folder / f"{name}.log").open("ab") as log:
        return subprocess.Popen(
            as_nobody(*command),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=folder,
            env={"PATH": "/usr/bin:/bin", "HOME": str(folder), "LC_ALL": "C.UTF-8"},
        )
