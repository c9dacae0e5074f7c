"""Calls without a message: they keep no thread from anybody."""

from __future__ import annotations

import queue
from typing import TYPE_CHECKING, Any, Self, cast

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from rollbook import EnrollOutcome
from uploads.wire import Refusal, refusal, until

if TYPE_CHECKING:
    from collections.abc import Callable

    from running import Server

ENROLL = "/rollbook.v1.EnrollmentService/EnrollDevice"
CHECK = "/grpc.health.v1.Health/Check"
WATCH = "/grpc.health.v1.Health/Watch"
LIST = "/rollbook.v1.ProfileService/ListProfiles"
EXPORT = "/rollbook.v1.DeviceService/ExportDevices"
UPLOAD = "/rollbook.v1.DeviceService/UploadDevices"


class Silent:
    """Opens calls that send their headers and nothing else; close it."""

    def __init__(self, server: Server, *, has_key: bool = False) -> None:
        key = (("authorization", f"Bearer {server.api_key}"),)
        self._metadata = key if has_key else None
        self._channel = grpc.insecure_channel(server.address)
        self._feeds: list[queue.SimpleQueue[bytes | None]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for feed in self._feeds:
            feed.put(None)
        self._channel.close()

    def open(self, path: str) -> Any:
        self._feeds.append(queue.SimpleQueue())
        feed = cast("Any", iter(self._feeds[-1].get, None))
        return self._channel.stream_unary(path).future(feed, metadata=self._metadata)


def refused(call: Any) -> Refusal:
    with pytest.raises(grpc.RpcError) as caught:
        call.result()
    return refusal(caught.value)


def is_serving(server: Server) -> bool:
    with grpc.insecure_channel(server.address) as channel:
        check = health_pb2_grpc.HealthStub(channel).Check
        return bool(check(health_pb2.HealthCheckRequest()).status == 1)


@pytest.mark.parametrize("path", [ENROLL, CHECK, WATCH])
def test_more_of_them_than_threads_stop_nothing_also_without_a_key(
    serve: Callable[..., Server], path: str
) -> None:
    server = serve(threads=4)
    with Silent(server) as silent, server.agent() as agent:
        calls = [silent.open(path) for _ in range(6)]
        until(lambda: sum(call.done() for call in calls) == 4)
        for call in filter(lambda call: call.done(), calls):
            told = refused(call)
            assert (told.code, told.reason, told.retries) == ("UNAVAILABLE", "REQUEST_IDLE", True)
        assert is_serving(server)
        answer = agent.enroll_device(imeis=["35693803564380"])
        assert answer.outcome is EnrollOutcome.NOT_REGISTERED


@pytest.mark.parametrize("path", [ENROLL, LIST, EXPORT, UPLOAD])
def test_one_alone_ends_at_the_idle_limit(serve: Callable[..., Server], path: str) -> None:
    server = serve(idle_seconds=0.2)
    with Silent(server, has_key=True) as silent:
        told = refused(silent.open(path))
    assert (told.code, told.reason, told.retries) == ("UNAVAILABLE", "REQUEST_IDLE", True)


def test_who_has_no_key_is_told_so_before_the_first_message(server: Server) -> None:
    with Silent(server) as silent:
        for path in (LIST, EXPORT, UPLOAD):
            assert refused(silent.open(path)).reason == "API_KEY_MISSING"


def test_one_that_is_given_up_leaves_its_thread(serve: Callable[..., Server]) -> None:
    server = serve(threads=2)
    with Silent(server) as silent:
        for _ in range(6):
            call = silent.open(ENROLL)
            call.cancel()
        until(lambda: is_serving(server))


def test_an_end_without_a_message_is_told_as_such(server: Server) -> None:
    with grpc.insecure_channel(server.address) as channel:
        with pytest.raises(grpc.RpcError) as caught:
            channel.stream_unary(ENROLL)(iter(()))
        told = refusal(caught.value)
    assert (told.code, told.reason) == ("INVALID_ARGUMENT", "REQUEST_MALFORMED")
    assert "without the message" in told.message
