"""A client whose methods are awaited."""

from __future__ import annotations

from typing import Self

from rollbook import _dual
from rollbook._calls import Calls
from rollbook.aio._transport import AsyncioTransport


class AsyncioClient(Calls):
    """What both clients of asyncio have in common."""

    _transport = AsyncioTransport

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        _dual.settle(cls, blocking=False)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()
