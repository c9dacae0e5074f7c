"""How long the writer waits for more work before it commits what there is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from rollbook_server.storage import commit_delay
from rollbook_server.storage.commit_delay import LONGEST_SECONDS, THICK, CommitDelay

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Gather = Callable[[CommitDelay, "Arrivals"], int]

LIMIT = 512


class Arrivals:
    """Work that waits; with every look at it the next of these has come."""

    def __init__(self, *more: int) -> None:
        self._more: Iterator[int] = iter(more)
        self.waiting: list[None] = []
        self.slept = 0.0
        self.come()

    def come(self, seconds: float = 0.0) -> None:
        self.waiting += [None] * next(self._more, 0)
        self.slept += seconds


@pytest.fixture
def gathered(monkeypatch: pytest.MonkeyPatch) -> Gather:
    """Give what lets a delay gather arrivals; gives how many there are then."""

    def gather(delay: CommitDelay, arrivals: Arrivals) -> int:
        monkeypatch.setattr(commit_delay, "sleep", arrivals.come)
        delay.gather(arrivals.waiting, LIMIT)
        return len(arrivals.waiting)

    return gather


def test_whoever_comes_alone_waits_for_nobody(gathered: Gather) -> None:
    alone = Arrivals(THICK - 1, 1, 1)
    assert gathered(CommitDelay(), alone) == THICK - 1
    assert alone.slept == 0


def test_a_storm_is_waited_for_until_no_more_comes(gathered: Gather) -> None:
    assert gathered(CommitDelay(), Arrivals(THICK, 10, 3, 0, 50)) == THICK + 13


def test_behind_a_thick_group_the_first_waits_for_the_others(gathered: Gather) -> None:
    delay = CommitDelay()
    gathered(delay, Arrivals(THICK))
    assert gathered(delay, Arrivals(1, 20, 0)) == 21


def test_after_a_storm_nobody_waits_any_more(gathered: Gather) -> None:
    delay = CommitDelay()
    gathered(delay, Arrivals(THICK))
    gathered(delay, Arrivals(1))
    assert gathered(delay, Arrivals(1, 1)) == 1


def test_it_ends_with_a_full_group_and_after_its_longest_time(gathered: Gather) -> None:
    assert gathered(CommitDelay(), Arrivals(*[LIMIT - 1] * 3)) == 2 * (LIMIT - 1)
    endless = Arrivals(THICK, *[1] * 1_000)
    gathered(CommitDelay(), endless)
    assert endless.slept == pytest.approx(LONGEST_SECONDS)
