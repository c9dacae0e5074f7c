"""Real servers for tests: in this process on port 0, or as a process that can be killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self
from unittest.mock import patch

from canaries import CANARIES, UNASKED
from databases import DATABASES
from ports import KeptPort
from rollbook import AdminClient, EnrollmentAgent
from rollbook_server.app import ADMIN_KEY_NAME, App
from rollbook_server.storage import store
from rollbook_server.storage.sqlite import log_sync

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rollbook_server.config import Config

TRACED = True  # see Server


@dataclass
class TurnableClock:
    """A clock that stands still until a test turns it."""

    now: datetime = field(default_factory=lambda: datetime(2026, 11, 23, 9, 0, tzinfo=UTC))

    def __call__(self) -> datetime:
        return self.now

    def turn(self, **ahead: float) -> None:
        """Go ahead by what timedelta takes: days, hours, seconds."""
        self.now += timedelta(**ahead)


class Server:
    """A server in this process, over a real database file, on a free port.

    It outlives no power loss: to wait for the disk would be half the time of all that writes.
    Those of processes that are killed, and of the store itself, do wait.
    """

    def __init__(self, config: Config) -> None:
        if not config.database:
            database = DATABASES.url(config.data_dir, synced=False)
            config = replace(config, database=database)
        # So that all of it is looked through for secrets, whatever the test is about.
        config = replace(config, metrics=config.metrics or UNASKED, traces=TRACED)
        self.config, self.data_dir = config, config.data_dir
        self.clock = TurnableClock()
        with patch.dict(store._PRAGMAS, synchronous="off"), patch.object(log_sync, "sync", id):
            self.app = App(config, self.clock)
        self.app.start()
        self.address = self.app.address
        self.api_key = read_key(self.data_dir) if self._has_key() else ""

    def _has_key(self) -> bool:
        """Tell whether there is a key here, or with another server of the database."""
        return (self.data_dir / ADMIN_KEY_NAME).exists()

    def admin(self) -> AdminClient:
        """Give a client with the administrator key; close it."""
        return AdminClient(self.address, api_key=self.api_key)

    def agent(self) -> EnrollmentAgent:
        """Give a device agent; close it."""
        return EnrollmentAgent(self.address)

    def query(self, sql: str, parameters: Sequence[Any] = ()) -> list[Any]:
        """Ask the database, on a connection of its own that only reads."""
        return DATABASES.query(self.data_dir, sql, parameters)

    def stop(self) -> None:
        """Stop as on SIGTERM."""
        CANARIES.look_at_metrics(self.app.observation.metrics)
        self.app.stop()


class ServerProcess:
    """`python -m rollbook_server` over a data directory; it may be killed and started again.

    `module` is what Python runs, with its arguments, if it is another launcher.
    """

    def __init__(
        self, data_dir: Path, *options: str, module: Sequence[str] = ("rollbook_server",)
    ) -> None:
        database = DATABASES.url(data_dir)
        chosen = ("--database", database) if database else ()
        self.data_dir, self._options, self._module = data_dir, (*chosen, *options), module
        self.log = data_dir.parent / "server.log"
        self._port = KeptPort()  # or another test's server may have it when this one starts again
        self.address, self.metrics = self._port.address, ""
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> Self:
        """Start on its port, the same every time, and wait until it listens."""
        assert self.launch(), self.log.read_text()
        return self

    def launch(self) -> bool:
        """Start as `start` does; False if it ended before it listened."""
        command = [sys.executable, "-m", *self._module, "--output", "json"]
        with self.log.open("a") as log:
            self._process = subprocess.Popen(
                [*command, "--listen", self.address, "--data-dir", self.data_dir, *self._options],
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env=finding_tests(unset_environment()),
            )
        assert self._process.stdout is not None
        first = self._process.stdout.readline()
        if first:
            told = json.loads(first)
            self.address, self.metrics = told["address"], told["metrics"]
        return bool(first)

    @property
    def api_key(self) -> str:
        return read_key(self.data_dir)

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def wait(self) -> int:
        """Wait until it has ended, whoever ended it, and give its exit status."""
        assert self._process is not None
        with self._process as process:
            return process.wait()

    def admin(self) -> AdminClient:
        """Give a client with the administrator key; close it."""
        return AdminClient(self.address, api_key=self.api_key)

    def memory_kib(self, figure: str) -> int:
        """Give VmRSS (now) or VmHWM (at its peak) from /proc."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        return int(status.split(f"{figure}:")[1].split()[0])

    def send(self, name: signal.Signals) -> None:
        """Send it a signal that does not end it."""
        os.kill(self.pid, name)

    def kill(self) -> None:
        """End it as a crash does."""
        self._end(signal.SIGKILL)

    def terminate(self) -> int:
        """End it as an operator does; gives the exit status."""
        return self._end(signal.SIGTERM)

    def _end(self, how: signal.Signals) -> int:
        process, self._process = self._process, None
        if process is None:
            return 0
        process.send_signal(how)
        status = process.wait(timeout=120)  # bounds a hang
        assert process.stdout is not None
        process.stdout.close()
        return status


def read_key(data_dir: Path) -> str:
    return (data_dir / ADMIN_KEY_NAME).read_text().strip()


def finding_tests(environment: dict[str, str]) -> dict[str, str]:
    """Let a launcher of ours be found."""
    paths = (str(Path(__file__).parent), environment.get("PYTHONPATH", ""))
    return {**environment, "PYTHONPATH": os.pathsep.join(filter(None, paths))}


def unset_environment() -> dict[str, str]:
    """Give this process's environment without what would change how Rollbook runs."""
    ours = ("ROLLBOOK_", "XDG_")
    return {name: value for name, value in os.environ.items() if not name.startswith(ours)}
