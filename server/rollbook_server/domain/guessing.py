"""Counts wrong guesses, and says who has to wait.

Only what fails counts, and the same guess counts once: a thousand devices that were
given one expired token are one guess. What has been counted may be tried again, for it
tells nobody anything new. It is counted in memory, and told to whoever shares the database
and to whoever starts on it next; see `guess_exchange`.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection
from functools import lru_cache, partial
from hashlib import blake2b
from threading import Lock
from typing import TYPE_CHECKING, NamedTuple

from rollbook_server.domain.guess_limits import NETWORK, STRICT, Guess, GuessLimits
from rollbook_server.domain.guess_news import News, NewsKind, Outbox
from rollbook_server.domain.guess_periods import Periods
from rollbook_server.domain.origins import origins

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from datetime import datetime

    from rollbook_server.domain.guess_news import ToldNews
    from rollbook_server.domain.guess_periods import Period

    Mark = Callable[..., int]

_MARK_BYTES = 8  # as many as a number in the database has
_PLACES = 4_096  # places that are not computed again: those of so many addresses, halved


class Door(NamedTuple):
    """What is guessed at: any token, a device, a sign-in, or one user's password.

    `name` is the token behind which a device is guessed (empty for none), or the user.
    """

    kind: Guess
    name: str = ""


class Marks(Collection[int]):
    """The marks of what is guessed, computed once somebody looks: for most calls nobody does."""

    __slots__ = ("_guessed", "_mark", "_marks")

    def __init__(self, mark: Mark, guessed: Sequence[tuple[str | bytes | int, ...]]) -> None:
        self._mark, self._guessed = mark, guessed
        self._marks: tuple[int, ...] | None = None

    def __len__(self) -> int:
        return len(self._guessed)

    def __iter__(self) -> Iterator[int]:
        if self._marks is None:
            self._marks = tuple(self._mark(*each) for each in self._guessed)
        return iter(self._marks)

    def __contains__(self, mark: object) -> bool:
        return mark in tuple(self)


class Attempt(NamedTuple):
    """What one call guesses at a door, each by its `mark`; nothing is free."""

    door: Door
    marks: Collection[int]


class Alarm(NamedTuple):
    """A limit was reached: so many guesses are counted of an origin, or of all if it is empty."""

    door: Door
    guesses: int
    origin: str = ""


def mark(key: bytes, *guessed: str | bytes | int) -> int:
    """Give what a guess is known by: a number that tells nothing of it without the key."""
    digest = blake2b(repr(guessed).encode(), digest_size=_MARK_BYTES, key=key).digest()
    return int.from_bytes(digest, signed=True)


class Guesses:
    """Counts wrong guesses. Thread-safe.

    Servers that share a database have the same `key`, of at most 64 bytes.
    """

    def __init__(self, limits: GuessLimits, key: bytes = b"") -> None:
        self._allowances = {kind: limits.allowance(kind) for kind in Guess}
        self.mark: Mark = partial(mark, key)
        self.server = secrets.randbits(_MARK_BYTES * 8 - 1)  # which one tells news
        self._place = lru_cache(_PLACES)(self._computed_place)
        self._lock = Lock()
        self._periods = Periods(limits.period)
        self._outbox, self._heard_to = Outbox(), 0
        self._owed: set[tuple[NewsKind, int]] = set()  # devices of places where guesses failed

    def wait(self, attempts: Iterable[Attempt], source: str, now: datetime) -> float:
        """Give the seconds until these may be made from the address; 0 if they may now."""
        with self._lock:
            ends = [
                self._periods.end(period)
                for attempt in attempts
                for _, period in self._reached(attempt, source, now)
            ]
        return (max(ends) - now).total_seconds() if ends else 0.0

    def has_alarms(self, attempts: Iterable[Attempt], source: str, now: datetime) -> bool:
        """Tell whether `alarms` would give any."""
        with self._lock:
            return any(
                not period.is_told
                for attempt in attempts
                for _, period in self._reached(attempt, source, now)
            )

    def alarms(self, attempts: Iterable[Attempt], source: str, now: datetime) -> list[Alarm]:
        """Give the limits for which these have to wait, each once in its period."""
        with self._lock:
            return [
                Alarm(attempt.door, period.count, origin)
                for attempt in attempts
                for origin, period in self._reached(attempt, source, now)
                if self._is_news(NewsKind.TOLD, self._place(attempt.door, origin), period)
            ]

    def failed(self, attempts: Iterable[Attempt], source: str, now: datetime) -> list[Alarm]:
        """Count what was wrong; gives the limits of all that were reached by it, as `alarms`."""
        with self._lock:
            alarms = [
                Alarm(attempt.door, period.count)
                for attempt in attempts
                for period in self._counted(attempt, source, now)
                if self._is_news(NewsKind.TOLD_OF_ALL, self._place(attempt.door), period)
            ]
            self._periods.forget()
            return alarms

    def gained(self, door: Door, source: str, now: datetime) -> None:
        """Count a device that took its place for the first time."""
        with self._lock:
            place = self._place(door)
            self._gain(self._periods.door(place, now), NewsKind.EARNED_OF_ALL, place)
            for origin in origins(source):
                place = self._place(door, origin)
                self._gain(self._periods.gainer(place, now), NewsKind.EARNED, place)
            self._periods.forget()

    def tell_again(self) -> None:
        """Give every alarm once more: what was told of them may be lost."""
        told = NewsKind.TOLD, NewsKind.TOLD_OF_ALL
        with self._lock:
            for period in self._periods:
                period.is_told = False
            self._outbox.keep(each for each in self._outbox.waiting() if each.kind not in told)

    @property
    def heard_to(self) -> int:
        """Give the number up to which all that was told is counted here."""
        return self._heard_to

    def hear(self, told: Sequence[ToldNews]) -> None:
        """Count what servers told, in its order; of this one it is counted already."""
        with self._lock:
            for number, server, news in told:
                if number <= self._heard_to:
                    continue
                self._heard_to = number
                self._take(news, is_own=server == self.server)
            self._periods.forget()

    def has_owed(self) -> bool:
        """Tell whether the others want to know of devices that took their place here."""
        return bool(self._owed)

    def untold(self) -> list[News]:
        """Give what other servers have to hear, until it was heard back."""
        with self._lock:
            for kind, place in self._owed:
                self._tell_owed(kind, place)
            self._owed.clear()
            return self._outbox.waiting()

    def _computed_place(self, door: Door, origin: str = "*") -> int:
        return self.mark(door.kind.value, door.name, origin)

    def _reached(
        self, attempt: Attempt, source: str, now: datetime
    ) -> Iterator[tuple[str, Period]]:
        """Give the origins that have no room for the attempt; an empty one always has."""
        door, base = attempt.door, 0
        for origin, factor in zip(origins(source), (1, NETWORK), strict=False):
            place, those = self._place(door, origin), self._periods.of_origins
            period = self._periods.lasting(those, place, now)
            if period is None:
                continue
            base = base or self._base(door, now)
            wanted = sum(each not in period.marks for each in attempt.marks)
            if wanted and period.count and period.count + wanted > period.allows(base * factor):
                yield origin, period

    def _base(self, door: Door, now: datetime) -> int:
        each = self._allowances[door.kind].of_source
        period = self._periods.lasting(self._periods.of_doors, self._place(door), now)
        is_strict = period is not None and self._is_over(door, period)
        return max(1, each // STRICT) if is_strict else each

    def _is_over(self, door: Door, period: Period) -> bool:
        return period.count > period.allows(self._allowances[door.kind].of_all)

    def _counted(self, attempt: Attempt, source: str, now: datetime) -> Iterator[Period]:
        """Count the attempt; gives the period of the door if that is over its limit."""
        new = 0
        for origin in reversed(origins(source)):  # the address itself at last
            new = self._count_at(self._place(attempt.door, origin), attempt.marks, now)
        place = self._place(attempt.door)
        whole = self._periods.door(place, now)
        whole.count += new
        if new:
            self._tell(NewsKind.WRONG_OF_ALL, place, whole, new)
        if self._is_over(attempt.door, whole):
            yield whole

    def _count_at(self, place: int, marks: Iterable[int], now: datetime) -> int:
        """Count marks at an origin; gives how many are new there."""
        period = self._periods.origin(place, now)
        new = [each for each in marks if self._periods.count(period, each)]
        for each in new:
            self._tell(NewsKind.WRONG, place, period, each)
        return len(new)

    def _tell(self, kind: NewsKind, place: int, period: Period, value: int = 0) -> None:
        self._outbox.add(News(kind, place, period.begin, value))
        self._owe(kind, place, period)

    def _owe(self, kind: NewsKind, place: int, period: Period) -> None:
        """Let the others know, where something failed, of devices that took their place here."""
        if period.untold:
            self._owed.add((NewsKind.EARNED_OF_ALL if kind.is_of_all else NewsKind.EARNED, place))

    def _is_news(self, kind: NewsKind, place: int, period: Period) -> bool:
        """Tell whether its alarm was not given yet, and take it for given."""
        if period.is_told:
            return False
        period.is_told = True
        self._tell(kind, place, period)
        return True

    def _gain(self, period: Period, kind: NewsKind, place: int) -> None:
        period.gained, period.untold = period.gained + 1, period.untold + 1
        if period.count:
            self._owed.add((kind, place))

    def _tell_owed(self, kind: NewsKind, place: int) -> None:
        those = self._periods.of_doors if kind.is_of_all else self._periods.of_origins
        period = those.get(place)
        if period is not None and period.untold:
            self._outbox.add(News(kind, place, period.begin, period.untold))
            period.untold = 0

    def _take(self, news: News, *, is_own: bool) -> None:
        kind, place, begin, value = news
        if is_own:
            self._outbox.read_back(news)
        period = self._periods.heard(place, begin, is_door=kind.is_of_all)
        if period is None:
            return
        if kind is NewsKind.WRONG:
            self._periods.count(period, value)
        elif not is_own:
            _add(period, kind, value)
        self._owe(kind, place, period)


def _add(period: Period, kind: NewsKind, value: int) -> None:
    if kind is NewsKind.WRONG_OF_ALL:
        period.count += value
    elif kind in (NewsKind.EARNED, NewsKind.EARNED_OF_ALL):
        period.gained += value
    else:
        period.is_told = True
