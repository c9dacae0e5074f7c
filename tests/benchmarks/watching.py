"""What it costs to watch a call: microseconds of this process's CPU, and nothing else.

The interceptor and its watchers run in a loop around a call that does nothing, so that
neither the network nor other programs are measured.
"""

from __future__ import annotations

import logging
import os
import sys
from time import process_time
from typing import TYPE_CHECKING, Any

import grpc

from rollbook_server import logs
from rollbook_server.app import SERVICES
from rollbook_server.logs import LogSettings
from rollbook_server.observing.access_log import AccessLog
from rollbook_server.observing.metrics import Metrics
from rollbook_server.observing.traces import CallSpans
from rollbook_server.transport.watch import Watch

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rollbook_server.transport.watch import Watcher

CALLS, ROUNDS = 20_000, 5
PATH = "/rollbook.v1.EnrollmentService/EnrollDevice"


class Details:
    method = PATH
    invocation_metadata = (("user-agent", "grpc-python/1.85"), ("x-one-more", "of them"))


class Context:
    """Answers as grpcio's does after a call that went well."""

    def code(self) -> None:
        return None

    def is_active(self) -> bool:
        return True

    def peer(self) -> str:
        return "ipv4:192.0.2.7:40000"

    def trailing_metadata(self) -> None:
        return None

    def set_trailing_metadata(self, _: Any) -> None:
        """Take it."""


def behavior(_requests: Any, _context: Any) -> None:
    """Do nothing."""


def microseconds(watch: Watch) -> float:
    """Give the least of some rounds, for others only ever take time."""
    handler: Any = grpc.stream_unary_rpc_method_handler(behavior, request_deserializer=bytes)
    context: Any = Context()
    return min(_round(watch, handler, context) for _ in range(ROUNDS))


def _round(watch: Watch, handler: Any, context: Any) -> float:
    def continuation(_: Any) -> Any:
        return handler

    details: Any = Details()
    begin = process_time()
    for _ in range(CALLS):
        found = watch.intercept_service(continuation, details)
        found.request_deserializer(b"")
        found.stream_unary(None, context)
    return (process_time() - begin) / CALLS * 1e6


def access_log(form: str) -> Callable[[], AccessLog]:
    def begin() -> AccessLog:
        logging.getLogger().handlers.clear()
        logs.begin(LogSettings(format=form, access="all"))
        return AccessLog()

    return begin


def spans() -> CallSpans:
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415 - an extra

    return CallSpans(TracerProvider().get_tracer("rollbook"))


def main() -> None:
    told = sys.stdout
    sys.stderr = open(os.devnull, "w")  # noqa: PTH123, SIM115 - where the lines go
    kinds: dict[str, Callable[[], Watcher]] = {
        "metrics": lambda: Metrics(SERVICES).calls,
        "a line of text": access_log("text"),
        "a line of JSON": access_log("json"),
        "a span that nobody takes": spans,
    }
    logging.getLogger(logs.ACCESS).setLevel(logging.CRITICAL)
    bare = microseconds(Watch(()))
    off = microseconds(Watch((AccessLog(),)))
    print(
        f"nobody watches: {off - bare:.2f} microseconds a call more than with no watcher", file=told
    )
    for name, make in kinds.items():
        watchers: Sequence[Watcher] = (make(),)
        print(f"{name}: {microseconds(Watch(watchers)) - bare:.1f} microseconds a call", file=told)


if __name__ == "__main__":
    main()
