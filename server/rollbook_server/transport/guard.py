"""The one interceptor every call passes: who calls, and what goes wrong.

It checks the API key and its rights before anything else, and again at every message;
tells the domain who is calling; waits for messages no longer than the idle limit,
refuses bytes that are no message, lets out of an answer what its caller may see, and
turns every exception into a status: the domain's into theirs, all others into an
INTERNAL that tells nothing but the number under which it was logged.
"""

from __future__ import annotations

import logging
import secrets
from contextlib import closing
from typing import TYPE_CHECKING, Any

import grpc

from rollbook_server.domain.callers import calling
from rollbook_server.domain.errors import Reason, RollbookError
from rollbook_server.transport.admission import Admission
from rollbook_server.transport.incoming import Incoming, lenient
from rollbook_server.transport.row_counts import counted
from rollbook_server.transport.statuses import status_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rollbook_server.domain.callers import Caller
    from rollbook_server.transport.admission import Keys, TurnedAway
    from rollbook_server.transport.idle_limit import IdleLimit
    from rollbook_server.transport.waiting_line import Lines

_log = logging.getLogger(__name__)

_Handler = Any  # grpc.RpcMethodHandler, of which the type stubs know half the fields
_Behavior = Any
_END = object()


class Guard(grpc.ServerInterceptor):
    """Lets in callers with a key, and lets out nothing but statuses.

    `turned_away` is told of calls that end for want of a key or right, at their beginning
    or later: the method, who called, and why.
    """

    def __init__(self, keys: Keys, limit: IdleLimit, lines: Lines, turned_away: TurnedAway) -> None:
        self._keys, self._limit, self._lines = keys, limit, lines
        self._turned_away = turned_away

    def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], _Handler],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> _Handler:
        """Wrap the handler of a call; unknown methods are left to gRPC."""
        handler = continuation(handler_call_details)
        if handler is None:
            return None
        method = handler_call_details.method
        metadata = handler_call_details.invocation_metadata or ()
        admission = Admission(method, metadata, self._keys, self._turned_away)
        return self._guarded(handler, admission)

    def _guarded(self, handler: _Handler, admission: Admission) -> _Handler:
        """Give the same handler with its reading and its behavior guarded."""
        make, behavior = _shape(handler)
        inlet = _Inlet(behavior, self._limit, admission, takes_many=handler.request_streaming)
        call = (_streamed if handler.response_streaming else _single)(inlet, admission)
        # By this name gRPC finds the threads of health watchers, which are not ours.
        call.experimental_thread_pool = getattr(behavior, "experimental_thread_pool", None)
        return make(
            self._lines.wait(admission.method, call),
            request_deserializer=lenient(counted(admission.method, handler.request_deserializer)),
            response_serializer=handler.response_serializer,
        )


def _shape(handler: _Handler) -> tuple[Any, _Behavior]:
    """Give how to make a handler that takes a stream in any case, and the behavior.

    On the wire both kinds are the same. But of a handler that takes one message grpcio
    waits for it in a thread of ours, out of our sight and for ever; of a stream it hands
    over the wait.
    """
    if handler.response_streaming:
        behavior = handler.stream_stream if handler.request_streaming else handler.unary_stream
        return grpc.stream_stream_rpc_method_handler, behavior
    behavior = handler.stream_unary if handler.request_streaming else handler.unary_unary
    return grpc.stream_unary_rpc_method_handler, behavior


class _Inlet:
    """Passes a call to its behavior with what that takes, one message or many."""

    def __init__(
        self, behavior: _Behavior, limit: IdleLimit, admission: Admission, *, takes_many: bool
    ) -> None:
        self._behavior, self._limit, self._admission = behavior, limit, admission
        self._takes_many = takes_many

    def one(self, requests: Iterator[Any], context: grpc.ServicerContext) -> Any:
        """Give the one answer."""
        caller = self._admission.caller(context.peer())
        with closing(Incoming(requests, context, self._limit)) as messages, calling(caller):
            answer = self._behavior(self._taken(messages), context)
        return self._admission.disclosed(answer, caller)

    def many(self, requests: Iterator[Any], context: grpc.ServicerContext) -> Iterator[Any]:
        """Give each answer."""
        caller = self._admission.caller(context.peer())
        with closing(Incoming(requests, context, self._limit)) as messages:
            with calling(caller):
                answers = self._behavior(self._taken(messages), context)
            with closing(answers):
                yield from self._pulled(answers, caller)

    def _taken(self, messages: Incoming) -> Any:
        if self._takes_many:
            return self._admitted(messages)
        message = messages.only()
        self._admission.check()  # whose key ended meanwhile has waited in vain
        return message

    def _admitted(self, messages: Incoming) -> Iterator[Any]:
        for message in messages:
            self._admission.check()
            yield message

    def _pulled(self, answers: Iterator[Any], caller: Caller) -> Iterator[Any]:
        """Give answers, each made in the name of the caller: gRPC asks in varying threads."""
        while True:
            self._admission.check()
            with calling(caller):
                answer = next(answers, _END)
            if answer is _END:
                return
            yield self._admission.disclosed(answer, caller)


def _single(inlet: _Inlet, admission: Admission) -> _Behavior:
    def call(requests: Any, context: grpc.ServicerContext) -> Any:
        with _Outlet(admission, context):
            return inlet.one(requests, context)

    return call


def _streamed(inlet: _Inlet, admission: Admission) -> _Behavior:
    def call(requests: Any, context: grpc.ServicerContext) -> Any:
        with _Outlet(admission, context):
            yield from inlet.many(requests, context)

    return call


class _Outlet:
    """Ends a call with a status whatever is raised within, and tells of refusals, once each."""

    def __init__(self, admission: Admission, context: grpc.ServicerContext) -> None:
        self._admission, self._context = admission, context

    def __enter__(self) -> None:
        """Nothing to prepare."""

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, RollbookError):
            self._admission.tell(error, self._context.peer())
            self._context.abort_with_status(status_of(error))
        elif isinstance(error, NotImplementedError):
            self._context.abort_with_status(status_of(_not_served(self._admission.method)))
        elif isinstance(error, Exception) and self._is_a_bug(error):
            self._context.abort_with_status(status_of(self._logged(error)))

    def _is_a_bug(self, error: Exception) -> bool:
        """Tell our own faults from the end of a call: gRPC raises both as Exception."""
        context: Any = self._context  # the type stubs know neither code() nor its None
        ended = isinstance(error, grpc.RpcError) or not context.is_active()
        return not ended and context.code() is None

    def _logged(self, error: Exception) -> RollbookError:
        number = secrets.token_hex(4)
        _log.error("bug %s in %s", number, self._admission.method, exc_info=error)
        return RollbookError(
            Reason.INTERNAL_ERROR,
            f"A bug of the server; it is logged as {number}. Please report it.",
            number=number,
        )


def _not_served(method: str) -> RollbookError:
    name = method.rpartition("/")[2]
    return RollbookError(
        Reason.METHOD_NOT_SERVED, f"{name} is not served by this version of Rollbook.", method=name
    )
