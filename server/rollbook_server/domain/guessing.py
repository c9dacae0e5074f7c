"""Counts wrong guesses, and says who has to wait.

Only what fails counts, and the same guess counts once: a thousand devices that were
given one expired token are one guess. What has been counted may be tried again, for it
tells nobody anything new. All of it is in memory: a restart forgets it, and each of
several servers counts for itself.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from rollbook_server.domain.guess_limits import GAIN, NETWORK, STRICT, Guess, GuessLimits
from rollbook_server.domain.origins import origins

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

K = TypeVar("K")

# What is kept at most, whoever comes: some 30 MiB. Of more, those that came last; origins that
# guess and those that only register apart, so that no fleet makes guessers forgotten.
ORIGINS, DOORS, MARKS = 20_000, 10_000, 100_000


class Door(NamedTuple):
    """What is guessed at: any token, a device, a sign-in, or one user's password.

    `name` is the token behind which a device is guessed (empty for none), or the user.
    """

    kind: Guess
    name: str = ""


class Attempt(NamedTuple):
    """What one call guesses at a door, each by its `mark`; nothing is free."""

    door: Door
    marks: tuple[int, ...]


class Alarm(NamedTuple):
    """A limit was reached: so many guesses are counted of an origin, or of all if it is empty."""

    door: Door
    guesses: int
    origin: str = ""


def mark(*guessed: object) -> int:
    """Give what a guess is known by: a number that tells nothing of it."""
    return hash(guessed)


@dataclass(slots=True)
class _Period:
    """What failed at a door since it began, and how many devices took their place."""

    begin: datetime
    count: int = 0
    gained: int = 0
    is_told: bool = False
    marks: set[int] = field(default_factory=set)

    def allows(self, base: int) -> int:
        return base + self.gained // GAIN


class Guesses:
    """Counts wrong guesses. Thread-safe."""

    def __init__(self, limits: GuessLimits) -> None:
        self._length = limits.period
        self._allowances = {kind: limits.allowance(kind) for kind in Guess}
        self._lock = Lock()
        self._of_origins: OrderedDict[tuple[Door, str], _Period] = OrderedDict()
        self._earned: OrderedDict[tuple[Door, str], _Period] = OrderedDict()  # nothing failed
        self._of_doors: OrderedDict[Door, _Period] = OrderedDict()
        self._marks = 0

    def wait(self, attempts: Iterable[Attempt], source: str, now: datetime) -> float:
        """Give the seconds until these may be made from the address; 0 if they may now."""
        with self._lock:
            ends = [
                period.begin + self._length
                for attempt in attempts
                for _, period in self._reached(attempt, source, now)
            ]
        return (max(ends) - now).total_seconds() if ends else 0.0

    def alarms(self, attempts: Iterable[Attempt], source: str, now: datetime) -> list[Alarm]:
        """Give the limits for which these have to wait, each once in its period."""
        with self._lock:
            return [
                Alarm(attempt.door, period.count, origin)
                for attempt in attempts
                for origin, period in self._reached(attempt, source, now)
                if _is_news(period)
            ]

    def failed(self, attempts: Iterable[Attempt], source: str, now: datetime) -> list[Alarm]:
        """Count what was wrong; gives the limits of all that were reached by it, as `alarms`."""
        with self._lock:
            alarms = [
                Alarm(attempt.door, period.count)
                for attempt in attempts
                for period in self._counted(attempt, source, now)
                if _is_news(period)
            ]
            self._forget()
            return alarms

    def gained(self, door: Door, source: str, now: datetime) -> None:
        """Count a device that took its place for the first time."""
        with self._lock:
            self._door(door, now).gained += 1
            for origin in origins(source):
                self._kept(self._of_gainer(door, origin), (door, origin), now).gained += 1
            self._forget()

    def tell_again(self) -> None:
        """Give every alarm once more: what was told of them may be lost."""
        with self._lock:
            for period in (*self._of_origins.values(), *self._of_doors.values()):
                period.is_told = False

    def _reached(
        self, attempt: Attempt, source: str, now: datetime
    ) -> Iterator[tuple[str, _Period]]:
        """Give the origins that have no room for the attempt; an empty one always has."""
        door, base = attempt.door, 0
        for origin, factor in zip(origins(source), (1, NETWORK), strict=False):
            period = self._of_origins.get((door, origin))
            if period is None or not self._lasts(period, now):
                continue
            base = base or self._base(door, now)
            wanted = sum(each not in period.marks for each in attempt.marks)
            if wanted and period.count and period.count + wanted > period.allows(base * factor):
                yield origin, period

    def _base(self, door: Door, now: datetime) -> int:
        each, period = self._allowances[door.kind].of_source, self._of_doors.get(door)
        is_strict = period is not None and self._lasts(period, now) and self._is_over(door, period)
        return max(1, each // STRICT) if is_strict else each

    def _is_over(self, door: Door, period: _Period) -> bool:
        return period.count > period.allows(self._allowances[door.kind].of_all)

    def _counted(self, attempt: Attempt, source: str, now: datetime) -> Iterator[_Period]:
        """Count the attempt; gives the period of the door if that is over its limit."""
        new = 0
        for origin in reversed(origins(source)):  # the address itself at last
            period = self._origin(attempt.door, origin, now)
            new = len(period.marks)
            period.marks.update(attempt.marks)
            new = len(period.marks) - new
            period.count, self._marks = period.count + new, self._marks + new
        whole = self._door(attempt.door, now)
        whole.count += new
        if self._is_over(attempt.door, whole):
            yield whole

    def _origin(self, door: Door, origin: str, now: datetime) -> _Period:
        key = door, origin
        if key in self._earned:
            self._of_origins[key] = self._earned.pop(key)
        return self._kept(self._of_origins, key, now)

    def _of_gainer(self, door: Door, origin: str) -> OrderedDict[tuple[Door, str], _Period]:
        return self._of_origins if (door, origin) in self._of_origins else self._earned

    def _kept(self, those: OrderedDict[K, _Period], key: K, now: datetime) -> _Period:
        period = those.get(key)
        if period is None or not self._lasts(period, now):
            self._marks -= len(period.marks) if period is not None else 0
            period = those[key] = _Period(now)
        those.move_to_end(key)
        return period

    def _door(self, door: Door, now: datetime) -> _Period:
        return self._kept(self._of_doors, door, now)

    def _lasts(self, period: _Period, now: datetime) -> bool:
        """Tell whether it goes on; not if the clock went back behind its begin."""
        return period.begin <= now < period.begin + self._length

    def _forget(self) -> None:
        """Let go of those that came first, as far as they are too many."""
        while len(self._of_origins) > ORIGINS or self._marks > MARKS:
            self._marks -= len(self._of_origins.popitem(last=False)[1].marks)
        while len(self._earned) > ORIGINS:
            self._earned.popitem(last=False)
        while len(self._of_doors) > DOORS:
            self._of_doors.popitem(last=False)


def _is_news(period: _Period) -> bool:
    """Tell whether its alarm was not given yet, and take it for given."""
    is_news, period.is_told = not period.is_told, True
    return is_news
