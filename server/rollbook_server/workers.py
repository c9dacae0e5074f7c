"""Several processes that serve one address: Python's lock lets one use one core only.

The first starts alone, for it makes what all have in common: tables, keys, the port. Each
listens on that port, and the system gives every new connection to one of them. One that
ends without being told to is replaced.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import socket
from contextlib import suppress
from dataclasses import replace
from functools import partial
from multiprocessing.connection import wait
from time import monotonic
from typing import TYPE_CHECKING, Any, NamedTuple

from rollbook_server import logs, signals, tuning
from rollbook_server.app import App
from rollbook_server.awaiting import Awaiting, StoppedError
from rollbook_server.config import split_address
from rollbook_server.ending import end_within

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from multiprocessing.connection import Connection
    from multiprocessing.context import SpawnProcess
    from signal import Signals

    from rollbook_server.config import Config
    from rollbook_server.observing.endpoint import Endpoint
    from rollbook_server.observing.metrics import Metrics
    from rollbook_server.signals import Heard

_log = logging.getLogger(__name__)

# Not forked: threads of gRPC and of the database would be copied half.
_SPAWN = multiprocessing.get_context("spawn")
LATE_SECONDS = 1.0  # what a worker may take beyond the time in which it is to end
_PAUSE_SECONDS = 1.0  # before one that ended is replaced: else it might end as fast again


class WorkerError(Exception):
    """A worker could not start; the text says why and what to do."""


class _Waits(NamedTuple):
    """What a worker says while it waits for the database: for what, and why."""

    status: str


class _Worker(NamedTuple):
    """A process that serves, and the pipe through which it is asked for its metrics."""

    process: SpawnProcess
    pipe: Connection

    def end(self, seconds: float | None = None) -> None:
        """Wait for its end; after so many seconds, bring it about."""
        self.process.join(seconds)
        if self.process.is_alive():  # it was halted, and cannot even end itself
            self.process.kill()
            self.process.join()
        self.pipe.close()


class Workers:
    """The processes, for the main thread of theirs; `start` and `stop` them."""

    def __init__(self, config: Config, tell: Callable[[str], None]) -> None:
        """Take the addresses. Raises ConfigError or OSError if one cannot be used.

        `tell` is told what the first ones wait for, again and again.
        """
        self._tell = tell
        self._port = _reserved(config.listen)
        self.address = f"{config.listen.rpartition(':')[0]}:{self._port.getsockname()[1]}"
        self._config = replace(config, listen=self.address, shares_port=True)
        self._running: list[_Worker] = []
        self._told_of_log: Signals | None = None
        self._endpoint = _endpoint(config.metrics, self._pipes) if config.metrics else None

    @property
    def metrics_address(self) -> str:
        """Where the metrics of all of them are told; empty if they are not."""
        return self._endpoint.address if self._endpoint else ""

    def start(self, told: socket.socket) -> None:
        """Start all of them, until a byte can be read from `told`.

        Each waits for a database that is away. Raises WorkerError if one cannot start, or
        StoppedError if that came first.
        """
        self._told = told
        try:
            for _ in range(self._config.workers):
                self._running.append(_started(self._config, told, self._tell))
        except BaseException:
            self.stop()
            raise

    def passing_on(self) -> Heard:
        """Give what is to be done on signals about the log: every process is to do it."""
        return {name: partial(self._pass_on, name, do) for name, do in logs.TOLD_BY.items()}

    def _log_as_others(self, worker: _Worker) -> None:
        """Tell one that takes a place what the others were told last."""
        if self._told_of_log:
            with suppress(OSError, TypeError):
                os.kill(worker.process.pid, self._told_of_log)  # type: ignore[arg-type]

    def _pass_on(self, name: Signals, do: Callable[[], None]) -> None:
        do()
        self._told_of_log = name
        for worker in self._running:
            with suppress(OSError, TypeError):  # it has ended, and its place is not yet taken
                os.kill(worker.process.pid, name)  # type: ignore[arg-type]

    def _pipes(self) -> list[Connection]:
        return [worker.pipe for worker in self._running]

    def watch(self) -> None:
        """Replace those that end, until a byte can be read from what `start` was given."""
        told = self._told
        while told not in wait([told, *(each.process.sentinel for each in self._running)]):
            if wait([told], _PAUSE_SECONDS):  # whoever stops us may have stopped them first
                return
            self._running = [
                each if each.process.is_alive() else self._replaced(each) for each in self._running
            ]

    def stop(self) -> None:
        """Let every process end as on SIGTERM, all within the time that one has."""
        until = monotonic() + self._config.drain_seconds + LATE_SECONDS
        for worker in self._running:
            worker.process.terminate()
        if self._endpoint:
            self._endpoint.close()
        for worker in self._running:
            worker.end(max(0.0, until - monotonic()))
        self._port.close()

    def _replaced(self, ended: _Worker) -> _Worker:
        process = ended.process
        _log.warning(
            "worker %s ended with status %s; another starts", process.pid, process.exitcode
        )
        try:
            started = _started(self._config, self._told)
        except StoppedError:
            return ended
        except WorkerError as error:
            _log.error("no worker takes its place, the next try is in a moment: %s", error)
            return ended
        ended.end()
        self._log_as_others(started)
        return started


def _endpoint(address: str, pipes: Callable[[], Sequence[Connection]]) -> Endpoint:
    from rollbook_server.observing.endpoint import Endpoint  # noqa: PLC0415 - only if asked for
    from rollbook_server.observing.gathering import Gathering  # noqa: PLC0415 - the same

    return Endpoint(address, Gathering(pipes).collect)


def _answer(pipe: Connection, metrics: Metrics) -> None:
    from rollbook_server.observing.gathering import answer  # noqa: PLC0415 - only if asked for

    answer(pipe, metrics)


def _reserved(listen: str) -> socket.socket:
    """Take the port, so that it stays ours while workers come and go; 0 becomes a free one."""
    host, port = split_address(listen)
    family, *_, address = socket.getaddrinfo(host, int(port), type=socket.SOCK_STREAM)[0]
    taken = socket.socket(family, socket.SOCK_STREAM)
    taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    taken.bind(address)
    return taken


def _started(
    config: Config, told: socket.socket, tell: Callable[[str], None] | None = None
) -> _Worker:
    """Start a worker and wait until it serves, or we are told to stop.

    One that still starts has served nobody, and may not hear a SIGTERM. It waits for a database
    that is away if somebody is to be told of that: not in the place of another, beside those
    that may have the database and share the port.
    """
    ours, theirs = _SPAWN.Pipe()
    work = (config, theirs, tell is not None)
    process = _SPAWN.Process(target=_work, args=work, name="rollbook-worker")
    process.start()
    theirs.close()
    worker = _Worker(process, ours)
    try:
        failure = _failure(ours, told, tell or (lambda _: None))
    except StoppedError:
        worker.end(0)
        raise
    if failure == "":
        return worker
    worker.end()
    raise WorkerError(failure or f"a worker ended with {process.exitcode} before it served")


def _failure(ours: Connection, told: socket.socket, tell: Callable[[str], None]) -> str | None:
    """Wait until a worker serves, and give empty text; or why it does not, None if it died.

    Raises StoppedError if something can be read from `told` before.
    """
    while ours in wait([ours, told]):
        said = _said(ours)
        if not isinstance(said, _Waits):
            return said
        tell(said.status)
    raise StoppedError


def _said(ours: Connection) -> str | _Waits | None:
    try:
        said: str | _Waits = ours.recv()
    except EOFError:
        return None
    return said


def _work(config: Config, tells: Connection, waits: bool) -> None:
    """Serve, in a process of its own, until told to stop or left alone."""
    logs.begin(config.logs)
    tuning.tune()
    parent: Any = multiprocessing.parent_process()
    stops = [signals.told_to_stop(logs.TOLD_BY), parent.sentinel]
    awaiting = Awaiting(lambda: stops, lambda status: tells.send(_Waits(status)))
    try:
        app = App(config, awaiting=awaiting if waits else None)
    except StoppedError:
        return
    except Exception as error:  # noqa: BLE001 - whatever it is, who waits tells it
        with suppress(BrokenPipeError):
            tells.send(str(error) or type(error).__name__)
        return
    app.start()
    with suppress(BrokenPipeError):  # whoever waited is gone, which shows below
        tells.send("")
    if app.observation.metrics:
        _answer(tells, app.observation.metrics)
    wait(stops)
    end_within(config.drain_seconds)
    app.stop()
