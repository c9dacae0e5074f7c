"""A fake server, a client of it, and time that passes only in sleep."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from client.fake_server import FakeRollbook, Running
from rollbook import AdminClient
from rollbook._patience import Patience

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass
class FakeTime:
    """A clock that sleeping moves, and all the sleeps there were."""

    now: float = 1_000.0
    sleeps: list[float] = field(default_factory=list)

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)
        self.now += seconds

    def patience(self) -> Patience:
        """Give a patience with the longest jitter, so that its delays are plain numbers."""
        return Patience(clock=self.clock, sleep=self.sleep, jitter=lambda: 1.0)


@pytest.fixture
def fake_time() -> FakeTime:
    return FakeTime()


@pytest.fixture
def running() -> Iterator[Running]:
    with Running() as running:
        yield running


@pytest.fixture
def fake(running: Running) -> FakeRollbook:
    return running.fake


@pytest.fixture
def client(running: Running, fake_time: FakeTime) -> Iterator[AdminClient]:
    with AdminClient(running.address, api_key="key-1") as client:
        client._new_patience = fake_time.patience
        yield client
