"""Numbers that are given once and never again."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rollbook_server.storage.engine import RollDatabase

SCHEMA = "schema_version"
NEXT_DEVICE = "next_device"
NEXT_PROFILE = "next_profile"
TOKEN_EPOCH = "token_epoch"  # noqa: S105 - a name, no secret
SEALING_MARK = "sealing_mark"  # rises once: from not being there

NEXT = "SELECT value FROM counters WHERE name = ?"
_KEEP = "INSERT INTO counters (name, value) VALUES (?, ?) ON CONFLICT DO NOTHING"
_RISE = "UPDATE counters SET value = value + 1 WHERE name = ?"
_SET = "UPDATE counters SET value = ? WHERE name = ?"
_TRIED = "tried"
_FORGET = "DELETE FROM counters WHERE name = ?"


def try_out(database: RollDatabase) -> None:
    """Write something, of which nothing is left."""
    database.execute_sql(_KEEP, (_TRIED, 0))
    database.execute_sql(_FORGET, (_TRIED,))


def reserve(database: RollDatabase, name: str, count: int = 1) -> int:
    """Take so many numbers that were never given before; gives the first."""
    first = next_number(database, name)
    give_away(database, name, first, count)
    return first


def give_away(database: RollDatabase, name: str, first: int, count: int) -> None:
    """Never give numbers again of which the first is known: the next, and others behind it."""
    database.hand_over(_SET, (first + count, name))


def next_number(database: RollDatabase, name: str) -> int:
    """Give the number that would be given next."""
    number = kept(database, name)
    assert number is not None, f"a roll has a counter {name}"
    return number


def kept(database: RollDatabase, name: str) -> int | None:
    """Give the number of that name, if there is one."""
    found = database.execute_sql(NEXT, (name,)).fetchone()
    return None if found is None else int(found[0])


def first_kept(database: RollDatabase, name: str, value: int) -> int:
    """Keep a number unless there is one of that name; gives the one that there is."""
    database.execute_sql(_KEEP, (name, value))
    return next_number(database, name)


def rise(database: RollDatabase, name: str) -> None:
    """Let the number be one more."""
    database.execute_sql(_RISE, (name,))
