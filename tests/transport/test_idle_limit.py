"""Calls that wait too long for their other side are ended, and no others."""

from __future__ import annotations

from functools import partial
from queue import Queue
from typing import TYPE_CHECKING

import pytest

from rollbook_server import settings_check
from rollbook_server.config import Config, ConfigError
from rollbook_server.transport.idle_limit import HURRIED_SECONDS, SILENT_SECONDS, IdleLimit, Looks

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HOUR = 3_600.0  # so that only the clock below ends anything


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def limit(clock: Clock) -> Iterator[IdleLimit]:
    limit = IdleLimit(HOUR, 2, clock)
    yield limit
    limit.close()


def test_a_call_ends_when_its_other_side_was_idle_for_that_long(
    limit: IdleLimit, clock: Clock
) -> None:
    ended: list[str] = []
    with (
        limit.watch(partial(ended.append, "still")) as still,
        limit.watch(partial(ended.append, "slow")) as slow,
    ):
        still.touch()
        slow.touch()
        clock.now = HOUR - 1
        slow.touch()
        limit.end_idle()
        assert ended == []
        clock.now = HOUR
        limit.end_idle()
        assert ended == ["still"]
        clock.now = 2 * HOUR - 1
        limit.end_idle()
        assert set(ended) == {"still", "slow"}


def test_while_others_wait_silent_calls_give_way_at_once_and_no_others(clock: Clock) -> None:
    waiting: list[str] = []
    limit = IdleLimit(HOUR, 9, clock, others_wait=lambda: bool(waiting))
    ended: list[str] = []
    silent = limit.enter(partial(ended.append, "silent"), is_silent=True)
    heard = limit.enter(partial(ended.append, "heard"), is_silent=True)
    for call in (silent, heard):
        call.touch()
    limit.heard(heard)
    clock.now = HURRIED_SECONDS
    limit.end_idle()
    assert ended == []
    waiting.append("a device")
    limit.end_idle()
    assert ended == ["silent"]
    limit.close()


def test_a_call_that_does_not_notice_its_end_is_ended_again(limit: IdleLimit, clock: Clock) -> None:
    ended: list[str] = []
    with limit.watch(partial(ended.append, "call")) as call:
        call.touch()
        clock.now = HOUR
        limit.end_idle()
        call.touch()  # it had not begun to wait when it was ended
        limit.end_idle()
        assert ended == ["call", "call"]


def test_of_too_many_calls_that_said_nothing_the_oldest_give_way(
    limit: IdleLimit, clock: Clock
) -> None:
    ended: list[int] = []
    calls = [limit.enter(partial(ended.append, n), is_silent=True) for n in range(5)]
    for call in calls:
        call.touch()
    limit.heard(calls[0])
    clock.now = SILENT_SECONDS - 1
    limit.end_idle()
    assert ended == []
    clock.now = SILENT_SECONDS
    limit.end_idle()
    assert set(ended) == {1, 2}
    limit.leave(calls[1])
    limit.leave(calls[2])
    limit.end_idle()
    assert set(ended) == {1, 2}


def test_the_work_of_the_server_does_not_count(limit: IdleLimit, clock: Clock) -> None:
    ended: list[str] = []
    with limit.watch(partial(ended.append, "call")) as call:
        clock.now = 2 * HOUR  # before the first touch
        limit.end_idle()
        call.touch()
        call.pause()
        clock.now = 4 * HOUR
        limit.end_idle()
    assert ended == []


def test_a_call_that_is_over_is_not_ended(limit: IdleLimit, clock: Clock) -> None:
    ended: list[str] = []
    with limit.watch(partial(ended.append, "call")) as call:
        call.touch()
    clock.now = 2 * HOUR
    limit.end_idle()
    assert ended == []


def test_it_looks_by_itself_and_goes_on_after_a_call_that_cannot_be_ended() -> None:
    limit, ended = IdleLimit(0.001, 2), Queue[str]()

    def fail() -> None:
        raise ValueError("no such call")

    with limit.watch(fail) as first:
        first.touch()
        with limit.watch(partial(ended.put, "second")) as second:
            second.touch()
            assert ended.get(timeout=30) == "second"
    limit.close()


def test_a_server_that_still_reads_gives_those_it_has_not_read_more_time(clock: Clock) -> None:
    limit, ended = IdleLimit(HOUR, 9, clock, others_wait=lambda: True), list[str]()
    limit.enter(partial(ended.append, "late"), is_silent=True).touch()
    for _ in range(3):
        clock.now += HURRIED_SECONDS
        limit.heard(limit.enter(partial(ended.append, "heard"), is_silent=True))
        limit.end_idle()
        assert ended == []
    clock.now += HURRIED_SECONDS  # nothing came from anybody
    limit.end_idle()
    assert ended == ["late"]
    limit.close()


def test_a_server_that_stood_still_does_not_blame_the_other_side(clock: Clock) -> None:
    looks, ended = Looks(HURRIED_SECONDS / 4, clock), list[str]()
    limit = IdleLimit(HOUR, 9, looks, others_wait=lambda: True)
    limit.enter(partial(ended.append, "call"), is_silent=True).touch()
    clock.now += 60
    looks.next()
    limit.end_idle()
    assert ended == []
    for _ in range(2):
        clock.now += HURRIED_SECONDS / 4
        looks.next()
    limit.end_idle()
    assert ended == ["call"]
    limit.close()


def test_a_limit_of_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="--idle-seconds 0"):
        settings_check.check(Config(data_dir=tmp_path, idle_seconds=0))
