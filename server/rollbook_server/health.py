"""What a server tells of its health, by grpc.health.v1 and in its metrics."""

from __future__ import annotations

import threading
from concurrent import futures
from typing import TYPE_CHECKING, Any

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from rollbook_server.pulse import Feeling

if TYPE_CHECKING:
    from collections.abc import Iterator

NAME = health.SERVICE_NAME
SERVICES = (
    "rollbook.v1.AccessService",
    "rollbook.v1.AuditService",
    "rollbook.v1.DeviceService",
    "rollbook.v1.EnrollmentService",
    "rollbook.v1.ProfileService",
    "rollbook.v1.TokenService",
    "rollbook.v1.UserService",
)

# What is told not to be served: the whole server is healthy as long as devices enroll.
_NOT_SERVED = {
    Feeling.WELL: (),
    Feeling.NEARLY_FULL: ("rollbook.v1.DeviceService",),
    Feeling.ILL: ("", *SERVICES),
}

# Watchers of our health need no key, so they must not wait in the threads that serve
# calls. Nor in none, as is that library's default: there a watcher that goes away
# while we set a status stops the whole server for ever.
_WATCHERS = 8


class Health:
    """Knows how the server is; NOT_SERVING until it is told otherwise. Thread-safe."""

    def __init__(self) -> None:
        self._servicer = _Servicer()
        self._is_serving = False

    def register(self, server: grpc.Server) -> None:
        """Let the server be asked."""
        health_pb2_grpc.add_HealthServicer_to_server(self._servicer, server)

    def is_serving(self) -> bool:
        """Tell what is told of the whole server."""
        return self._is_serving and not self._servicer.is_stopping

    def tell(self, feeling: Feeling) -> None:
        """Tell how the database is, of every service; in vain once the server stops."""
        self._is_serving = feeling is not Feeling.ILL
        status = health_pb2.HealthCheckResponse
        for name in ("", *SERVICES):
            is_served = name not in _NOT_SERVED[feeling]
            self._servicer.set(name, status.SERVING if is_served else status.NOT_SERVING)

    def stop(self) -> None:
        """Tell that the server stops: all who watch, also those who have yet to begin.

        With that their calls end, so that they make room for those who wait.
        """
        self._servicer.enter_graceful_shutdown()


class _Servicer(health.HealthServicer):  # type: ignore[misc]  # the library has no types
    """The library's, whose watchers end once they were told that the server stops."""

    def __init__(self) -> None:
        threads = futures.ThreadPoolExecutor(_WATCHERS, thread_name_prefix="rollbook-health")
        super().__init__(experimental_non_blocking=False, experimental_thread_pool=threads)
        self._watching = threading.Lock()
        self._watchers = set[Any]()
        self.is_stopping = False

    def Watch(  # noqa: N802 - the contract's name
        self, request: health_pb2.HealthCheckRequest, context: grpc.ServicerContext
    ) -> Iterator[health_pb2.HealthCheckResponse]:
        """Give each state, the last of which is NOT_SERVING."""
        watcher = super().Watch(request, context)
        with self._watching:
            self._watchers.add(watcher)
            if self.is_stopping:
                watcher.close()
        try:
            yield from watcher
        finally:
            with self._watching:
                self._watchers.discard(watcher)
        if self.is_stopping:  # and nobody who left
            context.set_code(grpc.StatusCode.UNAVAILABLE)
            context.set_details("The server is shutting down.")

    def enter_graceful_shutdown(self) -> None:
        """Tell all watchers, and let none wait for anything more."""
        super().enter_graceful_shutdown()
        with self._watching:
            self.is_stopping = True
            for each in self._watchers:
                each.close()  # what it was told before is still given
