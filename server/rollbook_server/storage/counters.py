"""Numbers that are given once and never again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollbook_server.storage.tables import CounterTable

if TYPE_CHECKING:
    from peewee import Database

NEXT_DEVICE = "next_device"
NEXT_PROFILE = "next_profile"
TOKEN_EPOCH = "token_epoch"  # noqa: S105 - a name, no secret


def reserve(database: Database, name: str, count: int = 1) -> int:
    """Take so many numbers that were never given before; gives the first."""
    first = next_number(database, name)
    counter = CounterTable.update(value=first + count).where(CounterTable.name == name)
    counter.execute(database)
    return first


def next_number(database: Database, name: str) -> int:
    """Give the number that would be given next."""
    query = CounterTable.select(CounterTable.value).where(CounterTable.name == name)
    return int(query.scalar(database))


def rise(database: Database, name: str) -> None:
    """Let the number be one more."""
    counter = CounterTable.update(value=CounterTable.value + 1).where(CounterTable.name == name)
    counter.execute(database)
