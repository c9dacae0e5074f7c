"""What servers told each other of guesses, in the database."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from rollbook_server.domain import clock
from rollbook_server.domain.guess_news import News, NewsKind, ToldNews
from rollbook_server.storage.tables import GuessTable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime

    from rollbook_server.storage.engine import RollDatabase

    Row = tuple[int, ...]

T = TypeVar("T")

# Of the table some 10 MiB, however many strangers guess: each server trims it to so many rows
# whenever it has added that many.
ROWS, TRIMMED_AFTER = 100_000, 10_000

_NEWS = """
SELECT number, server, kind, place, begin_time, value FROM guesses
WHERE number > ? ORDER BY number
"""
_ADD = "INSERT INTO guesses SELECT * FROM ($ROWS) AS told WHERE column1 IS NOT NULL"
_TRIM = """
DELETE FROM guesses WHERE number <= (
    SELECT number FROM guesses ORDER BY number DESC LIMIT 1 OFFSET ?
)
"""


class _Told(NamedTuple):
    """News of a server, numbered from `first` on; made into rows but once in a transaction."""

    first: int
    server: int
    news: Sequence[News]

    def rows(self) -> list[Row]:
        """Give them as they are stored."""
        return [
            (number, self.server, int(kind), place, clock.microseconds(begin), value)
            for number, (kind, place, begin, value) in enumerate(self.news, self.first)
        ]


class StoredGuesses:
    """The news as one transaction sees them; these are not added to."""

    def __init__(self, database: RollDatabase) -> None:
        self._database = database

    def news(self, after: int) -> Sequence[ToldNews]:
        """Give those behind a number, in order."""
        return [
            ToldNews(number, server, News(NewsKind(kind), place, clock.instant(begin), value))
            for number, server, kind, place, begin, value in self._database.execute_sql(
                _NEWS, (after,)
            ).fetchall()
        ]

    def tell(self, server: int, news: Sequence[News], now: datetime) -> None:
        """Refuse: what is told here would be told to nobody."""
        raise AssertionError(f"{server} tells {len(news)} news at {now} where nothing is written")

    def forget(self, before: datetime, limit: int) -> bool:
        """Remove at most `limit` that were told before; True if there may be more."""
        old = GuessTable.select(GuessTable.number).where(
            GuessTable.number < clock.microseconds(before)
        )
        piece = old.order_by(GuessTable.number).limit(limit)
        query = GuessTable.delete().where(GuessTable.number.in_(piece))
        return int(query.execute(self._database)) == limit


class GatheredGuesses(StoredGuesses):
    """The news as the writing connection sees them, those of a transaction gathered.

    They are read once in it, for nobody else can write, and written at its end: what is read
    is always what was committed.
    """

    def __init__(self, database: RollDatabase) -> None:
        super().__init__(database)
        self._last: int | None = None  # number that was read, or asked for, in this transaction
        self._told: _Told | None = None
        self._added = 0

    def news(self, after: int) -> Sequence[ToldNews]:
        """Give those behind a number, the first time in a transaction."""
        if self._last is not None:
            return ()
        news = super().news(after)
        self._last = news[-1].number if news else after
        return news

    def tell(self, server: int, news: Sequence[News], now: datetime) -> None:
        """Gather them, in place of those that were gathered before."""
        assert self._last is not None, "it is not known behind which news these come"
        self._told = _Told(max(self._last + 1, clock.microseconds(now)), server, news)

    def of(self, work: Callable[[], T]) -> T:
        """Do work, and forget what it told if it fails."""
        before = self._told
        try:
            return work()
        except BaseException:
            self._told = before
            raise

    @contextmanager
    def gathered(self) -> Iterator[None]:
        """Write what is told within, a transaction; nothing of one that was given up before."""
        self._begin()
        yield
        if self._told:
            self._write(self._told.rows())

    def _begin(self) -> None:
        self._last, self._told = None, None

    def _write(self, rows: Sequence[Row]) -> None:
        self._database.execute_rows(_ADD, rows)
        self._added += len(rows)
        if self._added >= TRIMMED_AFTER:
            self._database.execute_sql(_TRIM, (ROWS,))
            self._added = 0
