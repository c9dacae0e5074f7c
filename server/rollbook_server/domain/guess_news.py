"""What servers that share a database tell each other of guesses, and what is yet to be told.

Nothing in it names a device, a token, a user or an address: each is a keyed number.
"""

from __future__ import annotations

from collections import deque
from enum import IntEnum
from typing import TYPE_CHECKING, NamedTuple

from rollbook_server.domain.guess_limits import KEPT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from rollbook_server.domain.ports import Store

# What is kept of news that no transaction took, as on a full disk: of more, the newest.
UNTOLD = 10_000
_PIECE = 1_000


class NewsKind(IntEnum):
    """What is told, as it is stored; the even ones are of a door, all addresses together."""

    WRONG = 1  # the value is the mark that is counted
    WRONG_OF_ALL = 2  # how many marks
    EARNED = 3  # how many devices took their place
    EARNED_OF_ALL = 4
    TOLD = 5  # the alarm was raised
    TOLD_OF_ALL = 6

    @property
    def is_of_all(self) -> bool:
        """Tell whether it is of a door and not of an origin at it."""
        return not self % 2


class News(NamedTuple):
    """What happened at a place, in the period that began there at an instant."""

    kind: NewsKind
    place: int
    begin: datetime
    value: int


class ToldNews(NamedTuple):
    """News as they are stored: in which place of all, and by which server."""

    number: int
    server: int
    news: News


class Outbox:
    """News in their order, until it is certain that they are stored.

    A transaction may fail at its very end. So whoever can write is given all of them, and
    they are let go of once they are read back. Not thread-safe.
    """

    def __init__(self) -> None:
        self._waiting: deque[News] = deque(maxlen=UNTOLD)

    def add(self, news: News) -> None:
        """Put news behind those that wait."""
        self._waiting.append(news)

    def waiting(self) -> list[News]:
        """Give all that wait."""
        return list(self._waiting)

    def read_back(self, news: News) -> None:
        """Let go of what is stored."""
        if self._waiting and self._waiting[0] == news:
            self._waiting.popleft()

    def keep(self, news: Iterable[News]) -> None:
        """Let go of all others."""
        self._waiting = deque(news, UNTOLD)


def forget(store: Store, now: datetime, going: Callable[[], bool]) -> None:
    """Remove news of periods that are over, piece by piece while `going`."""
    before = now - KEPT
    while going() and store.write(lambda roll: roll.guesses.forget(before, _PIECE), is_bulk=True):
        pass
