"""Keeps a server running that is killed again and again."""

from __future__ import annotations

import os
import signal
import threading
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from faults.failpoints import Failpoint, Trap
from rollbook_server.config import DATABASE_NAME

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from running import ServerProcess

START_SECONDS = 60  # bounds a hang; no start takes so long
MOST_CRASHES = 5  # a server that never lives is not started for ever


class Armed(NamedTuple):
    """A failpoint, and which pass of it kills: for a random one, hundredths of the way."""

    failpoint: Failpoint
    when: int


class Supervisor:
    """Starts the server anew whenever it has died; arms one failpoint after the other.

    `kills` counts deaths by failpoint, `crashes` those that nobody asked for.
    """

    def __init__(self, process: ServerProcess, folder: Path) -> None:
        self._process, self._trap = process, Trap(folder)
        self.database = process.data_dir / DATABASE_NAME
        self._ahead: list[Armed] = []
        self._lock = threading.Lock()
        self._running = threading.Event()
        self._struck = self._closing = False
        self._fallen = 0
        self.kills: Counter[str] = Counter()
        self.crashes: list[str] = []
        self._process.start()
        self._running.set()
        self._thread = threading.Thread(target=self._keep, daemon=True)
        self._thread.start()

    def arm(self, ahead: Sequence[Armed]) -> None:
        """Kill at these failpoints in turn; none of them twice."""
        with self._lock:
            self._ahead = list(ahead)
            self._arm_next()

    def disarm(self) -> None:
        """Kill no more."""
        self.arm(())

    def due(self, hundredths: int) -> bool:
        """Tell whether it is time for a random kill, that far in the rows."""
        with self._lock:
            ahead = self._ahead[:1]
            return any(not a.failpoint.seam and hundredths >= a.when for a in ahead)

    def strike(self) -> None:
        """Kill the server from outside."""
        with self._lock:
            if self._running.is_set() and not self._struck:
                self._struck = True
                os.kill(self._process.pid, signal.SIGKILL)

    def await_running(self) -> None:
        """Wait until the server is there, if it is not."""
        assert self._running.wait(START_SECONDS), self._process.log.read_text()

    def close(self) -> None:
        """End the server as an operator does."""
        self.await_running()
        self._closing = True
        os.kill(self._process.pid, signal.SIGTERM)
        self._thread.join(START_SECONDS)

    def _arm_next(self) -> None:
        self._trap.disarm()
        if self._ahead and self._ahead[0].failpoint.seam:
            self._trap.arm(self._ahead[0].failpoint.seam, self._ahead[0].when)

    def _keep(self) -> None:
        status = self._process.wait()
        while len(self.crashes) < MOST_CRASHES and not (self._closing and status == 0):
            with self._lock:
                self._running.clear()
                self._note(status)
                self._arm_next()
            if self._process.launch():  # else it was killed in its start, as it may be
                self._running.set()
            status = self._process.wait()

    def _note(self, status: int) -> None:
        fallen = self._trap.fallen()
        expected = self._struck or fallen > self._fallen
        self._struck, self._fallen = False, fallen
        if not expected or status != -signal.SIGKILL:
            self.crashes.append(f"the server ended by itself with {status}")
        elif self._ahead:
            self.kills[self._ahead.pop(0).failpoint.name] += 1
