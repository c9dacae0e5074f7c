"""How a client of asyncio calls: nothing here holds up the event loop."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar, cast

import grpc
import grpc.aio

from rollbook._lookouts import TELL_SECONDS, TIMEOUT_SECONDS
from rollbook.aio._endings import Ending
from rollbook.aio._threads import in_thread
from rollbook.errors import UnavailableError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Coroutine, Iterator

    from rollbook._channel import Endpoint
    from rollbook._feed import Feed
    from rollbook._lookouts import Lookout

_T = TypeVar("_T")
_RequestT = TypeVar("_RequestT")
_ResponseT = TypeVar("_ResponseT")

# How long to wait for a source that is being read while its stream is over already.
_SOURCE_SECONDS = 5.0


class AsyncioTransport:
    """Calls over channels that belong to the event loop which makes the first call."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._channel: grpc.aio.Channel | None = None
        self._channel_apart: grpc.aio.Channel | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def channel(self) -> grpc.Channel:
        """What stubs are made from; the generated ones are typed for those that block."""
        if self._channel is None:
            self._loop = asyncio.get_running_loop()
            self._channel = self._endpoint.open_asyncio_channel()
        return cast("grpc.Channel", self._channel)

    @property
    def channel_apart(self) -> grpc.Channel:
        """What stubs are made from whose calls are not to wait behind those of others."""
        if self._channel_apart is None:
            self._channel_apart = self._endpoint.open_asyncio_channel(apart=True)
        return cast("grpc.Channel", self._channel_apart)

    async def unary(
        self,
        method: grpc.UnaryUnaryMultiCallable[_RequestT, _ResponseT],
        request: _RequestT,
        **options: Any,
    ) -> _ResponseT:
        """Call once."""
        with self._told_apart():
            response: _ResponseT = await cast("Any", method)(request, **options)
            return response

    async def receive(
        self,
        method: grpc.UnaryStreamMultiCallable[_RequestT, _ResponseT],
        request: _RequestT,
        **options: Any,
    ) -> AsyncGenerator[_ResponseT, None]:
        """Give one message after another; the call ends with the iteration."""
        with self._told_apart():
            call = cast("Any", method)(request, **options)
            try:
                async for message in call:
                    yield message
            finally:
                call.cancel()

    async def send(
        self,
        method: grpc.StreamUnaryMultiCallable[Any, _ResponseT],
        feed: Feed,
        lookout: Lookout | None,
        **options: Any,
    ) -> _ResponseT:
        """Send all that the feed gives; raises what its source raised before all else."""
        stop = partial(feed.stop, _SOURCE_SECONDS)
        try:
            with self._told_apart():
                await in_thread(feed.begin)
                call = cast("Any", method)(**options)
                beside = _look_out(call, feed, lookout, **options)
                answer: _ResponseT = await _stream(call, feed, beside)
        except asyncio.CancelledError:
            feed.abandon()
            raise
        except BaseException:
            await in_thread(stop)
            raise
        await in_thread(stop)
        return answer

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)

    async def run(self, function: Callable[[], _T]) -> _T:
        """Do in a thread what may take a while, such as to write a file."""
        return await in_thread(function)

    async def close(self) -> None:
        """Close the channels; calls under way fail."""
        for channel in (self._channel, self._channel_apart):
            if channel is not None:
                await channel.close()

    @contextmanager
    def _told_apart(self) -> Iterator[None]:
        """Tell a client that was closed from a task that was cancelled: gRPC does not."""
        if self._loop is not asyncio.get_running_loop():
            raise RuntimeError("this client belongs to another event loop: make one in each")
        try:
            yield
        except grpc.aio.UsageError as error:
            raise ValueError("this client is closed: make another one") from error
        except asyncio.CancelledError as error:
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
            message = f"the call to {self._endpoint} was cut off (the client was closed)"
            raise UnavailableError(message, code="CANCELLED") from error


async def _stream(call: Any, feed: Feed, beside: Coroutine[Any, Any, None]) -> Any:
    """Send and wait for the answer, which a server may give before it has everything."""
    ending = Ending(call)
    tasks = [asyncio.create_task(each) for each in (_send_all(call, feed), beside)]
    try:
        return await call
    except grpc.aio.AioRpcError as error:
        raise ending.told(error) from None
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        for task in tasks:
            if not task.cancelled():
                task.result()


async def _send_all(call: Any, feed: Feed) -> None:
    try:
        while (message := await in_thread(feed.take)) is not None:
            await call.write(message)
            feed.tell()
        await call.done_writing()
    except (grpc.RpcError, asyncio.InvalidStateError):
        pass  # The call is over: whoever awaits it is told why.
    except BaseException:
        call.cancel()
        raise


async def _look_out(call: Any, feed: Feed, lookout: Lookout | None, **options: Any) -> None:
    """Ask and tell until the call is to be over; whoever awaits it cancels this at its end."""
    if lookout is None:
        return
    for seconds in lookout.waits():
        await asyncio.sleep(seconds)
        if lookout.may_ask:
            await _ask_and_tell(feed, lookout, **options)
        if not feed.tell(waits=False):
            call.cancel()  # What it sends may be stuck.
            return


async def _ask_and_tell(feed: Feed, lookout: Lookout, **options: Any) -> None:
    """Ask once, and tell while there is no answer, unless the call is to be over."""
    question = asyncio.create_task(_ask(lookout, **options))
    try:
        while not (await asyncio.wait([question], timeout=TELL_SECONDS))[0]:
            if not feed.tell(waits=False):
                return
        question.result()
    finally:
        question.cancel()


async def _ask(lookout: Lookout, **options: Any) -> None:
    method = cast("Any", lookout.method)
    try:
        answer = await method(lookout.request, timeout=TIMEOUT_SECONDS, **options)
    except grpc.aio.AioRpcError as error:
        lookout.failed(error)
    else:
        lookout.answered(answer)
