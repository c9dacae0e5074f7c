"""Calls that wait too long for their other side are ended, and no others."""

from __future__ import annotations

from functools import partial
from queue import Queue
from typing import TYPE_CHECKING

import pytest

from rollbook_server.config import Config, ConfigError
from rollbook_server.transport.idle_limit import IdleLimit

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
    limit = IdleLimit(HOUR, clock)
    yield limit
    limit.close()


def test_a_call_ends_once_when_its_other_side_was_idle_for_that_long(
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
        limit.end_idle()
        assert ended == ["still"]
        clock.now = 2 * HOUR - 1
        limit.end_idle()
        assert ended == ["still", "slow"]


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
    limit, ended = IdleLimit(0.001), Queue[str]()

    def fail() -> None:
        raise ValueError("no such call")

    with limit.watch(fail) as first:
        first.touch()
        with limit.watch(partial(ended.put, "second")) as second:
            second.touch()
            assert ended.get(timeout=30) == "second"
    limit.close()


def test_a_limit_of_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="--idle-seconds 0"):
        Config(data_dir=tmp_path, idle_seconds=0).check()
