"""Answers at a server's address while it waits for its database.

Probes are told NOT_SERVING, all other calls that the database does not answer and when to
come again: as they are when it goes away later.
"""

from __future__ import annotations

from concurrent import futures
from typing import TYPE_CHECKING, Any

import grpc

from rollbook_server.health import SERVICES, Health
from rollbook_server.listening import options
from rollbook_server.pulse import Feeling
from rollbook_server.storage.faults import store_unavailable
from rollbook_server.transport.admission import RIGHTLESS_SERVICES
from rollbook_server.transport.guard import Guard
from rollbook_server.transport.idle_limit import IdleLimit
from rollbook_server.transport.waiting_line import Lines

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rollbook_server.config import Config
    from rollbook_server.domain.api_keys import ApiKey
    from rollbook_server.domain.callers import Caller
    from rollbook_server.domain.errors import Reason
    from rollbook_server.listening import Door
    from rollbook_server.transport.watch import Watch

_ANSWERED = frozenset(SERVICES) | RIGHTLESS_SERVICES
_THREADS = 8  # each call is answered in no time


class StandIn:
    """Answers from now on, until the door is opened to another server, or it is closed.

    Raises ConfigError if it cannot be opened.
    """

    def __init__(self, config: Config, door: Door, watch: Watch) -> None:
        self._lines = Lines(config.waiting_calls)
        self._idle = IdleLimit(
            config.idle_seconds, _THREADS // 2, others_wait=self._lines.anyone_waits
        )
        guard = Guard(_NoKeys(), self._idle, self._lines, _untold)
        pool = futures.ThreadPoolExecutor(_THREADS, thread_name_prefix="rollbook-stand-in")
        self._server = grpc.server(
            pool, [_Unavailable()], interceptors=[watch, guard], options=options(config)
        )
        self._health = Health()
        self._health.tell(Feeling.ILL)
        self._health.register(self._server)
        self.address = door.open(self._server, self.close)
        self._server.start()

    def close(self) -> None:
        """Answer no more, and leave the address free; a second time it does nothing."""
        self._server.stop(0).wait()
        self._idle.close()
        self._lines.close()


class _NoKeys:
    """Knows no key: all of them are in the database."""

    def check(self, value: str) -> ApiKey:  # noqa: ARG002 - it cannot be looked up
        raise store_unavailable()


class _Unavailable(grpc.GenericRpcHandler):
    """Refuses every call of a service of ours, before anything of it is read."""

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> Any:
        """Give what refuses; None for services that there never are."""
        _, service, _ = handler_call_details.method.split("/")
        # On the wire a refusal is the same for all kinds of calls; this one waits for nothing.
        return grpc.stream_unary_rpc_method_handler(_refuse) if service in _ANSWERED else None


def _refuse(requests: Iterator[bytes], context: grpc.ServicerContext) -> bytes:  # noqa: ARG001
    raise store_unavailable()


def _untold(method: str, caller: Caller, reason: Reason) -> None:
    """Tell of who is turned away nowhere: the audit log is in the database."""
