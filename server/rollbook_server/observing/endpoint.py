"""Where Prometheus fetches metrics: a small HTTP server that anybody on its address may ask."""

from __future__ import annotations

import logging
import socket
from contextlib import suppress
from socketserver import ThreadingMixIn
from threading import BoundedSemaphore, Thread
from typing import TYPE_CHECKING, Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from prometheus_client import CollectorRegistry, make_wsgi_app

from rollbook_server.config import ConfigError, split_address

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from prometheus_client.core import Metric

    Collect = Callable[[], Iterable[Metric]]

PATH = "/metrics"
SERVER = "Rollbook"
"""What each answer says that it is from, also one that tells no metrics."""

_AT_A_TIME = 8  # askers; one that is silent keeps its place until the timeout
_SILENT_SECONDS = 10
_REQUEST_BYTES = 64 * 1024  # more than any scraper's
_TOO_MANY = (
    f"HTTP/1.0 503 Service Unavailable\r\nServer: {SERVER}\r\nRetry-After: {_SILENT_SECONDS}\r\n"
    f"Content-Type: text/plain; charset=utf-8\r\n\r\n{_AT_A_TIME} ask for metrics at a time, as "
    "many as may; try again.\n"
).encode()

_log = logging.getLogger(__name__)


class Endpoint:
    """Serves metrics under /metrics, in threads of its own, until it is closed."""

    def __init__(self, address: str, collect: Collect) -> None:
        """Begin. Raises ConfigError if the address cannot be had."""
        host, port = split_address(address)
        registry = CollectorRegistry()
        registry.register(_Collector(collect))
        try:
            self._server = _server(host, int(port))
        except OSError as error:
            raise ConfigError(
                f"--metrics {address}: the address cannot be used: {error.strerror or error}."
            ) from error
        self._server.set_app(_only_metrics(make_wsgi_app(registry)))
        self.address = f"{address.rpartition(':')[0]}:{self._server.server_address[1]}"
        Thread(target=self._server.serve_forever, name="rollbook-metrics", daemon=True).start()

    def close(self) -> None:
        """Give the address free; answers under way may end."""
        self._server.shutdown()
        self._server.server_close()


class _Collector:
    def __init__(self, collect: Collect) -> None:
        self.collect = collect


class _Server(ThreadingMixIn, WSGIServer):
    """A thread for each who asks, but not for any number of them."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, *arguments: Any) -> None:
        self._places = BoundedSemaphore(_AT_A_TIME)
        super().__init__(*arguments)

    def server_bind(self) -> None:
        """Take the address; without asking a name server what it is called."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = str(self.server_address[0]), self.server_address[1]
        self.setup_environ()

    def process_request(self, request: Any, client_address: Any) -> None:
        """Answer in a thread of its own, or refuse if there are as many as may be."""
        if self._places.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            _refuse(request)
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Answer, and give the place free."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._places.release()

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002 - its names
        """Note what went wrong with one who asked, mostly that it is gone."""
        _log.debug("metrics could not be told", exc_info=True)


class _Handler(WSGIRequestHandler):
    timeout = _SILENT_SECONDS

    def version_string(self) -> str:
        """Say who answers what is no request of HTTP."""
        return SERVER

    def log_message(self, *_: Any) -> None:
        """Say nothing: they come every few seconds."""


def _refuse(connection: socket.socket) -> None:
    """Say so without waiting for anything: whoever accepts connections does it."""
    connection.setblocking(False)
    with suppress(OSError):
        connection.recv(_REQUEST_BYTES)  # what is left unread would take the answer away
    with suppress(OSError):
        connection.sendall(_TOO_MANY)


def _server(host: str, port: int) -> _Server:
    family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    kind = type("_FamilyServer", (_Server,), {"address_family": family})
    return kind(address, _Handler)  # type: ignore[no-any-return]


def _only_metrics(tell: Any) -> Any:
    """Answer under one path, elsewhere say where that is; and always say who answers."""

    def answer(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        def start(status: str, headers: list[tuple[str, str]]) -> Any:
            return start_response(status, [*headers, ("Server", SERVER)])

        if environ["PATH_INFO"] != PATH:
            return _said(start, "404 Not Found", f"The metrics are under {PATH}.")
        try:
            told: Iterable[bytes] = tell(environ, start)
        except Exception:  # noqa: BLE001 - whatever it is, it belongs into our log
            _log.exception("metrics could not be gathered")
            return _said(start, "500 Internal Server Error", "The server's log tells why not.")
        return told

    return answer


def _said(start: Any, status: str, text: str) -> Iterable[bytes]:
    start(status, [("Content-Type", "text/plain; charset=utf-8")])
    return [f"{text}\n".encode()]
