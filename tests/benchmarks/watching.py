"""What it costs to watch a call, in microseconds of processor time.

First the interceptor and its watchers alone, in a loop around a call that does nothing:
neither the network nor other programs are measured. Then whole servers, one that is
watched beside one that is not, while devices enroll one after another: with gRPC, the
header that goes back and the line that is written.
"""

from __future__ import annotations

import logging
import os
import sys
import tempfile
from contextlib import ExitStack, redirect_stderr
from pathlib import Path
from time import process_time
from typing import TYPE_CHECKING, Any

import grpc

sys.path.insert(0, str(Path(__file__).parents[1]))  # `running`, as the tests know it

from rollbook import EnrollmentAgent
from rollbook_server import logs
from rollbook_server.health import SERVICES
from rollbook_server.logs import LogSettings
from rollbook_server.observing.access_log import AccessLog
from rollbook_server.observing.metrics import Metrics
from rollbook_server.observing.traces import CallSpans
from rollbook_server.transport.watch import Watch
from running import ServerProcess

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rollbook_server.transport.watch import Watcher

CALLS, ENROLLMENTS, ROUNDS = 20_000, 2_000, 5
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


def alone() -> None:
    """Print what the watchers take."""
    kinds: dict[str, Callable[[], Watcher]] = {
        "metrics": lambda: Metrics(SERVICES).calls,
        "a line of text": access_log("text"),
        "a line of JSON": access_log("json"),
        "a span that nobody takes": spans,
    }
    logging.getLogger(logs.ACCESS).setLevel(logging.CRITICAL)
    bare = microseconds(Watch(()))
    off = microseconds(Watch((AccessLog(),)))
    print(f"{'nobody watches':<28}{off - bare:>6.2f}")
    for name, make in kinds.items():
        watchers: Sequence[Watcher] = (make(),)
        print(f"{name:<28}{microseconds(Watch(watchers)) - bare:>6.1f}")


def processor_seconds(pid: int) -> float:
    numbers = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(numbers[11]) + int(numbers[12])) / os.sysconf("SC_CLK_TCK")


def of_server(process: ServerProcess, agent: EnrollmentAgent) -> float:
    """Give the microseconds that the server takes for an enrollment."""
    begin = processor_seconds(process.pid)
    for _ in range(ENROLLMENTS):
        agent.enroll_device(imeis=["490154203237518"])
    return (processor_seconds(process.pid) - begin) / ENROLLMENTS * 1e6


def whole() -> None:
    """Print what an enrollment takes in servers that are watched and in one that is not."""
    kinds = {
        "nobody watches": (),
        "metrics": ("--metrics", "127.0.0.1:0"),
        "a line of text": ("--access-log", "all"),
        "a line of JSON": ("--access-log", "all", "--log-format", "json"),
    }
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        asks = {}
        for number, (name, options) in enumerate(kinds.items()):
            (folder / str(number)).mkdir()
            process = ServerProcess(folder / str(number) / "data", *options).start()
            stack.callback(process.terminate)
            asks[name] = process, stack.enter_context(EnrollmentAgent(process.address))
        rounds = [{name: of_server(*ask) for name, ask in asks.items()} for _ in range(ROUNDS)]
    for name in kinds:
        print(f"{name:<28}{min(each[name] for each in rounds):>6.0f}")


def main() -> None:
    print("microseconds a call, of watching alone:")
    with open(os.devnull, "w") as nowhere, redirect_stderr(nowhere):  # noqa: PTH123
        alone()
    print("microseconds an enrollment, of a whole server:")
    whole()


if __name__ == "__main__":
    main()
