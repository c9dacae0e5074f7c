"""More calls than the server takes are turned away, and told when to come back."""

from __future__ import annotations

import threading
from contextlib import closing
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from rollbook import DeviceRow, EnrollmentAgent, EnrollOutcome, UnavailableError
from rollbook_server.domain.errors import Reason
from rollbook_server.transport.under_way import UnderWay
from rollbook_server.transport.waiting_line import Lines, WaitingLine
from uploads.wire import refusal, until

if TYPE_CHECKING:
    from collections.abc import Callable

    from running import Server

CHECK = "/grpc.health.v1.Health/Check"
ENROLL = "/rollbook.v1.EnrollmentService/EnrollDevice"
DEVICES = 120


class Clock:
    now = 1_000.0

    def __call__(self) -> float:
        return self.now


def refused(line: WaitingLine) -> float:
    error = line._join()
    assert error is not None
    assert error.reason is Reason.SERVER_BUSY
    assert error.retry_after_seconds is not None
    return error.retry_after_seconds


def test_as_many_wait_as_may() -> None:
    with closing(WaitingLine(2, UnderWay(), Clock())) as line:
        assert (line._join(), line._join()) == (None, None)
        assert refused(line) > 0
        line._leave()
        assert line._join() is None


def test_those_turned_away_come_back_one_after_another() -> None:
    clock = Clock()
    with closing(WaitingLine(0, UnderWay(), clock)) as line:
        told = [refused(line) for _ in range(3_000)]
        assert told == sorted(told)
        assert (told[0], told[-1]) == (0.5, 30.0)  # 100 are served a second
        clock.now += 10
        assert refused(line) == pytest.approx(20.01)
        clock.now += 60
        assert refused(line) == 0.5
        assert max(refused(line) for _ in range(9_000)) == 60.0


def test_a_fast_server_calls_them_back_sooner() -> None:
    clock = Clock()
    with closing(WaitingLine(10_000, UnderWay(), clock)) as line:
        for _ in range(20):
            for _ in range(2_000):
                line._join()
                line._leave()
            clock.now += 1
        line._longest = 0
        assert max(refused(line) for _ in range(2_000)) == pytest.approx(1, rel=0.1)


def test_a_full_line_refuses_at_once_and_health_still_answers(
    serve: Callable[..., Server],
) -> None:
    server = serve(threads=1, waiting_calls=1)
    # On a busy machine the silent calls of this test would give way before it has looked.
    server.app._idle._most_silent, server.app._idle._others_wait = 9, lambda: False
    with grpc.insecure_channel(server.address) as channel:
        call: Any = channel.stream_unary(ENROLL)
        line, under_way = server.app._lines._calls, server.app._lines._under_way
        silent = [call.future(_Never())]
        until(lambda: (under_way._count, line.length) == (1, 0))  # it has the thread
        silent.append(call.future(_Never()))
        until(lambda: line.length == 1)
        with pytest.raises(grpc.RpcError) as caught:
            call(iter([b""]))
        told = refusal(caught.value)
        assert (told.code, told.reason, told.retries) == ("UNAVAILABLE", "SERVER_BUSY", True)
        for each in silent:
            each.cancel()
        check = health_pb2_grpc.HealthStub(channel).Check
        assert check(health_pb2.HealthCheckRequest()).status == 1


def test_questions_for_health_have_a_line_that_ends_as_well() -> None:
    with closing(Lines(2)) as lines:
        behaviors = [lines.wait(CHECK, _served) for _ in range(4)]
        assert [lines._checks.length, lines._calls.length] == [2, 0]
        assert lines.anyone_waits()
        refusing = [lines._checks._threads is b.experimental_thread_pool for b in behaviors]
        assert refusing == [False, False, True, True]
        assert lines.wait(ENROLL, _served).experimental_thread_pool is None
        assert [behavior(None, _Ended()) for behavior in behaviors[:2]] == ["served"] * 2
        assert lines._checks.length == 0


class _Ended:
    """The context of a call that is over."""

    def add_callback(self, _: object) -> bool:
        return False


def _served(_: object, __: object) -> str:
    return "served"


_served.experimental_thread_pool = None  # type: ignore[attr-defined]


class _Never:
    """Messages that do not come."""

    def __iter__(self) -> _Never:
        return self

    def __next__(self) -> bytes:
        threading.Event().wait()
        raise StopIteration


def test_a_storm_of_devices_ends_with_all_registered(serve: Callable[..., Server]) -> None:
    server = serve(threads=2, waiting_calls=4)
    with server.admin() as admin:
        profile = admin.create_profile("School", tokenless=True).profile_id
        imeis = [f"35{number:012}" for number in range(DEVICES)]
        admin.upload_rows(profile, [DeviceRow(imei=imei) for imei in imeis])
        storm = _storm(server, imeis)
        assert storm == [EnrollOutcome.REGISTERED] * DEVICES
        assert admin.get_profile(profile).registered_count == DEVICES


def _storm(server: Server, imeis: list[str]) -> list[EnrollOutcome]:
    outcomes: list[EnrollOutcome] = []

    def switch_on(imei: str) -> None:
        with EnrollmentAgent(server.address, patience_seconds=300) as agent:
            outcomes.append(agent.enroll_device(imeis=[imei]).outcome)

    threads = [threading.Thread(target=switch_on, args=(imei,)) for imei in imeis]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcomes


def test_an_agent_that_has_no_patience_says_why(serve: Callable[..., Server]) -> None:
    server = serve()
    server.app._lines._calls._longest = 0
    with (
        EnrollmentAgent(server.address, patience_seconds=0) as agent,
        pytest.raises(UnavailableError, match="More calls wait") as caught,
    ):
        agent.enroll_device(imeis=["35693803564380"])
    assert (caught.value.reason, caught.value.retry_after_seconds) == ("SERVER_BUSY", 0.5)
