"""A fake server, clients of it of both kinds, and time that passes only in sleep."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from client.drivers import Asyncio, Blocking
from client.fake_server import FakeRollbook, Running
from rollbook import AsyncAdminClient
from rollbook._patience import Patience

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from client.drivers import Clients
    from rollbook import AdminClient
    from rollbook._calls import Calls

    Use = Callable[[AsyncAdminClient], Awaitable[None]]


@dataclass
class FakeTime:
    """A clock that sleeping moves, and all the sleeps there were."""

    now: float = 1_000.0
    sleeps: list[float] = field(default_factory=list)

    def clock(self) -> float:
        return self.now

    def pass_by(self, seconds: float) -> None:
        self.sleeps.append(seconds)
        self.now += seconds

    async def sleep(self, seconds: float) -> None:
        self.pass_by(seconds)

    def patience(self, **_: object) -> Patience:
        """Give a patience with the longest jitter, so that its delays are plain numbers."""
        return Patience(clock=self.clock, jitter=lambda: 1.0)

    def rule(self, client: Calls) -> None:
        """Let a client know no other time."""
        caller = client._caller
        caller.clock = self.clock
        caller.sleep = self.sleep
        caller.patience = self.patience  # type: ignore[method-assign]  # time is the test's


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


@pytest.fixture(params=[Blocking(), Asyncio()], ids=["blocking", "asyncio"])
def clients(request: pytest.FixtureRequest) -> Clients:
    """Make clients of one kind, then of the other: a test that asks for it is run for each."""
    kind: Clients = request.param
    return kind


@pytest.fixture
def client(running: Running, fake_time: FakeTime, clients: Clients) -> Iterator[AdminClient]:
    with clients.admin(running.address, api_key="key-1") as client:
        fake_time.rule(client)
        yield client


@pytest.fixture
def use(running: Running, fake_time: FakeTime) -> Callable[[Use], None]:
    """Give what runs a coroutine function with a client, in an event loop."""

    async def main(body: Use) -> None:
        async with AsyncAdminClient(running.address, api_key="key-1") as client:
            fake_time.rule(client)
            await body(client)

    return lambda body: asyncio.run(main(body))
