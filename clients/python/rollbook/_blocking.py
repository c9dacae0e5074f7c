"""How a client calls that blocks until the answer is there.

What is `async` here waits in the thread that called, and has happened when it is awaited.
"""

from __future__ import annotations

from queue import Empty, SimpleQueue
from threading import Lock
from time import sleep
from typing import TYPE_CHECKING, Any, Self, TypeVar

import grpc

from rollbook import _dual
from rollbook._calls import Calls
from rollbook._lookouts import TELL_SECONDS, TIMEOUT_SECONDS

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from rollbook._channel import Endpoint
    from rollbook._feed import Feed
    from rollbook._lookouts import Lookout
    from rollbook.v1 import device_service_pb2

_RequestT = TypeVar("_RequestT")
_ResponseT = TypeVar("_ResponseT")
_T = TypeVar("_T")

# How long to wait for a source that is being read while its stream is over already.
_SOURCE_SECONDS = 5.0


class BlockingTransport:
    """Calls over one channel, or one beside it, from any thread."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.channel = endpoint.open_channel()
        self._endpoint, self._lock = endpoint, Lock()
        self._channel_apart: grpc.Channel | None = None

    @property
    def channel_apart(self) -> grpc.Channel:
        """What stubs are made from whose calls are not to wait behind those of others."""
        with self._lock:
            if self._channel_apart is None:
                self._channel_apart = self._endpoint.open_channel(apart=True)
            return self._channel_apart

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
        self,
        method: grpc.StreamUnaryMultiCallable[Any, _ResponseT],
        feed: Feed,
        lookout: Lookout | None,
        **options: Any,
    ) -> _ResponseT:
        """Send all that the feed gives; raises what its source raised before all else."""
        try:
            feed.begin()
            call = method.future(_Messages(feed), **options)
            try:
                if lookout is not None:
                    _look_out(call, feed, lookout, **options)
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
        """Close the channels; calls under way fail."""
        self.channel.close()
        with self._lock:
            if self._channel_apart is not None:
                self._channel_apart.close()


def _look_out(call: grpc.Future[Any], feed: Feed, lookout: Lookout, **options: Any) -> None:
    """Ask and tell until the call is over, in the thread that waits for it anyway."""
    over = SimpleQueue[bool]()  # False is the end of a question
    call.add_done_callback(lambda _: over.put(True))

    def tell() -> None:
        if not feed.tell(waits=False):
            call.cancel()  # What it sends may be stuck.

    for seconds in lookout.waits():
        if _told(over, seconds) or (lookout.may_ask and _ask(lookout, over, tell, **options)):
            return
        tell()


def _ask(
    lookout: Lookout, over: SimpleQueue[bool], tell: Callable[[], None], **options: Any
) -> bool:
    """Ask once, and tell while there is no answer; gives whether the call is over."""
    question = lookout.method.future(lookout.request, timeout=TIMEOUT_SECONDS, **options)
    question.add_done_callback(lambda _: over.put(False))
    try:
        while (is_over := _told(over, TELL_SECONDS)) is None:
            tell()
    finally:
        question.cancel()  # Without effect if it was answered.
    if not is_over:
        _pass_on(question, lookout)
    return is_over


def _told(over: SimpleQueue[bool], seconds: float) -> bool | None:
    """Give what has ended within so many seconds, see above; None if nothing has."""
    try:
        return over.get(timeout=seconds)
    except Empty:
        return None


def _pass_on(question: grpc.Future[Any], lookout: Lookout) -> None:
    try:
        answer = question.result()
    except grpc.RpcError as error:
        lookout.failed(error)
    else:
        lookout.answered(answer)


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
