"""Sees every call from outside, those that are not let in as well, and tells what became of it.

The outermost interceptor. While nobody watches it passes calls on as they are.
"""

from __future__ import annotations

import random
import re
from contextlib import closing
from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING, Any, Protocol

import grpc

from rollbook_server.domain import tracks
from rollbook_server.domain.redaction import may_hold_secret
from rollbook_server.domain.tracks import Track
from rollbook_server.transport.statuses import reason_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

REQUEST_ID = "x-request-id"
"""The metadata in which a caller may name its call, and in which every call's name comes back."""

_SAFE = re.compile(r"[0-9A-Za-z][0-9A-Za-z._:-]{0,63}")
_NAME_BITS = 80  # 20 digits: more than an IMEI has, which logs leave out
_CHANCE = random.Random()  # noqa: S311 - names and no secrets; four times as fast

_KINDS = {
    (False, False): ("unary", "unary_unary", grpc.unary_unary_rpc_method_handler),
    (False, True): ("server_stream", "unary_stream", grpc.unary_stream_rpc_method_handler),
    (True, False): ("client_stream", "stream_unary", grpc.stream_unary_rpc_method_handler),
    (True, True): ("bidi_stream", "stream_stream", grpc.stream_stream_rpc_method_handler),
}

_Handler = Any  # grpc.RpcMethodHandler, of which the type stubs know half the fields


@dataclass(slots=True, eq=False)
class SeenCall(Track):
    """A call, from when it came; what became of it is there once it has ended.

    `path` is its whole name, /SERVICE/METHOD; `begin` is on the clock of `perf_counter`.
    `seconds` are from when it came, so that waiting for a thread counts. `reason` is that
    of the error it was answered with, if any. Nothing of it may lead to gRPC's context, which
    leads to it: what refers to itself is freed late, and counts as under way until then.
    """

    path: str = ""
    metadata: Any = ()
    begin: float = 0.0
    received: int = 0
    sent: int = 0
    peer: str = ""
    code: grpc.StatusCode = grpc.StatusCode.OK
    reason: str = ""
    seconds: float = 0.0
    span: Any = None  # of whoever traces

    @property
    def service(self) -> str:
        """The name of the service, with its package."""
        return self.path[1 : self.path.rfind("/")]

    @property
    def method(self) -> str:
        """The name of the method alone."""
        return self.path[self.path.rfind("/") + 1 :]

    def end(self, context: grpc.ServicerContext, error: BaseException | None) -> None:
        """Take in what became of it, and send its name back."""
        told: Any = context  # the type stubs know neither code() nor trailing_metadata()
        metadata = told.trailing_metadata() or ()
        self.seconds = perf_counter() - self.begin
        self.code = _code(told, error)
        if self.code is not grpc.StatusCode.OK:
            self.reason = reason_of(metadata)
        self.peer = told.peer()
        told.set_trailing_metadata((*metadata, (REQUEST_ID, self.request_id)))


class Watcher(Protocol):
    """Is told of calls, in the threads that serve them: be quick, and raise nothing."""

    @property
    def is_on(self) -> bool:
        """Whether it wants to be told at all; asked at every call."""

    def came(self, call: SeenCall) -> None:
        """Take note of a call that begins."""

    def ended(self, call: SeenCall) -> None:
        """Take note of a call that has ended."""


class Watch(grpc.ServerInterceptor):
    """Tells watchers of calls of methods that there are; of others gRPC itself gets rid."""

    def __init__(self, watchers: Sequence[Watcher]) -> None:
        self._watchers = tuple(watchers)

    def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], _Handler],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> _Handler:
        """Give the handler of a call as it is, or one that is watched."""
        handler = continuation(handler_call_details)
        watchers = [each for each in self._watchers if each.is_on]
        if handler is None or not watchers:
            return handler
        metadata = handler_call_details.invocation_metadata or ()
        path = handler_call_details.method
        call = SeenCall(_name_of(metadata), "", path, metadata, perf_counter())
        tracks.follow(call)  # gRPC does all that a call takes in a context of its own
        for each in watchers:
            each.came(call)
        return _watched(handler, call, watchers)


def kind_of(*, request_streaming: bool, response_streaming: bool) -> str:
    """Give how Prometheus' users call a method of that kind."""
    return _KINDS[request_streaming, response_streaming][0]


def _name_of(metadata: Any) -> str:
    """Give the caller's name for the call if it has a sound one, or a new one.

    It is repeated in logs and traces: nothing may be in it that may not stand there.
    """
    for name, value in metadata:
        if name == REQUEST_ID and isinstance(value, str) and _SAFE.fullmatch(value):
            return _new_name() if may_hold_secret(value) else value
    return _new_name()


def _new_name() -> str:
    return f"{_CHANCE.getrandbits(_NAME_BITS):020x}"


def _watched(handler: _Handler, call: SeenCall, watchers: Sequence[Watcher]) -> _Handler:
    _, field, make = _KINDS[handler.request_streaming, handler.response_streaming]
    behavior = getattr(handler, field)
    watched = (_streamed if handler.response_streaming else _single)(behavior, call, watchers)
    # By this name gRPC finds the threads of some.
    watched.experimental_thread_pool = getattr(behavior, "experimental_thread_pool", None)
    return make(
        watched,
        request_deserializer=_counted(handler.request_deserializer, call),
        response_serializer=handler.response_serializer,
    )


def _counted(read: Callable[[bytes], Any] | None, call: SeenCall) -> Callable[[bytes], Any] | None:
    if read is None:
        return None

    def counted(data: bytes) -> Any:
        call.received += 1
        return read(data)

    return counted


def _single(behavior: Any, call: SeenCall, watchers: Sequence[Watcher]) -> Any:
    def single(requests: Any, context: grpc.ServicerContext) -> Any:
        try:
            answer = behavior(requests, context)
        except BaseException as error:
            _tell(call, context, watchers, error)
            raise
        call.sent = 1
        _tell(call, context, watchers)
        return answer

    return single


def _streamed(behavior: Any, call: SeenCall, watchers: Sequence[Watcher]) -> Any:
    def streamed(requests: Any, context: grpc.ServicerContext) -> Iterator[Any]:
        try:
            with closing(behavior(requests, context)) as answers:
                for answer in answers:
                    call.sent += 1
                    yield answer
        except BaseException as error:  # also that nobody asks for more
            _tell(call, context, watchers, error)
            raise
        _tell(call, context, watchers)

    return streamed


def _tell(
    call: SeenCall,
    context: grpc.ServicerContext,
    watchers: Sequence[Watcher],
    error: BaseException | None = None,
) -> None:
    call.end(context, error)
    for each in watchers:
        each.ended(call)


def _code(context: Any, error: BaseException | None) -> grpc.StatusCode:
    """Give the code of the answer; of a call whose caller left before it, why."""
    code: grpc.StatusCode | None = context.code()
    if code is not None:
        return code
    if context.is_active():
        return grpc.StatusCode.OK if error is None else grpc.StatusCode.UNKNOWN
    is_late = context.time_remaining() == 0
    return grpc.StatusCode.DEADLINE_EXCEEDED if is_late else grpc.StatusCode.CANCELLED
