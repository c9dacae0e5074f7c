"""Statements that go to PostgreSQL together, so that they are waited for once.

Each wait costs a writer more than most statements do: the way there and back, and Python's
lock, for which all threads that serve calls stand in line.
"""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import psycopg

if TYPE_CHECKING:
    from collections.abc import Sequence

    Cursor = psycopg.Cursor[Any]


class Statement:
    """A statement, and its cursor once it is done; that has its answer."""

    def __init__(self, sql: str, parameters: Sequence[Any] | None = None) -> None:
        self._sql, self._parameters = sql.encode(), parameters or ()
        self._cursor: Cursor | None = None

    @property
    def cursor(self) -> Cursor | None:
        """Give the cursor of what is done."""
        return self._cursor if self._cursor and self._cursor.statusmessage else None

    def begin(self, connection: psycopg.Connection[Any]) -> None:
        """Send it; raises what one before it failed with, if that is known by now."""
        self._cursor = connection.cursor()
        self._cursor.execute(self._sql, self._parameters)


def run(connection: psycopg.Connection[Any], statements: Sequence[Statement]) -> None:
    """Run statements in order, up to the first that fails.

    Raises the driver's error of that one.
    """
    failure: psycopg.Error | None = None
    try:
        # A libpq from before version 14 sends them one by one.
        with connection.pipeline() if psycopg.Pipeline.is_supported() else nullcontext():
            failure = _begun(connection, statements)
    except psycopg.Error as error:  # behind the first one it is told of others that were not done
        failure = failure or error
    if failure is not None:
        raise failure


def _begun(
    connection: psycopg.Connection[Any], statements: Sequence[Statement]
) -> psycopg.Error | None:
    """Send statements, and give what one failed with, for the driver would warn of the others."""
    try:
        for each in statements:
            each.begin(connection)
    except psycopg.Error as error:
        return error
    return None
