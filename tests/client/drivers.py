"""Both kinds of client under one face, so that one test asks the same of both."""

from __future__ import annotations

import asyncio
import inspect
from typing import TYPE_CHECKING, Any, Self, cast

from rollbook import AdminClient, AsyncAdminClient, AsyncEnrollmentAgent, EnrollmentAgent

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Iterator


class Driven:
    """A client of asyncio that is called as one that blocks, in an event loop of its own."""

    def __init__(self, client: AsyncAdminClient | AsyncEnrollmentAgent) -> None:
        self._client, self._runner = client, asyncio.Runner()

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._client, name)
        if name.startswith("_"):
            return found

        def call(*args: Any, **kwargs: Any) -> Any:
            given = found(*args, **kwargs)
            return self._iterated(given) if inspect.isasyncgen(given) else self._await(given)

        return call

    def _iterated(self, values: AsyncGenerator[Any, Any]) -> Iterator[Any]:
        try:
            while True:
                try:
                    yield self._await(anext(values))
                except StopAsyncIteration:
                    return
        finally:
            self._await(values.aclose())

    def _await(self, awaitable: Awaitable[Any]) -> Any:
        async def outcome() -> Any:
            return await awaitable

        return self._runner.run(outcome())

    def __enter__(self) -> Self:
        self._runner.__enter__()
        self._await(self._client.__aenter__())
        return self

    def __exit__(self, *raised: object) -> None:
        self._await(self._client.__aexit__(*raised))
        self._runner.close()


class Blocking:
    """Makes clients that block."""

    def admin(self, address: str, **options: Any) -> AdminClient:
        return AdminClient(address, **options)

    def agent(self, address: str, **options: Any) -> EnrollmentAgent:
        return EnrollmentAgent(address, **options)


class Asyncio:
    """Makes clients of asyncio, driven as if they blocked."""

    def admin(self, address: str, **options: Any) -> AdminClient:
        return cast("AdminClient", Driven(AsyncAdminClient(address, **options)))

    def agent(self, address: str, **options: Any) -> EnrollmentAgent:
        return cast("EnrollmentAgent", Driven(AsyncEnrollmentAgent(address, **options)))


Clients = Blocking | Asyncio
