"""Makes the calls of a client, whether it blocks or is one of asyncio."""

from __future__ import annotations

import random
import time
from contextlib import aclosing, contextmanager
from typing import TYPE_CHECKING, Any, Generic, Protocol, Self, TypeVar

import grpc

from rollbook import _dual, errors
from rollbook._failures import from_rpc_error
from rollbook._patience import Patience

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Iterator

    from rollbook._channel import Endpoint
    from rollbook._feed import Feed
    from rollbook._lookouts import Lookout
    from rollbook._transports import Transport

_T = TypeVar("_T")
_RequestT = TypeVar("_RequestT")
_ResponseT = TypeVar("_ResponseT")


class _ListRequest(Protocol):
    page_token: str


class _Page(Protocol):
    @property
    def next_page_token(self) -> str: ...


_PageT = TypeVar("_PageT", bound=_Page)


class Caller:
    """Makes the calls of one client: its metadata, its deadline, its errors.

    gRPC itself retries UNAVAILABLE, see `_channel`. What it cannot know is that the
    server's RetryInfo asks for more time; that is waited for here, as often as the
    deadline leaves room. With `patience_seconds` each call has a deadline of its own, and
    a server that is away, busy or slow is waited for so long, also if it says nothing.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        transport: Transport,
        *,
        timeout_seconds: float,
        api_key: str | None = None,
        patience_seconds: float | None = None,
    ) -> None:
        self.metadata = () if api_key is None else (("authorization", _bearer(api_key)),)
        self.endpoint, self.transport = endpoint, transport
        self.sleep, self.clock = transport.sleep, time.monotonic
        self._timeout_seconds = timeout_seconds
        self._patience_seconds = patience_seconds
        self._stubs: dict[object, object] = {}
        self._closed = False

    def stub(self, kind: Callable[[grpc.Channel], _T], *, apart: bool = False) -> _T:
        """Give the stub of a service; raises ValueError once the client is closed.

        What is called `apart` has a connection of its own, which it opens.
        """
        self._be_open()
        stub: Any = self._stubs.get((kind, apart))
        if stub is None:
            transport = self.transport
            stub = kind(transport.channel_apart if apart else transport.channel)
            self._stubs[kind, apart] = stub
        made: _T = stub
        return made

    def patience(self) -> Patience:
        """Give what knows how long to wait between attempts of one thing."""
        return Patience(clock=self.clock)

    async def close(self) -> None:
        """Close the connection; calls under way fail."""
        self._closed = True
        await self.transport.close()

    async def unary(
        self, method: grpc.UnaryUnaryMultiCallable[_RequestT, _ResponseT], request: _RequestT
    ) -> _ResponseT:
        """Call a method that is safe to repeat."""
        if self._patience_seconds is not None:
            return await self._patiently(method, request, self._patience_seconds)
        deadline = self.clock() + self._timeout_seconds
        told: errors.UnavailableError | None = None
        while True:
            try:
                return await self._once(method, request, deadline - self.clock())
            except errors.UnavailableError as error:
                told, delay = error, self._delay(error, deadline)
                if delay is None:
                    raise
            except errors.DeadlineExceededError:
                # That the last of several attempts had little time left says less than what the
                # server answered to those before.
                if told is None:
                    raise
                raise told from None
            await self.sleep(delay)

    async def _patiently(
        self,
        method: grpc.UnaryUnaryMultiCallable[_RequestT, _ResponseT],
        request: _RequestT,
        seconds: float,
    ) -> _ResponseT:
        """Call again when the server says, or after longer waits each time if it says nothing."""
        patience = self.patience()
        while True:
            try:
                return await self._once(method, request, self._timeout_seconds)
            except errors.RollbookError as error:
                delay = patience.delay(error.retry_after_seconds or 0.0, seconds)
                if delay is None or not _passes(error):
                    raise
            await self.sleep(delay)

    async def _once(
        self,
        method: grpc.UnaryUnaryMultiCallable[_RequestT, _ResponseT],
        request: _RequestT,
        seconds: float,
    ) -> _ResponseT:
        with self.translated():
            return await self.transport.unary(
                method, request, timeout=seconds, metadata=self.metadata
            )

    async def receive(
        self, method: grpc.UnaryStreamMultiCallable[_RequestT, _ResponseT], request: _RequestT
    ) -> AsyncGenerator[_ResponseT, None]:
        """Give one message after another, for as long as it takes; close it to stop early."""
        with self.translated():
            messages = self.transport.receive(method, request, metadata=self.metadata)
            async with aclosing(messages):
                async for message in messages:
                    yield message

    async def send(
        self,
        method: grpc.StreamUnaryMultiCallable[Any, _ResponseT],
        feed: Feed,
        lookout: Lookout | None,
    ) -> _ResponseT:
        """Send all that the feed gives, for as long as it takes, and look out meanwhile."""
        with self.translated():
            return await self.transport.send(method, feed, lookout, metadata=self.metadata)

    def _delay(self, error: errors.UnavailableError, deadline: float) -> float | None:
        """Give how long the server asks to be left alone; None if that is too long."""
        if error.retry_after_seconds is None:
            return None
        # Jitter, so that those who were sent away together do not come back together.
        delay = error.retry_after_seconds * random.uniform(1, 1.25)  # noqa: S311 - no secret
        return delay if self.clock() + delay < deadline else None

    @contextmanager
    def translated(self) -> Iterator[None]:
        """Raise what gRPC raises inside as a RollbookError; ValueError once it is closed."""
        self._be_open()
        try:
            yield
        except grpc.RpcError as error:
            raise from_rpc_error(error, self.endpoint) from error

    def _be_open(self) -> None:
        """Say it before gRPC does, also to an iterator that asks for its next page."""
        if self._closed:
            raise ValueError("this client is closed: make another one")


def _passes(error: errors.RollbookError) -> bool:
    """Tell whether the same call may succeed later; to repeat it is safe."""
    away = isinstance(error, errors.UnavailableError | errors.DeadlineExceededError)
    return away or error.reason == "OUTCOME_UNKNOWN"


class Pages(Generic[_PageT]):
    """Every page of a list, each fetched when it is asked for."""

    def __init__(
        self,
        caller: Caller,
        method: grpc.UnaryUnaryMultiCallable[Any, _PageT],
        request: _ListRequest,
    ) -> None:
        self._caller, self._method, self._request = caller, method, request
        self._ended = False

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> _PageT:
        if self._ended:
            raise StopAsyncIteration
        page = await self._caller.unary(self._method, self._request)
        self._request.page_token = page.next_page_token
        self._ended = not page.next_page_token
        return page


class Calls:
    """What all parts of a client share: its caller, and an end."""

    # Of the kind of client: how it makes calls.
    _transport: Callable[[Endpoint], Transport]

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    @_dual.method
    async def close(self) -> None:
        """Close the connection; calls under way fail, and so does every later one."""
        await self._caller.close()


def _bearer(api_key: str) -> str:
    """Check before gRPC does, for its complaint would repeat the key."""
    api_key = api_key.strip()
    if not api_key or not api_key.isascii() or not api_key.isprintable():
        raise ValueError("the API key is empty or holds characters that no API key has")
    return f"Bearer {api_key}"
