"""Whoever watches our health is told that the server stops, whenever he came."""

from __future__ import annotations

from typing import TYPE_CHECKING

import grpc
from grpc_health.v1 import health_pb2

from health.conftest import SERVING
from uploads.wire import until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from health.conftest import Probe
    from running import Server

NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING
UNKNOWN = health_pb2.HealthCheckResponse.SERVICE_UNKNOWN
THREADS = 8


def rest(states: Iterator[int]) -> tuple[list[int], str]:
    """Give what is told until the end, and what that is."""
    told = []
    try:
        for each in states:
            told.append(each)  # noqa: PERF402 - what was told before it breaks off counts
    except grpc.RpcError as error:
        return told, error.code().name
    return told, "OK"


def test_all_who_watch_are_told_at_the_end(
    serve: Callable[..., Server], probing: Callable[[str], Probe]
) -> None:
    server = serve(drain_seconds=3600)
    probe = probing(server.address)
    watching = [probe.watch() for _ in range(THREADS)]
    assert [next(states) for states in watching] == [SERVING] * THREADS
    waiting = [probe.watch() for _ in range(3 * THREADS)]  # for whom there is no thread
    until(lambda: server.app._lines._watchers.length == len(waiting))
    server.stop()
    for states in (*watching, *waiting):
        assert rest(states) == ([NOT_SERVING], "UNAVAILABLE")


def test_who_comes_once_it_stops_is_told_at_once(server: Server, probe: Probe) -> None:
    server.app.health.stop()
    assert rest(probe.watch()) == ([NOT_SERVING], "UNAVAILABLE")
    assert rest(probe.watch("rollbook.v1.TokenService")) == ([NOT_SERVING], "UNAVAILABLE")


def test_who_watches_what_there_is_not_holds_nothing_up(server: Server, probe: Probe) -> None:
    states = probe.watch("nothing")
    assert next(states) == UNKNOWN
    server.app.health.stop()
    assert rest(states) == ([], "UNAVAILABLE")
