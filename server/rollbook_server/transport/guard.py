"""The one interceptor every call passes: who calls, and what goes wrong.

It checks the API key before anything else, waits for messages no longer than the idle
limit, refuses bytes that are no message, and turns every exception into a status: the
domain's into theirs, all others into an INTERNAL that tells nothing but the number
under which it was logged.
"""

from __future__ import annotations

import logging
import secrets
from functools import partial
from typing import TYPE_CHECKING, Any

import grpc

from rollbook_server.domain import callers
from rollbook_server.domain.errors import Reason, RollbookError
from rollbook_server.transport.incoming import Incoming, lenient
from rollbook_server.transport.statuses import status_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rollbook_server.domain.callers import Caller
    from rollbook_server.transport.idle_limit import IdleLimit

    _TurnedAway = Callable[[str, Caller, Reason], None]

OPEN_SERVICES = frozenset({"rollbook.v1.EnrollmentService", "grpc.health.v1.Health"})
"""What may be called without a key: device agents and probes have none."""

_log = logging.getLogger(__name__)

_Handler = Any  # grpc.RpcMethodHandler, of which the type stubs know half the fields
_Behavior = Any


class Guard(grpc.ServerInterceptor):
    """Lets in callers with a key, and lets out nothing but statuses.

    `turned_away` is told of calls that are not let in: the method, who called, and why.
    """

    def __init__(
        self, knows_key: Callable[[str], bool], limit: IdleLimit, turned_away: _TurnedAway
    ) -> None:
        self._knows_key, self._limit, self._turned_away = knows_key, limit, turned_away

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
        refusal = self._refusal(method, handler_call_details.invocation_metadata or ())
        return self._guarded(handler, method, refusal)

    def _refusal(self, method: str, metadata: Any) -> RollbookError | None:
        if method.split("/")[1] in OPEN_SERVICES:
            return None
        sent = next((value for name, value in metadata if name == "authorization"), "")
        scheme, _, key = str(sent).partition(" ")
        if scheme.lower() != "bearer" or not key:
            return RollbookError(
                Reason.API_KEY_MISSING,
                "This call needs an API key, sent as metadata `authorization: Bearer KEY`. "
                "The server keeps its first one in admin.key of its data directory.",
            )
        if not self._knows_key(key.strip()):
            return RollbookError(
                Reason.API_KEY_INVALID, "The API key is unknown; check it for missing characters."
            )
        return None

    def _guarded(self, handler: _Handler, method: str, refusal: RollbookError | None) -> _Handler:
        """Give the same handler with its reading and its behavior guarded."""
        make, behavior = _shape(handler)
        inlet = _Inlet(behavior, self._limit, takes_many=handler.request_streaming)
        wrap = _streamed if handler.response_streaming else _single
        call = wrap(inlet, method, partial(self._admit, method, refusal))
        # By this name gRPC finds the threads of health watchers, which are not ours.
        call.experimental_thread_pool = getattr(behavior, "experimental_thread_pool", None)
        return make(
            call,
            request_deserializer=lenient(handler.request_deserializer),
            response_serializer=handler.response_serializer,
        )

    def _admit(self, method: str, refusal: RollbookError | None) -> None:
        if refusal is not None:
            self._turned_away(method, callers.current(), refusal.reason)
            raise refusal


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

    def __init__(self, behavior: _Behavior, limit: IdleLimit, *, takes_many: bool) -> None:
        self._behavior, self._limit, self._takes_many = behavior, limit, takes_many

    def one(self, requests: Iterator[Any], context: grpc.ServicerContext) -> Any:
        """Give the one answer."""
        messages = Incoming(requests, context, self._limit)
        try:
            return self._behavior(messages if self._takes_many else messages.only(), context)
        finally:
            messages.close()

    def many(self, requests: Iterator[Any], context: grpc.ServicerContext) -> Iterator[Any]:
        """Give each answer."""
        messages = Incoming(requests, context, self._limit)
        try:
            yield from self._behavior(messages if self._takes_many else messages.only(), context)
        finally:
            messages.close()


def _single(inlet: _Inlet, method: str, admit: Callable[[], None]) -> _Behavior:
    def call(requests: Any, context: grpc.ServicerContext) -> Any:
        with _Outlet(method, context):
            admit()
            return inlet.one(requests, context)

    return call


def _streamed(inlet: _Inlet, method: str, admit: Callable[[], None]) -> _Behavior:
    def call(requests: Any, context: grpc.ServicerContext) -> Any:
        with _Outlet(method, context):
            admit()
            yield from inlet.many(requests, context)

    return call


class _Outlet:
    """Ends a call with a status whatever is raised within."""

    def __init__(self, method: str, context: grpc.ServicerContext) -> None:
        self._method, self._context = method, context

    def __enter__(self) -> None:
        """Nothing to prepare."""

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, RollbookError):
            self._context.abort_with_status(status_of(error))
        elif isinstance(error, NotImplementedError):
            self._context.abort_with_status(status_of(_not_served(self._method)))
        elif isinstance(error, Exception) and self._is_a_bug(error):
            self._context.abort_with_status(status_of(self._logged(error)))

    def _is_a_bug(self, error: Exception) -> bool:
        """Tell our own faults from the end of a call: gRPC raises both as Exception."""
        context: Any = self._context  # the type stubs know neither code() nor its None
        ended = isinstance(error, grpc.RpcError) or not context.is_active()
        return not ended and context.code() is None

    def _logged(self, error: Exception) -> RollbookError:
        number = secrets.token_hex(4)
        _log.error("bug %s in %s", number, self._method, exc_info=error)
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
