"""What stands still until a test lets it go on, in tests of asyncio clients."""

from __future__ import annotations

import asyncio
import io
from dataclasses import dataclass, field
from threading import Event
from typing import TYPE_CHECKING, Any, NoReturn

import pytest

from client.faults import Fault
from client.test_uploads import CONTENT

if TYPE_CHECKING:
    import grpc


@dataclass(frozen=True)
class HeldFault(Fault):
    """Keeps a call waiting until it is let go."""

    held: Event = field(default_factory=Event)
    let_go: Event = field(default_factory=Event)

    def raise_in(self, context: grpc.ServicerContext) -> NoReturn:
        self.held.set()
        assert self.let_go.wait(10)
        super().raise_in(context)


class Gate(io.BytesIO):
    """A file that stands still behind its first chunk until it is let go on."""

    def __init__(self) -> None:
        super().__init__(CONTENT)
        self.reached, self.opened, self.let_go = Event(), Event(), Event()

    def read(self, size: int | None = -1, /) -> bytes:
        if self.tell():
            self.reached.set()
            assert self.opened.wait(10)
        return super().read(size)

    def close(self) -> None:
        super().close()
        self.let_go.set()


async def until(event: Event) -> None:
    """Wait for an event without holding up the loop."""
    assert await asyncio.to_thread(event.wait, 10)


async def cancelled(task: asyncio.Task[Any]) -> None:
    """Cancel a task, and see that it ends so."""
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
