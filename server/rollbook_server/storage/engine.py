"""What sets one database engine apart from another, behind names that both have.

Our SQL is written once, in what SQLite and PostgreSQL both take: places are `?`, and
where they differ stands a word such as `$TEXTS`, which each engine spells in its own way.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from peewee import Database

from rollbook_server.domain.repositories import PackedRows
from rollbook_server.storage.bulk import pieces

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from concurrent.futures import Future
    from contextlib import AbstractContextManager

    from peewee import Model

    from rollbook_server.domain.left_out import LeftOut
    from rollbook_server.domain.repositories import Packing

    Answers: TypeAlias = Sequence[tuple[Future[Any], Any]]

_WORD = re.compile(r"\$([A-Z_]+)")


class LateError(Exception):
    """A statement failed after its answer was due, for nobody waited; the cause says with what."""


class RollDatabase(Database, ABC):
    """A database that knows how its engine spells our SQL.

    The words, each in the place of a query unless another thing is said:

    `$TEXTS`, `$NUMBERS`: the members of a JSON array, as column `value`.
    `$PAIRS`, `$TRIPLES`: those of an array of arrays, as columns `number`, `key`, `second`.
    `$LISTS`: the same, as columns `number` and `content`, the JSON of each.
    `$AMONG_TEXTS`, `$AMONG_NUMBERS`: a condition behind a column with an index, that it is a
    member of a JSON array.
    `$THEN`: a JOIN before which what stands on its left is gone through.
    `$PLAIN(x)`: the text x, so that no index on it is used.
    `$NAMES_IN_USE`: the names of the attributes that devices of a profile have, up to WHERE and
    the key of the profile, `r.profile`.
    `$ROWS`: many rows of parameters, see `execute_rows`.
    `$LINKS`: the columns of an event, see `audit`.
    `$TABLES`: the names of all tables.
    """

    steps_with_python = False
    """Whether a query runs in this process, with Python's lock taken for each of its rows."""

    before_rows: Sequence[str] = ()
    """What `PackedBatch.insert_into` runs first, if nothing is written before it."""

    @abstractmethod
    def spelled(self, sql: str) -> str:
        """Give the SQL as this engine takes it."""

    @abstractmethod
    def packing(self) -> Packing:
        """Begin to prepare rows for `PackedBatch.insert_into`; needs no connection."""

    @abstractmethod
    def put_in(
        self, table: str, columns: Mapping[str, Sequence[Any]], shared: Mapping[str, Any]
    ) -> None:
        """Insert many rows, given as columns of the same length, and what is alike in all.

        None of the first column is NULL; at least one column is shared.
        """

    @abstractmethod
    def walk(self, sql: str, parameters: Sequence[Any]) -> Any:
        """Run a query of long rows; gives a cursor that does not hold all at once."""

    @abstractmethod
    def add_rows(self, table: str, names: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        """Insert rows as another database has them, whose driver gave them.

        Raises peewee's DataError for what this engine cannot hold.
        """

    @abstractmethod
    def take_over(self, tables: Sequence[type[Model]]) -> None:
        """Go on behind rows that were added: with numbers, and with what plans are made of."""

    def get_tables(self, schema: str | None = None) -> list[str]:  # noqa: ARG002 - peewee's name
        """Give the names of all tables."""
        return [name for (name,) in self.execute_sql("$TABLES").fetchall()]

    def execute_sql(self, sql: str, params: Sequence[Any] | None = None) -> Any:
        """Run our SQL."""
        return super().execute_sql(self.spelled(sql), params)  # type: ignore[no-untyped-call]

    def hand_over(self, sql: str, params: Sequence[Any] | None = None) -> None:
        """Run our SQL in a transaction, where nobody needs its answer.

        It may be done no sooner than the next statement that has one, or COMMIT, which then
        raises LateError for what it fails with.
        """
        self.execute_sql(sql, params)

    def ask_ahead(self, sql: str) -> Callable[[], Any]:
        """Run our SQL in a transaction at any time before its cursor is asked for."""
        return partial(self.execute_sql, sql)

    def settle(self) -> None:
        """Do what was handed over; raises LateError if it fails."""

    def forget(self) -> None:
        """Do nothing of what was handed over and is not done yet."""

    def look_ahead(self, questions: Iterable[tuple[str, Sequence[Any]]]) -> None:
        """Be told which queries come next, one of these before all others.

        What is written between two of them makes the answer to the second void.
        """

    def execute_rows(self, sql: str, rows: Sequence[Sequence[Any]]) -> None:
        """Hand SQL over, in which `$ROWS` stands for `VALUES` of the rows: a statement for many.

        Its columns are column1, column2 and so on. The rows are filled up to a few lengths
        with such that are NULL throughout, so that there are few statements to keep in mind:
        the SQL must do nothing for these.
        """
        cells = list(chain.from_iterable(rows))
        for values, parameters, _ in pieces(cells, len(rows[0]) if rows else 1):
            self.hand_over(sql.replace("$ROWS", values), parameters)


class PackedBatch(PackedRows, Protocol):
    """Packed rows that put themselves in."""

    @property
    def imeis(self) -> Sequence[str]:
        """Give the first IMEI of every row; only few uploads ask for them."""

    @property
    def second_imeis(self) -> frozenset[str]:
        """Give the second IMEIs of the rows."""

    def insert_into(
        self, database: Any, first_id: int, profile: int, upload: int | None, time: int
    ) -> LeftOut:
        """Insert the rows as devices whose ids count on from `first_id`, in their order.

        Tells of those that were left out because a key was taken.
        """


class Readers(RollDatabase):
    """A pool of connections that only read."""

    has_ended = False

    @abstractmethod
    def reading(self) -> AbstractContextManager[None]:
        """Take a connection, and read one consistent state of the roll within."""

    @abstractmethod
    def close_idle(self) -> None:
        """Close the connections that nobody reads on."""

    def end(self) -> None:
        """Close the connections that nobody reads on, and each other one when it is given back."""
        self.has_ended = True
        self.close_idle()


class WritingSide(Protocol):
    """How an engine makes a transaction, for the one thread that writes."""

    def transaction(self) -> AbstractContextManager[object]:
        """Begin, and commit at the end; what raises within is undone."""

    def is_given_up(self) -> bool:
        """Tell whether the engine has undone the whole transaction already."""

    def is_clash(self, error: Exception) -> bool:
        """Tell whether a transaction failed for one that it met: nothing is done, try again."""

    def answer(self, answers: Answers, *, beside: bool) -> None:
        """Give results, or the errors of work, once all that was committed is durable.

        `beside` lets it go on in a thread of its own, without waiting.
        """

    def rest(self) -> None:
        """Do what is best done while there is no work."""

    def close(self) -> None:
        """Give all answers; there are no more transactions."""


def give(answers: Answers) -> None:
    """Give every waiter the result of its work, or the error that it raised."""
    for future, result in answers:
        if isinstance(result, BaseException):
            future.set_exception(result)
        else:
            future.set_result(result)


def spell(sql: str, spelling: Mapping[str, str]) -> str:
    """Give the SQL with every word in it replaced."""
    return _WORD.sub(lambda word: spelling[word[1]], sql)
