"""How a client calls that blocks until the answer is there.

What is `async` here waits in the thread that called, and has happened when it is awaited.
"""

from __future__ import annotations

from time import sleep
from typing import TYPE_CHECKING, Any, Self, TypeVar

from rollbook import _dual
from rollbook._calls import Calls

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    import grpc

    from rollbook._channel import Endpoint
    from rollbook._feed import Feed
    from rollbook.v1 import device_service_pb2

_RequestT = TypeVar("_RequestT")
_ResponseT = TypeVar("_ResponseT")
_T = TypeVar("_T")

# How long to wait for a source that is being read while its stream is over already.
_SOURCE_SECONDS = 5.0


class BlockingTransport:
    """Calls over one channel, from any thread."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.channel = endpoint.open_channel()

    async def unary(
        self,
        method: grpc.UnaryUnaryMultiCallable[_RequestT, _ResponseT],
        request: _RequestT,
        **options: Any,
    ) -> _ResponseT:
        """Call once."""
        return method(request, **options)

    async def receive(
        self,
        method: grpc.UnaryStreamMultiCallable[_RequestT, _ResponseT],
        request: _RequestT,
        **options: Any,
    ) -> AsyncGenerator[_ResponseT, None]:
        """Give one message after another; the call ends with the iteration."""
        call = method(request, **options)
        try:
            for message in call:
                yield message
        finally:
            call.cancel()

    async def send(
        self, method: grpc.StreamUnaryMultiCallable[Any, _ResponseT], feed: Feed, **options: Any
    ) -> _ResponseT:
        """Send all that the feed gives; raises what its source raised before all else."""
        try:
            feed.begin()
            call = method.future(_Messages(feed), **options)
            try:
                return call.result()
            finally:
                call.cancel()  # Without effect unless Ctrl-C ended the wait.
        finally:
            feed.stop(_SOURCE_SECONDS)

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        sleep(seconds)  # noqa: ASYNC251 - there is no event loop

    async def run(self, function: Callable[[], _T]) -> _T:
        """Do what may take a while, such as to write a file."""
        return function()

    async def close(self) -> None:
        """Close the channel; calls under way fail."""
        self.channel.close()


class _Messages:
    """Hands messages to gRPC's sending thread, which swallows what an iterator raises."""

    def __init__(self, feed: Feed) -> None:
        self._feed = feed

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> device_service_pb2.UploadDevicesRequest:
        self._feed.tell()
        message = self._feed.take()
        if message is None:
            raise StopIteration
        return message


class BlockingClient(Calls):
    """A client whose methods give the answer itself."""

    _transport = BlockingTransport

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        _dual.settle(cls, blocking=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
