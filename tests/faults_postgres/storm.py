"""Devices that switch on without end while databases are killed, and what they were told."""

from __future__ import annotations

import threading
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import pairwise
from queue import SimpleQueue
from time import monotonic
from typing import TYPE_CHECKING, Self
from uuid import uuid4

from rollbook import EnrollmentAgent, EnrollOutcome, RollbookError

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence

AGENTS = 16
PATIENCE_SECONDS = 180
PROBE_SECONDS = 0.05  # between attempts of the probe: how fine the time without service is


@dataclass
class Told:
    """What agents were told: device ids by IMEI, how many enrollments were acknowledged."""

    devices: dict[str, str] = field(default_factory=dict)
    acknowledged: int = 0
    given_up: int = 0
    faults: list[str] = field(default_factory=list)


class Storm:
    """Agents that enroll these devices, and each again and again once all are through.

    No two have the same device at the same time, so that every acknowledged enrollment
    counts once. Use it in a `with`; `told` is whole behind it.
    """

    def __init__(self, address: str, token: str, imeis: Sequence[str], dice: random.Random) -> None:
        self.told = Told()
        self._agent = EnrollmentAgent(address, patience_seconds=PATIENCE_SECONDS)
        self._token, self._lock, self._over = token, threading.Lock(), threading.Event()
        self._ahead: SimpleQueue[str] = SimpleQueue()
        for imei in dice.sample(imeis, len(imeis)):
            self._ahead.put(imei)
        self._threads = [threading.Thread(target=self._run, daemon=True) for _ in range(AGENTS)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()
        self._agent.close()

    def _run(self) -> None:
        while not self._over.is_set():
            imei = self._ahead.get()
            try:
                self._enroll(imei)
            except RollbookError as error:
                self._give_up(error)
            self._ahead.put(imei)

    def _enroll(self, imei: str) -> None:
        answer = self._agent.enroll_device(token=self._token, imeis=[imei])
        with self._lock:
            self.told.acknowledged += 1
            same = self.told.devices.setdefault(imei, answer.device_id) == answer.device_id
            if answer.outcome is not EnrollOutcome.REGISTERED or not same:
                self.told.faults.append(f"{imei}: {answer.outcome}, the same device: {same}")

    def _give_up(self, error: RollbookError) -> None:
        with self._lock:
            self.told.given_up += 1
            self.told.faults.append(f"an agent gave up: {error.code} {error.reason}: {error}")


class Probe:
    """Enrolls one device of a tokenless profile over and over; use it in a `with`."""

    def __init__(self, address: str, imei: str) -> None:
        self._agent, self._imei = EnrollmentAgent(address, timeout_seconds=1.0), imei
        self._over = threading.Event()
        self._times: list[float] = []
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        self._agent.close()

    def longest_gap(self, since: float) -> float:
        """Give the longest time between two successes, in seconds, of those behind a moment."""
        before = [time for time in self._times if time <= since][-1:]
        times = before + [time for time in self._times if time > since]
        return max(later - earlier for earlier, later in pairwise(times))

    def await_success(self, since: float, seconds: float) -> bool:
        """Wait for an enrollment that was begun behind a moment; False if none succeeds."""
        end = monotonic() + seconds
        while not self._over.wait(PROBE_SECONDS) and monotonic() < end:
            if len(self._times) > 1 and self._times[-2] > since:
                return True
        return False

    def _run(self) -> None:
        while not self._over.wait(PROBE_SECONDS):
            with suppress(RollbookError):
                self._agent.enroll_device(imeis=[self._imei], request_id=str(uuid4()))
                self._times.append(monotonic())
