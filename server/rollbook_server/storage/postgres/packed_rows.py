"""Rows in the form in which PostgreSQL takes them: the text of COPY."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING

from peewee import IntegrityError

from rollbook_server.domain.left_out import UNCLEAR, LeftOut
from rollbook_server.domain.row_blocks import DeviceRows
from rollbook_server.storage.attribute_texts import names_in, texts
from rollbook_server.storage.packed import Packed, second_imeis
from rollbook_server.storage.postgres.copy_texts import (
    NULL,
    escaped,
    lines,
    nullable,
    numbered,
    pieces,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from rollbook_server.domain.devices import DeviceRow
    from rollbook_server.domain.row_blocks import RowBlock
    from rollbook_server.storage.postgres.database import PostgresEngine

_COLUMNS = (
    "(id, profile, upload, create_time, update_time, last_request_id, user_id, revision,"
    " imei, imei2, serial_number, manufacturer, manufacturer_key, attributes,"
    " source_row, source_line)"
)
_COPY = f"COPY devices {_COLUMNS} FROM STDIN"

SAVEPOINT = "SAVEPOINT rows"

# Rows are put in as if no key were taken: COPY writes them together, and tries no index
# first. Only if one is taken do they go into a table of their own, and on from there.
_GIVEN = "CREATE TEMPORARY TABLE given (LIKE devices) ON COMMIT DROP"
_COPY_GIVEN = f"COPY given {_COLUMNS} FROM STDIN"
_INSERT = "INSERT INTO devices SELECT * FROM given ORDER BY id ON CONFLICT DO NOTHING"
# What became of rows that were left out; see `sqlite.packed_rows`. OFFSET keeps the
# planner from joining, with the whole roll, what is looked up for a few.
_TAKEN = f"""
SELECT g.id - ?, CASE
    WHEN d.upload = g.upload AND d.id < g.id THEN d.source_line
    WHEN d.upload IS DISTINCT FROM g.upload AND d.profile = g.profile
        AND d.imei IS NOT DISTINCT FROM g.imei AND d.imei2 IS NOT DISTINCT FROM g.imei2
        AND d.serial_number IS NOT DISTINCT FROM g.serial_number
        AND d.manufacturer IS NOT DISTINCT FROM g.manufacturer
        AND d.manufacturer_key IS NOT DISTINCT FROM g.manufacturer_key
        AND d.attributes = g.attributes THEN -d.id
    ELSE {UNCLEAR} END
FROM given g LEFT JOIN LATERAL (
    SELECT * FROM devices WHERE id = coalesce(
        (SELECT id FROM devices WHERE imei = g.imei),
        (SELECT id FROM devices WHERE g.imei IS NULL
            AND serial_number = g.serial_number AND manufacturer_key = g.manufacturer_key))
    OFFSET 0
) d ON true
WHERE NOT EXISTS (SELECT 1 FROM devices same WHERE same.id = g.id)
ORDER BY g.id
"""


@dataclass(frozen=True, slots=True)
class PackedRows(Packed):
    """Rows, and the columns that are their own as lines; a `storage.engine.PackedBatch`."""

    lines: Sequence[str]

    def insert_into(
        self, database: PostgresEngine, first_id: int, profile: int, upload: int | None, time: int
    ) -> LeftOut:
        """Insert the rows."""
        owner = NULL if upload is None else upload
        alike = f"\t{profile}\t{owner}\t{time}\t{time}\t\t\t1\t"
        left_out = LeftOut()
        if database.expects_taken or not _all_are_put_in(database, self._whole(first_id, alike)):
            left_out = _put_in(database, self._whole(first_id, alike), first_id, len(self.lines))
            database.expects_taken = bool(left_out)
        database.spent = self
        return left_out

    def _whole(self, first_id: int, alike: str) -> Iterator[str]:
        """Give the lines with what comes before them, made as they are sent."""
        return pieces(numbered(self.lines, first_id, alike))


def _all_are_put_in(database: PostgresEngine, whole: Iterable[str]) -> bool:
    """Put all rows in, or none if a key is taken."""
    database.execute_sql(SAVEPOINT)
    try:
        database.copy_in(_COPY, whole)
    except IntegrityError:
        database.execute_sql("ROLLBACK TO rows")
        database.execute_sql("RELEASE rows")
        return False
    database.hand_over("RELEASE rows")
    return True


def _put_in(database: PostgresEngine, whole: Iterable[str], first_id: int, count: int) -> LeftOut:
    """Put in those rows whose keys are free, and tell of the others."""
    database.execute_sql(_GIVEN)
    database.copy_in(_COPY_GIVEN, whole)
    left_out = LeftOut()
    if database.execute_sql(_INSERT).rowcount < count:
        found = database.execute_sql(_TAKEN, (first_id,)).fetchall()
        left_out = LeftOut.of([place for place, _ in found], [met for _, met in found])
    database.hand_over("DROP TABLE given")
    return left_out


class Packing:
    """Rows of a batch on their way to COPY; a `domain.repositories.Packing`."""

    def __init__(self) -> None:
        self._rows, self._lines = DeviceRows(), list[str]()

    def add(self, rows: Sequence[DeviceRow]) -> None:
        """Put rows behind those that were added."""
        blocks = (rows if isinstance(rows, DeviceRows) else DeviceRows.of(rows)).blocks
        self._rows.extend(DeviceRows(blocks))
        self._lines += chain.from_iterable(map(_lines, blocks))

    def take(self, columns: Sequence[str] = ()) -> PackedRows:
        """Give what was added, and begin anew."""
        rows, whole = self._rows, self._lines
        self._rows, self._lines = DeviceRows(), []
        return PackedRows(rows, names_in(rows.blocks, columns), second_imeis(rows), whole)


def _lines(block: RowBlock) -> Sequence[str]:
    return lines(_columns(block))


def _columns(block: RowBlock) -> Iterator[Sequence[str]]:
    keys = (block.imei, block.imei2, block.serial_number, block.manufacturer)
    yield from map(nullable, (*keys, block.manufacturer_key))
    yield escaped(texts(block.attributes))
    yield list(map(str, block.row))
    yield list(map(str, block.line))
