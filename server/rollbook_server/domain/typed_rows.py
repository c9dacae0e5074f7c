"""Rows that a service sends as fields: judged in columns where all are alike."""

from __future__ import annotations

from functools import partial
from itertools import chain, repeat
from operator import itemgetter
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple, cast

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
    from collections.abc import Callable, Mapping, Sequence

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


def canonical(rows: Sequence[TypedRow]) -> str:
    """Give the text over which the CRC of typed rows runs; see `UploadRows`."""
    if not rows:
        return ""
    *cells, attributes, _ = zip(*rows, strict=True)
    names = attributes[0].keys()
    if any(each.keys() != names for each in attributes):
        return "".join(map(_canonical_row, rows))
    told = [(repeat(name), map(itemgetter(name), attributes)) for name in sorted(names)]
    # In columns: the same in a third of the time.
    columns = zip(*cells, *chain.from_iterable(told), repeat("\x1e"), strict=False)
    return "".join(map("\x1f".join, columns))


def _canonical_row(row: TypedRow) -> str:
    attributes = chain.from_iterable(sorted(row.attributes.items()))
    return "\x1f".join((*row[:4], *attributes, "\x1e"))


def check(rows: Sequence[TypedRow], first: int) -> tuple[DeviceRows, list[RowError]]:
    """Judge rows, of which the `first`-th of the upload is the first; they keep their order."""
    if not rows:
        return DeviceRows(), []
    *cells, attributes, lines = zip(*rows, strict=True)
    columns = _attribute_columns(attributes)
    if columns is None:
        return _check_singly(rows, range(first, first + len(rows)))
    numbered = [line if line > 0 else first + place for place, line in enumerate(lines)]
    numbers = range(first, first + len(rows))
    return _check_in_columns(rows, Records(numbers, numbered, CellColumns(cells)), columns)


def _check_in_columns(
    rows: Sequence[TypedRow], records: Records, attributes: AttributeColumns
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


def _attribute_columns(attributes: Sequence[Mapping[str, str]]) -> AttributeColumns | None:
    """Give attributes in columns, in order of name; none if anything about them is unusual."""
    names = sorted(set(chain.from_iterable(attributes)))
    if len(names) > MOST_ATTRIBUTES or not all(map(_is_plain, names)):
        return None
    columns = [[each.get(name, "") for each in attributes] for name in names]
    for column in columns:
        if max(map(len, column)) > LONGEST_ATTRIBUTE or "\0" in "".join(column):
            return None
    return AttributeColumns(names, columns, len(attributes))


def _is_plain(name: str) -> bool:
    return 0 < len(name) <= LONGEST_NAME and trimmed(name) == name and "\0" not in name
