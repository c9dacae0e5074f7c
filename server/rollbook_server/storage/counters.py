"""Numbers that are given once and never again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollbook_server.storage.tables import CounterTable

if TYPE_CHECKING:
    from peewee import Database

NEXT_DEVICE = "next_device"
NEXT_PROFILE = "next_profile"


def reserve(database: Database, name: str, count: int = 1) -> int:
    """Take so many numbers that were never given before; gives the first."""
    wanted = CounterTable.name == name
    first = int(CounterTable.select(CounterTable.value).where(wanted).scalar(database))
    CounterTable.update(value=first + count).where(wanted).execute(database)
    return first
