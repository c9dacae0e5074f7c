"""Searching for what begins so, by comparison alone: no character of it is a wildcard.

The engines compare text by its UTF-8, which orders it by code points as Python does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

_LAST = "\U0010ffff"
_BEFORE_SURROGATES, _BEHIND_SURROGATES = "\ud7ff", "\ue000"


@dataclass(frozen=True, slots=True, init=False)
class Condition:
    """A piece of SQL and what stands for its question marks."""

    sql: str
    values: tuple[Any, ...]

    def __init__(self, sql: str, *values: Any) -> None:
        object.__setattr__(self, "sql", sql)
        object.__setattr__(self, "values", values)


def prefix_conditions(imei: str, serial: str, limit: int) -> tuple[Condition, Condition]:
    """Give a query for the numbers of devices that begin so, and the same as a condition.

    An empty prefix is not searched for; one of them is not empty. The query walks
    indexes and gives `limit` numbers at most, some of them twice. The condition uses
    no index: `$PLAIN` forbids it.
    """
    parts = [("imei", imei), ("imei2", imei), ("serial_number", serial)]
    ranges = [(column, *_range(prefix)) for column, prefix in parts if prefix]
    values = [value for _, _, bounds in ranges for value in bounds]
    union = " UNION ALL ".join(
        f"SELECT id FROM devices WHERE {sql.format(column)}" for column, sql, _ in ranges
    )
    either = " OR ".join(f"({sql.format(f'$PLAIN(d.{column})')})" for column, sql, _ in ranges)
    look_up = Condition(f"SELECT id FROM ({union}) found LIMIT ?", *values, limit)
    return look_up, Condition(f"({either})", *values)


def _range(prefix: str) -> tuple[str, list[str]]:
    behind = successor(prefix)
    if behind is None:
        return "{0} >= ?", [prefix]
    return "{0} >= ? AND {0} < ?", [prefix, behind]


def successor(prefix: str) -> str | None:
    """Give the first text behind all that begin so; None if there is none."""
    kept = prefix.rstrip(_LAST)
    if not kept:
        return None
    last = kept[-1]
    following = _BEHIND_SURROGATES if last == _BEFORE_SURROGATES else chr(ord(last) + 1)
    return kept[:-1] + following
