"""Rows that a service sends as fields: read and judged in columns where all are alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from itertools import chain, repeat
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple, cast, overload

from rollbook_server.domain.columns import Columns
from rollbook_server.domain.devices import DeviceRow, RowError
from rollbook_server.domain.dialects import trimmed
from rollbook_server.domain.even_rows import EvenRows
from rollbook_server.domain.identifiers import LONGEST_NAME
from rollbook_server.domain.odd_rows import told_apart
from rollbook_server.domain.row_blocks import (
    AttributeColumns,
    CellColumns,
    DeviceRows,
    Records,
)
from rollbook_server.domain.single_rows import (
    LONGEST_ATTRIBUTE,
    MOST_ATTRIBUTES,
    TYPED_COLUMNS,
    check_typed,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_COLUMNS = Columns("typed", TYPED_COLUMNS, 0, 1, 2, 3)
_EVEN_ROWS = EvenRows(_COLUMNS, LONGEST_ATTRIBUTE)
_NONE: Mapping[str, str] = MappingProxyType({})


class TypedRow(NamedTuple):
    """A row that a service sent as fields; see `DeviceRow` in the contract."""

    imei: str = ""
    imei2: str = ""
    serial_number: str = ""
    manufacturer: str = ""
    attributes: Mapping[str, str] = _NONE
    source_line: int = 0


# As `new_row_error`: half the time of the constructor.
new_typed_row = cast("Callable[[tuple[object, ...]], TypedRow]", partial(tuple.__new__, TypedRow))


class TypedRows(Sequence[TypedRow]):
    """Rows in columns, each of one length; single ones are made when somebody asks for them.

    `cells` are the columns of the four identifiers. `attributes` are in columns, too, if all
    rows have the same ones and none is empty.
    """

    def __init__(
        self,
        cells: Sequence[Sequence[str]],
        attributes: Sequence[Mapping[str, str]],
        lines: Sequence[int],
    ) -> None:
        self.cells, self.attributes, self.lines = cells, attributes, lines

    @classmethod
    def of(cls, rows: Sequence[TypedRow]) -> TypedRows:
        """Give single rows as what they are."""
        columns = zip(*rows, strict=True) if rows else repeat((), len(TypedRow._fields))
        *cells, attributes, lines = columns
        return cls(cells, attributes, lines)

    def __len__(self) -> int:
        """Count the rows."""
        return len(self.lines)

    def __iter__(self) -> Iterator[TypedRow]:
        """Give each."""
        return map(new_typed_row, zip(*self.cells, self.attributes, self.lines, strict=True))

    @overload
    def __getitem__(self, place: int) -> TypedRow: ...
    @overload
    def __getitem__(self, place: slice) -> TypedRows: ...
    def __getitem__(self, place: int | slice) -> TypedRow | TypedRows:
        """Give one row, or some that follow each other."""
        if isinstance(place, slice):
            cells = [column[place] for column in self.cells]
            return TypedRows(cells, self.attributes[place], self.lines[place])
        cell = (column[place] for column in self.cells)
        return new_typed_row((*cell, self.attributes[place], self.lines[place]))


def canonical(rows: TypedRows) -> str:
    """Give the text over which the CRC of typed rows runs; see `UploadRows`."""
    told = rows.attributes
    if not isinstance(told, AttributeColumns):
        return "".join(map(_canonical_row, rows))
    named = sorted(zip(told.names, told.columns, strict=True))
    attributes = chain.from_iterable((repeat(name), column) for name, column in named)
    # In columns: the same in a third of the time.
    return "".join(map("\x1f".join, zip(*rows.cells, *attributes, repeat("\x1e"), strict=False)))


def _canonical_row(row: TypedRow) -> str:
    attributes = chain.from_iterable(sorted(row.attributes.items()))
    return "\x1f".join((*row[:4], *attributes, "\x1e"))


def check(rows: TypedRows, first: int) -> tuple[DeviceRows, list[RowError]]:
    """Judge rows, of which the `first`-th of the upload is the first; they keep their order."""
    if not rows:
        return DeviceRows(), []
    numbers = range(first, first + len(rows))
    attributes = _attribute_columns(rows.attributes)
    if attributes is None:
        return _check_singly(rows, numbers)
    lines = [line if line > 0 else first + place for place, line in enumerate(rows.lines)]
    return _check_in_columns(rows, Records(numbers, lines, CellColumns(rows.cells)), attributes)


def _check_in_columns(
    rows: TypedRows, records: Records, attributes: AttributeColumns
) -> tuple[DeviceRows, list[RowError]]:
    """Judge rows whose attributes are good together, and singly those that are unlike most."""
    block = _EVEN_ROWS.check(records)
    if block is not None:
        return DeviceRows([block._replace(attributes=attributes)]), []
    odd, rest = told_apart(_COLUMNS, records.columns(len(TYPED_COLUMNS)) or ())
    block = _EVEN_ROWS.check(records.at(rest)) if rest else None
    if block is None:
        return _check_singly(rows, records.rows)
    good, errors = _check_singly([rows[p] for p in odd], [records.rows[p] for p in odd])
    return DeviceRows([block._replace(attributes=attributes.at(rest))]).merged(good), errors


def _check_singly(
    rows: Sequence[TypedRow], numbers: Sequence[int]
) -> tuple[DeviceRows, list[RowError]]:
    good, errors = list[DeviceRow](), list[RowError]()
    for row, number in zip(rows, numbers, strict=True):
        result = check_typed(row, number)
        if isinstance(result, DeviceRow):
            good.append(result)
        else:
            errors.append(result)
    return DeviceRows.of(good), errors


def _attribute_columns(given: Sequence[Mapping[str, str]]) -> AttributeColumns | None:
    """Give attributes in columns, in order of name; none if anything about them is unusual."""
    attributes = given if isinstance(given, AttributeColumns) else _in_columns(given)
    if len(attributes.names) > MOST_ATTRIBUTES or not all(map(_is_plain, attributes.names)):
        return None
    for column in attributes.columns:
        if max(map(len, column)) > LONGEST_ATTRIBUTE or "\0" in "".join(column):
            return None
    return attributes


def _in_columns(attributes: Sequence[Mapping[str, str]]) -> AttributeColumns:
    names = sorted(set(chain.from_iterable(attributes)))
    columns = [[each.get(name, "") for each in attributes] for name in names]
    return AttributeColumns(names, columns, len(attributes))


def _is_plain(name: str) -> bool:
    return 0 < len(name) <= LONGEST_NAME and trimmed(name) == name and "\0" not in name
