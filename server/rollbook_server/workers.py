"""Several processes that serve one address: Python's lock lets one use one core only.

The first starts alone, for it makes what all have in common: tables, keys, the port. Each
listens on that port, and the system gives every new connection to one of them. One that
ends without being told to is replaced.
"""

from __future__ import annotations

import logging
import multiprocessing
import socket
from contextlib import suppress
from dataclasses import replace
from multiprocessing.connection import wait
from typing import TYPE_CHECKING, Any

from rollbook_server import logs, signals, tuning
from rollbook_server.app import App
from rollbook_server.config import split_address

if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from multiprocessing.context import SpawnProcess

    from rollbook_server.config import Config

_log = logging.getLogger(__name__)

# Not forked: threads of gRPC and of the database would be copied half.
_SPAWN = multiprocessing.get_context("spawn")
_PAUSE_SECONDS = 1.0  # before one that ended is replaced: else it might end as fast again


class WorkerError(Exception):
    """A worker could not start; the text says why and what to do."""


class _StoppedError(WorkerError):
    """Nobody waits any longer for a worker that starts."""

    def __init__(self) -> None:
        super().__init__("told to stop before every worker served")


class Workers:
    """The processes, for the main thread of theirs, until a byte can be read from `told`.

    `stop` them then.
    """

    def __init__(self, config: Config, told: socket.socket) -> None:
        """Start all of them. Raises WorkerError, or OSError if the address cannot be used."""
        self._told = told
        self._port = _reserved(config.listen)
        self.address = f"{config.listen.rpartition(':')[0]}:{self._port.getsockname()[1]}"
        self._config = replace(config, listen=self.address, shares_port=True)
        self._running: list[SpawnProcess] = []
        try:
            for _ in range(config.workers):
                self._running.append(_started(self._config, told))
        except BaseException:
            self.stop()
            raise

    def watch(self) -> None:
        """Replace those that end."""
        told = self._told
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
            process.join()
        self._port.close()

    def _replaced(self, ended: SpawnProcess) -> SpawnProcess:
        _log.warning("worker %s ended with status %s; another starts", ended.pid, ended.exitcode)
        try:
            return _started(self._config, self._told)
        except _StoppedError:
            return ended
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


def _started(config: Config, told: socket.socket) -> SpawnProcess:
    """Start a worker and wait until it serves, or we are told to stop.

    One that still starts, or waits for a database to do so, has served nobody, and may not
    hear a SIGTERM.
    """
    ours, theirs = _SPAWN.Pipe(duplex=False)
    process = _SPAWN.Process(target=_work, args=(config, theirs), name="rollbook-worker")
    process.start()
    theirs.close()
    with ours:
        if ours not in wait([ours, told]):
            process.kill()
            process.join()
            raise _StoppedError
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
        with suppress(BrokenPipeError):
            tells.send(str(error) or type(error).__name__)
        return
    app.start()
    with suppress(BrokenPipeError):  # whoever waited is gone, which shows below
        tells.send("")
    tells.close()
    parent: Any = multiprocessing.parent_process()
    wait([told, parent.sentinel])
    app.stop()
