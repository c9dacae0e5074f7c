"""A server that answers as ours does and only burns the time that deciding and writing take.

`python -m benchmarks.stand_in HANDLER WRITER` serves EnrollDevice and empty calls, and prints
its port: a call burns so many microseconds in its thread, and so many in that of the writer,
which gathers groups as ours does, sleeps for each as long as a disk takes, and answers it.
"""

from __future__ import annotations

import sys
import time
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Condition, Thread
from typing import TYPE_CHECKING, Any

import grpc
from grpc_health.v1 import health_pb2

from rollbook.v1 import enrollment_service_pb2
from rollbook_server.storage.commit_delay import CommitDelay
from rollbook_server.storage.writer import GROUP_LIMIT

if TYPE_CHECKING:
    from collections.abc import Callable

    from google.protobuf.message import Message

THREADS = 32  # as many as ours has
SYNC_SECONDS = 0.0015

_ANSWER = enrollment_service_pb2.EnrollDeviceResponse(
    device_id="dev-123456", attributes={"site": "North", "asset_tag": "A-1"}
)
_SERVING = health_pb2.HealthCheckResponse(status=health_pb2.HealthCheckResponse.SERVING)


class _Writer(Thread):
    def __init__(self, seconds: float) -> None:
        super().__init__(daemon=True)
        self._seconds, self._delay = seconds, CommitDelay()
        self._waiting, self._changed = deque[Future[None]](), Condition()

    def write(self) -> None:
        """Wait until it is done."""
        written: Future[None] = Future()
        with self._changed:
            self._waiting.append(written)
            self._changed.notify()
        written.result()

    def run(self) -> None:
        while True:
            group = self._group()
            for _ in group:
                _burn(self._seconds)
            time.sleep(SYNC_SECONDS)
            for written in group:
                written.set_result(None)

    def _group(self) -> list[Future[None]]:
        with self._changed:
            self._changed.wait_for(lambda: self._waiting)
        self._delay.gather(self._waiting, GROUP_LIMIT)
        with self._changed:
            return [self._waiting.popleft() for _ in range(min(len(self._waiting), GROUP_LIMIT))]


def _burn(seconds: float) -> None:
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        pass


def serve(handler: float, writer: float) -> None:
    """Serve until it is killed; both are seconds."""
    written = _Writer(writer)
    written.start()

    def enroll(_request: object, _context: object) -> enrollment_service_pb2.EnrollDeviceResponse:
        _burn(handler)
        written.write()
        return _ANSWER

    server = grpc.server(ThreadPoolExecutor(THREADS))
    empty = _handlers("grpc.health.v1.Health", "Check", lambda *_: _SERVING)
    enrolls = _handlers("rollbook.v1.EnrollmentService", "EnrollDevice", enroll)
    server.add_generic_rpc_handlers((empty, enrolls))
    print(server.add_insecure_port("127.0.0.1:0"), flush=True)
    server.start()
    server.wait_for_termination()


def _handlers(service: str, method: str, behavior: Callable[..., Message]) -> Any:
    handler: Any = grpc.unary_unary_rpc_method_handler(
        behavior, response_serializer=lambda answer: answer.SerializeToString()
    )
    return grpc.method_handlers_generic_handler(service, {method: handler})


if __name__ == "__main__":
    serve(*(float(each) / 1e6 for each in sys.argv[1:]))
