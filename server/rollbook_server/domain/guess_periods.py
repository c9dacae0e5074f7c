"""The periods in which guesses are counted, each at a place: a number that stands for it.

They begin with what first happens there. Servers that share a database have the same: what
another tells of a period says when it began.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from rollbook_server.domain.guess_limits import GAIN

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    Places = OrderedDict[int, "Period"]

# What is kept at most, whoever comes: some 30 MiB. Of more, those that came last; origins that
# guess and those that only register apart, so that no fleet makes guessers forgotten.
ORIGINS, DOORS, MARKS = 20_000, 10_000, 100_000
# By so much may the clocks of servers differ, and nobody who guesses gets a new period by it.
SKEW = timedelta(minutes=1)


@dataclass(slots=True)
class Period:
    """What failed at a place since it began, and how many devices took their place.

    Of the latter `untold` are known to this server alone.
    """

    begin: datetime
    count: int = 0
    gained: int = 0
    untold: int = 0
    is_told: bool = False
    marks: set[int] = field(default_factory=set)

    def allows(self, base: int) -> int:
        """Give how many guesses may be wrong, of which `base` need not be earned."""
        return base + self.gained // GAIN


class Periods:
    """The periods of `length`, bounded in number. Not thread-safe."""

    def __init__(self, length: timedelta) -> None:
        self._length = length
        self.of_origins: Places = OrderedDict()
        self.earned: Places = OrderedDict()  # of origins where nothing failed
        self.of_doors: Places = OrderedDict()
        self._marks = 0

    def lasting(self, those: Places, place: int, now: datetime) -> Period | None:
        """Give the period that goes on at a place."""
        period = those.get(place)
        return period if period is not None and self._lasts(period, now) else None

    def end(self, period: Period) -> datetime:
        """Give when it is over."""
        return period.begin + self._length

    def origin(self, place: int, now: datetime) -> Period:
        """Give the period of an origin where something failed."""
        self._move(place)
        return self._kept(self.of_origins, place, now)

    def gainer(self, place: int, now: datetime) -> Period:
        """Give the period of an origin from where a device took its place."""
        those = self.of_origins if place in self.of_origins else self.earned
        return self._kept(those, place, now)

    def door(self, place: int, now: datetime) -> Period:
        """Give the period of a door, for all origins together."""
        return self._kept(self.of_doors, place, now)

    def heard(self, place: int, begin: datetime, *, is_door: bool) -> Period | None:
        """Give the period that another server tells of; None if ours is a later one.

        All servers hear the same in the same order: so that they go by the same begin, it is
        what was heard last.
        """
        those = self.of_doors if is_door else self.of_origins
        if not is_door:
            self._move(place)
        period = those.get(place)
        if period is not None and self.end(period) > begin:
            if begin + self._length <= period.begin:
                return None
            period.begin = begin
        return self._kept(those, place, begin)

    def count(self, period: Period, mark: int) -> bool:
        """Count a mark at an origin; False if it was counted before."""
        if mark in period.marks:
            return False
        period.marks.add(mark)
        period.count, self._marks = period.count + 1, self._marks + 1
        return True

    def __iter__(self) -> Iterator[Period]:
        """Give all in which something failed."""
        yield from self.of_origins.values()
        yield from self.of_doors.values()

    def forget(self) -> None:
        """Let go of those that came first, as far as they are too many."""
        while len(self.of_origins) > ORIGINS or self._marks > MARKS:
            self._marks -= len(self.of_origins.popitem(last=False)[1].marks)
        while len(self.earned) > ORIGINS:
            self.earned.popitem(last=False)
        while len(self.of_doors) > DOORS:
            self.of_doors.popitem(last=False)

    def _move(self, place: int) -> None:
        if place in self.earned:
            self.of_origins[place] = self.earned.pop(place)

    def _kept(self, those: Places, place: int, now: datetime) -> Period:
        period = those.get(place)
        if period is None or not self._lasts(period, now):
            self._marks -= len(period.marks) if period is not None else 0
            period = those[place] = Period(now)
        those.move_to_end(place)
        return period

    def _lasts(self, period: Period, now: datetime) -> bool:
        """Tell whether it goes on; not if the clock went back behind its begin."""
        return period.begin - SKEW <= now < period.begin + self._length
