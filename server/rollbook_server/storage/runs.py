"""Runs of numbers in a table, each with its owner: as few as there can be."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from rollbook_server.storage.engine import RollDatabase

# Behind the last run of the owner, or as the rest of it.
_ADD = """
INSERT INTO {table} ({owner}, first_id, last_id)
SELECT ?, coalesce((
    SELECT CASE WHEN last_id = ? THEN first_id END FROM {table}
    WHERE {owner} = ? ORDER BY first_id DESC LIMIT 1
), ?), ? WHERE true
ON CONFLICT ({owner}, first_id) DO UPDATE SET last_id = excluded.last_id
"""
_SHORTEN = "UPDATE {table} SET first_id = ? WHERE {owner} = ? AND first_id = ?"
_FORGET = "DELETE FROM {table} WHERE {owner} = ? AND first_id = ?"


class _Statements(NamedTuple):
    add: str
    shorten: str
    forget: str


class Runs:
    """The runs of a table as one transaction sees them; owners are given by their keys."""

    def __init__(self, database: RollDatabase, table: str, owner: str) -> None:
        self._database, self._sql = database, _statements(table, owner)

    def add(self, owner: int, first: int, last: int) -> None:
        """Take in new numbers, which are above all others."""
        self._database.hand_over(self._sql.add, (owner, first - 1, owner, first, last))

    def cut(self, owner: int, first: int, last: int, limit: int) -> int:
        """Take the first `limit` numbers off a run, or all; gives the last of them."""
        end = min(last, first + limit - 1)
        if end < last:
            self._database.execute_sql(self._sql.shorten, (end + 1, owner, first))
        else:
            self._database.execute_sql(self._sql.forget, (owner, first))
        return end


@cache
def _statements(table: str, owner: str) -> _Statements:
    return _Statements(*(sql.format(table=table, owner=owner) for sql in (_ADD, _SHORTEN, _FORGET)))
