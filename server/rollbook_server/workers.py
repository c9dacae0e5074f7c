"""Several processes that serve one address: Python's lock lets one use one core only.

The first starts alone, for it makes what all have in common: tables, keys, the port. Each
listens on that port, and the system gives every new connection to one of them. One that
ends without being told to is replaced.
"""

from __future__ import annotations

import logging
import multiprocessing
import socket
from dataclasses import replace
from multiprocessing.connection import wait
from typing import TYPE_CHECKING, Any

from rollbook_server import logs, signals, tuning
from rollbook_server.app import App
from rollbook_server.config import split_address
from rollbook_server.ending import end_within

if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from multiprocessing.context import SpawnProcess

    from rollbook_server.config import Config

_log = logging.getLogger(__name__)

# Not forked: threads of gRPC and of the database would be copied half.
_SPAWN = multiprocessing.get_context("spawn")
_LATE_SECONDS = 1.0  # what a worker may take beyond the time in which it is to end
_PAUSE_SECONDS = 1.0  # before one that ended is replaced: else it might end as fast again


class WorkerError(Exception):
    """A worker could not start; the text says why and what to do."""


class Workers:
    """The processes, for the main thread of theirs; `stop` them."""

    def __init__(self, config: Config) -> None:
        """Start all of them. Raises WorkerError, or OSError if the address cannot be used."""
        self._port = _reserved(config.listen)
        self.address = f"{config.listen.rpartition(':')[0]}:{self._port.getsockname()[1]}"
        self._config = replace(config, listen=self.address, shares_port=True)
        self._running: list[SpawnProcess] = []
        try:
            for _ in range(config.workers):
                self._running.append(_started(self._config))
        except BaseException:
            self.stop()
            raise

    def watch(self, told: socket.socket) -> None:
        """Replace those that end, until a byte can be read from `told`."""
        while told not in wait([told, *(each.sentinel for each in self._running)]):
            if wait([told], _PAUSE_SECONDS):  # whoever stops us may have stopped them first
                return
            self._running = [
                each if each.is_alive() else self._replaced(each) for each in self._running
            ]

    def stop(self) -> None:
        """Let every process end as on SIGTERM."""
        for process in self._running:
            process.terminate()
        for process in self._running:
            process.join(self._config.drain_seconds + _LATE_SECONDS)
            if process.is_alive():  # it was halted, and cannot even end itself
                process.kill()
                process.join()
        self._port.close()

    def _replaced(self, ended: SpawnProcess) -> SpawnProcess:
        _log.warning("worker %s ended with status %s; another starts", ended.pid, ended.exitcode)
        try:
            return _started(self._config)
        except WorkerError as error:
            _log.error("no worker takes its place, the next try is in a moment: %s", error)
            return ended


def _reserved(listen: str) -> socket.socket:
    """Take the port, so that it stays ours while workers come and go; 0 becomes a free one."""
    host, port = split_address(listen)
    family, *_, address = socket.getaddrinfo(host, int(port), type=socket.SOCK_STREAM)[0]
    taken = socket.socket(family, socket.SOCK_STREAM)
    taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    taken.bind(address)
    return taken


def _started(config: Config) -> SpawnProcess:
    """Start a worker and wait until it serves."""
    ours, theirs = _SPAWN.Pipe(duplex=False)
    process = _SPAWN.Process(target=_work, args=(config, theirs), name="rollbook-worker")
    process.start()
    theirs.close()
    with ours:
        failure = _failure(ours)
    if failure == "":
        return process
    process.join()
    raise WorkerError(failure or f"a worker ended with {process.exitcode} before it served")


def _failure(ours: Connection) -> str | None:
    """Wait until a worker serves, and give empty text; or why it does not, None if it died."""
    try:
        return str(ours.recv())
    except EOFError:
        return None


def _work(config: Config, tells: Connection) -> None:
    """Serve, in a process of its own, until told to stop or left alone."""
    logs.begin()
    tuning.tune()
    told = signals.told_to_stop()
    try:
        app = App(config)
    except Exception as error:  # noqa: BLE001 - whatever it is, who waits tells it
        tells.send(str(error) or type(error).__name__)
        return
    app.start()
    tells.send("")
    tells.close()
    parent: Any = multiprocessing.parent_process()
    wait([told, parent.sentinel])
    end_within(config.drain_seconds)
    app.stop()
