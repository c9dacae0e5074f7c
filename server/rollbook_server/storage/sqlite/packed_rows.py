"""Rows in the form in which the database takes them: flat parameters of one statement."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache, partial
from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from rollbook_server.domain.left_out import UNCLEAR, LeftOut
from rollbook_server.storage.bulk import values_of
from rollbook_server.storage.packed import Packed
from rollbook_server.storage.sqlite.row_shapes import OFTEN_SHARED, RISING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from rollbook_server.storage.bulk import Piece
    from rollbook_server.storage.sqlite.database import SqliteEngine
    from rollbook_server.storage.sqlite.row_shapes import Shape

Statement: TypeAlias = "tuple[str, list[Any]]"

_INSERT = """
INSERT INTO devices (id, profile, imei, imei2, serial_number, manufacturer, manufacturer_key,
    attributes, upload, source_row, source_line, create_time, update_time,
    last_request_id, user_id, revision)
WITH given ({columns}) AS ({values})
SELECT ? + place, ?, imei, {imei2}, serial_number, {manufacturer}, {manufacturer_key}, attributes,
    ?, {source_row}, {source_line}, ?, ?, '', '', 1
FROM given WHERE place IS NOT NULL
ON CONFLICT DO NOTHING
"""
# What rows met that were left out, see `LeftOut`: a device of the same upload that came in
# behind the row does not count, for the row met another, by another key.
# In one row for all, as for each that Python fetches it waits for its lock; and in columns,
# which take two thirds of the time of an array for each.
_TAKEN = """
WITH given ({columns}) AS ({values}),
rows AS (
    SELECT place, imei, {imei2} AS imei2, serial_number, {manufacturer} AS manufacturer,
        {manufacturer_key} AS manufacturer_key, attributes
    FROM given WHERE place IS NOT NULL{left_out}
)
SELECT json_group_array(r.place), json_group_array(CASE
    WHEN d.upload = ? AND d.id < ? + r.place THEN d.source_line
    WHEN d.upload IS NOT ? AND d.profile = ? AND d.imei IS r.imei AND d.imei2 IS r.imei2
        AND d.serial_number IS r.serial_number AND d.manufacturer IS r.manufacturer
        AND d.manufacturer_key IS r.manufacturer_key AND d.attributes = r.attributes THEN -d.id
    ELSE {unclear} END)
FROM rows r {join} devices d ON d.id = ifnull(
    (SELECT id FROM devices WHERE imei = r.imei),
    (SELECT id FROM devices WHERE r.imei IS NULL
        AND serial_number = r.serial_number AND manufacturer_key = r.manufacturer_key))
"""

# The same of rows whose IMEI is that of an earlier one of the upload: less to bind and compare.
_REPEATED = """
WITH given (place, imei) AS ({values})
SELECT json_group_array(g.place), json_group_array(d.source_line)
FROM given g JOIN devices d ON d.imei = g.imei WHERE d.upload = ? AND d.id < ? + g.place
"""

_LEFT_OUT = " AND NOT EXISTS (SELECT 1 FROM devices WHERE id = ? + place)"


class Statements(NamedTuple):
    """What puts some rows in, and what then tells which of them were left out.

    Asked before, `held` tells the same of those whose first key is taken, and `repeated` of
    those whose IMEI an earlier row of the upload has.
    """

    size: int
    insert: Statement
    taken: Callable[[], Statement]
    held: Callable[[], Statement]
    repeated: Callable[[], Statement]


@dataclass(frozen=True, slots=True)
class PackedRows(Packed):
    """Rows, and the same as parameters; a `domain.repositories.PackedRows`."""

    shape: Shape
    pieces: Sequence[Piece]

    def insert_into(
        self, database: SqliteEngine, first_id: int, profile: int, upload: int | None, time: int
    ) -> LeftOut:
        """Insert the rows.

        The unique indexes leave some out; which ones, their missing ids tell. Where all rows
        were left out last, most likely all will be: that is asked first, and saves trying.
        """
        left_out = LeftOut()
        for piece in self.statements(first_id, profile, upload, time):
            mine = _asked_before(database, piece) or _put_in(database, piece)
            database.expects_taken = len(mine) == piece.size
            database.expects_repeated = len(mine.repeated) == piece.size
            left_out.extend(mine)
        return left_out

    def statements(
        self, first_id: int, profile: int, upload: int | None, time: int
    ) -> Iterator[Statements]:
        """Give statements that put all rows in, piece by piece.

        The ids count on from `first_id`, in the order of the rows.
        """
        keys, rising = self.shape.values(OFTEN_SHARED), self.shape.values(RISING)
        for values, parameters, size in self.pieces:
            insert, taken, held = _sql(self.shape.columns, values)
            put = [*parameters, first_id, profile, *keys, upload, *rising, time, time]
            asked = (upload, first_id, upload, profile)
            yield Statements(
                size,
                (insert, put),
                partial(_question, taken, parameters, (*keys, first_id, *asked)),
                partial(_question, held, parameters, (*keys, *asked)),
                partial(_repeated, parameters, len(self.shape.columns), upload, first_id),
            )


@cache
def _sql(columns: tuple[str, ...], values: str) -> tuple[str, str, str]:
    names = {name: name if name in columns else "?" for name in OFTEN_SHARED}
    names |= {name: name if name in columns else "? + place" for name in RISING}
    given = {"columns": ", ".join(columns), "values": values, **names}
    given["unclear"] = str(UNCLEAR)
    taken = _TAKEN.format(left_out=_LEFT_OUT, join="LEFT JOIN", **given)
    held = _TAKEN.format(left_out="", join="JOIN", **given)
    return _INSERT.format(**given), taken, held


def _question(sql: str, parameters: list[Any], others: tuple[Any, ...]) -> Statement:
    return sql, [*parameters, *others]  # of most rows nothing is asked, so it is made late


def _repeated(parameters: list[Any], width: int, upload: int | None, first_id: int) -> Statement:
    places, imeis = parameters[::width], parameters[1::width]  # as they stand in any shape
    cells = list(chain.from_iterable(zip(places, imeis, strict=True)))
    return _REPEATED.format(values=values_of(2, len(places))), [*cells, upload, first_id]


def _asked_before(database: SqliteEngine, piece: Statements) -> LeftOut:
    """Tell of all rows that they are taken, if they all are and it was to be expected."""
    for is_likely, statement in (
        (database.expects_repeated, piece.repeated),
        (database.expects_taken, piece.held),
    ):
        found = _found(database, statement()) if is_likely else LeftOut()
        if len(found) == piece.size:
            return found
    return LeftOut()


def _put_in(database: SqliteEngine, piece: Statements) -> LeftOut:
    """Put rows in, and tell of those that were left out."""
    is_short = database.execute_sql(*piece.insert).rowcount < piece.size
    return _found(database, piece.taken()) if is_short else LeftOut()


def _found(database: SqliteEngine, statement: Statement) -> LeftOut:
    ((places, met),) = database.execute_sql(*statement)
    return LeftOut.of(*_rising(json.loads(places), json.loads(met)))


def _rising(places: Sequence[int], met: Sequence[int]) -> Iterable[Sequence[int]]:
    """Give both in the order of the places, which nearly always are in it."""
    if places == sorted(places):
        return places, met
    return zip(*sorted(zip(places, met, strict=True)), strict=True)
