"""Rows in the form in which the database takes them: flat parameters of one statement.

Thousands of rows go in with one `INSERT`, whose parameters Python binds in one go and
during which it is free to read on. Half the time of a JSON array that SQLite takes
apart, and of a statement a row, each of which waits for Python's lock.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache, partial
from itertools import chain, repeat
from json.encoder import encode_basestring
from typing import TYPE_CHECKING, Any, Final

from rollbook_server.domain.row_blocks import AttributeColumns, DeviceRows

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from rollbook_server.domain.devices import DeviceRow
    from rollbook_server.domain.row_blocks import RowBlock

WIDTH: Final = 9
"""Parameters of a row: its place in the batch, then what `_cells` gives."""
# How many rows a statement takes; those that are lacking are filled up. 32,766
# parameters are as many as SQLite takes everywhere, some are left for the rest.
_dumped = partial(json.dumps, ensure_ascii=False, separators=(",", ":"))
_SIZES = (8, 64, 512, 3600)
_FILLING = (None,) * WIDTH

_INSERT = """
INSERT INTO devices (id, profile, imei, imei2, serial_number, manufacturer, manufacturer_key,
    attributes, upload, source_row, source_line, create_time, update_time,
    last_request_id, user_id, revision)
WITH rows (place, imei, imei2, serial_number, manufacturer, manufacturer_key, attributes,
    source_row, source_line) AS (VALUES {rows})
SELECT ? + place, ?, imei, imei2, serial_number, manufacturer, manufacturer_key, attributes,
    ?, source_row, source_line, ?, ?, '', '', 1
FROM rows WHERE place IS NOT NULL
ON CONFLICT DO NOTHING
"""
_ROW = f"({', '.join('?' * WIDTH)})"


@dataclass(frozen=True, slots=True)
class PackedRows:
    """Rows, and the same as parameters; a `domain.repositories.PackedRows`."""

    rows: DeviceRows
    attribute_names: Sequence[str]
    cells: Sequence[Any]
    imeis: Sequence[str]
    second_imeis: frozenset[str]

    @property
    def crosses_itself(self) -> bool:
        """Tell whether one row's first IMEI is another's second."""
        return not self.second_imeis.isdisjoint(self.imeis)

    def statements(self) -> Iterator[tuple[str, list[Any]]]:
        """Give statements that put all rows in, each with its first parameters.

        Five follow: the id of the first row, profile, upload, create and update time.
        """
        most = _SIZES[-1] * WIDTH
        for begin in range(0, len(self.cells), most):
            cells = list(self.cells[begin : begin + most])
            size = next(size for size in _SIZES if size * WIDTH >= len(cells))
            yield _insert(size), cells + [None] * (size * WIDTH - len(cells))


@cache
def _insert(size: int) -> str:
    return _INSERT.format(rows=", ".join([_ROW] * size))


def pack(rows: Sequence[DeviceRow], columns: Sequence[str]) -> PackedRows:
    """Prepare rows for the insert statements; see `domain.repositories.Devices.pack`."""
    rows = rows if isinstance(rows, DeviceRows) else DeviceRows.of(rows)
    cells: list[Any] = []
    for block in rows.blocks:
        place = len(cells) // WIDTH
        cells += chain.from_iterable(_cells(block, place))
    imeis = list(chain.from_iterable(block.imei for block in rows.blocks))
    second = frozenset(chain.from_iterable(block.imei2 for block in rows.blocks)) - {""}
    return PackedRows(rows, _names_in(rows.blocks, columns), cells, imeis, second)


def _cells(block: RowBlock, place: int) -> Iterator[tuple[Any, ...]]:
    """Give the parameters of each row of a block whose first is at a place of the batch."""
    keys = (block.imei, block.imei2, block.serial_number, block.manufacturer)
    key = block.manufacturer_key
    return zip(
        range(place, place + len(block.row)),
        *map(_nullable, (*keys, key)),
        _texts(block.attributes),
        block.row,
        block.line,
        strict=False,  # an empty column is endless
    )


def _nullable(column: Sequence[str]) -> Iterable[str | None]:
    """Give a column with NULL for what is unknown."""
    if "" not in column:
        return column
    return [cell or None for cell in column] if any(column) else repeat(None)


def _texts(attributes: Sequence[Mapping[str, str]]) -> Iterable[str]:
    """Give the attributes of each row as JSON."""
    if not isinstance(attributes, AttributeColumns):
        return [_dumped(dict(each)) for each in attributes]
    if not attributes.columns:
        return repeat("{}")
    columns, names = attributes.columns, list(map(encode_basestring, attributes.names))
    if any("" in column for column in columns):
        return _texts_of_filled(columns, names)
    members = ",".join(name.replace("%", "%%") + ":%s" for name in names)
    cells = [map(encode_basestring, column) for column in columns]
    return map(f"{{{members}}}".__mod__, zip(*cells, strict=True))


def _texts_of_filled(columns: Sequence[Sequence[str]], names: Sequence[str]) -> Iterable[str]:
    """Give the JSON of rows in which cells are empty: these are no attributes."""
    members = [
        [f"{name}:{encode_basestring(cell)}" if cell else "" for cell in column]
        for name, column in zip(names, columns, strict=True)
    ]
    return [f"{{{','.join(filter(None, row))}}}" for row in zip(*members, strict=True)]


def attribute_names(
    attributes: Iterable[Mapping[str, str]], columns: Sequence[str] = ()
) -> list[str]:
    """Give the names that stand in some attributes: in the order of columns, then as they come."""
    seen = dict.fromkeys(chain.from_iterable(attributes))
    return list(dict.fromkeys([*(name for name in columns if name in seen), *seen]))


def _names_in(blocks: Iterable[RowBlock], columns: Sequence[str]) -> list[str]:
    """Give the same of whole blocks."""
    return attribute_names((_names_of(block.attributes) for block in blocks), columns)


def _names_of(attributes: Sequence[Mapping[str, str]]) -> Mapping[str, str]:
    """Give, as the keys of a mapping, the names of which a row has an attribute."""
    if isinstance(attributes, AttributeColumns):
        pairs = zip(attributes.names, attributes.columns, strict=True)
        return {name: name for name, column in pairs if any(column)}
    return {name: name for each in attributes for name in each}
