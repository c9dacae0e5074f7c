"""The common road of `rows`: judges many rows at once, column by column.

It knows no errors: whatever is in any way unusual is left to the judge of single
rows, who gives the same answer for all that passes here.
"""

from __future__ import annotations

from operator import eq
from typing import TYPE_CHECKING

from rollbook_server.domain import example_row
from rollbook_server.domain.identifiers import LONGEST_NAME, IdentifierError
from rollbook_server.domain.imeis import NO_CORES
from rollbook_server.domain.luhn import CORE, IMEI, luhn_holds_for_all
from rollbook_server.domain.row_blocks import AttributeColumns, RowBlock
from rollbook_server.domain.serial_numbers import known_manufacturer

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rollbook_server.domain.columns import Columns
    from rollbook_server.domain.row_blocks import Records

    _Column = Sequence[str]
    _Keys = tuple[_Column, _Column, _Column, _Column, _Column]


class _UnusualError(Exception):
    """Something in these rows asks for a closer look."""


class EvenRows:
    """Makes device rows of records that are all alike."""

    def __init__(self, columns: Columns, longest_attribute: int) -> None:
        """Judge by what these columns mean."""
        self._columns = columns
        self._width = len(columns.headers)
        self._longest_attribute = longest_attribute
        indexes = [index for index, _ in columns.attributes]
        self._attribute_indexes = indexes
        self._names = [name for _, name in columns.attributes]
        keys = {columns.imei, columns.imei2, columns.serial_number, columns.manufacturer}
        self._other_indexes = [i for i in range(self._width) if i not in keys]

    def check(self, records: Records) -> RowBlock | None:
        """Give the row of every record, or none if one of them is unusual."""
        cells = records.columns(self._width)
        if cells is None:
            return None
        try:
            keys = self._keys(cells, len(records))
            attributes = self._attributes(cells, len(records))
        except _UnusualError:
            return None
        return RowBlock(records.rows, records.lines, *keys, attributes, records.values)

    def _keys(self, cells: Sequence[Sequence[str]], count: int) -> _Keys:
        """Give the fields of the rows from `imei` to `manufacturer_key`, each as a column."""
        empty = ("",) * count
        columns = self._columns
        imeis = empty if columns.imei is None else _cores(cells[columns.imei])
        imeis2 = empty if columns.imei2 is None else _cores(cells[columns.imei2])
        column = columns.serial_number
        serials = empty if column is None else _serial_numbers(cells[column])
        column = columns.manufacturer
        makers, keys = (empty, empty) if column is None else _manufacturers(cells[column])
        _require_keys(imeis, imeis2, serials, makers)
        if "" in serials:
            keys = [key if serial else "" for key, serial in zip(keys, serials, strict=True)]
        return imeis, imeis2, serials, makers, keys

    def _attributes(self, cells: Sequence[Sequence[str]], count: int) -> AttributeColumns:
        self._require_plain([cells[index] for index in self._other_indexes])
        columns = [cells[index] for index in self._attribute_indexes]
        return AttributeColumns(self._names, columns, count)

    def _require_plain(self, columns: Iterable[Sequence[str]]) -> None:
        longest = self._longest_attribute
        for column in columns:
            joined = "".join(column)
            if "\0" in joined or (len(joined) > longest and max(map(len, column)) > longest):
                raise _UnusualError


def _cores(column: Sequence[str]) -> Sequence[str]:
    filled = [cell for cell in column if cell] if "" in column else column
    if not filled:
        return column
    joined = "".join(filled)
    widths = set(map(len, filled))
    if not (joined.isascii() and joined.isdigit()) or any(map(joined.__contains__, NO_CORES)):
        raise _UnusualError
    if widths == {CORE}:
        if "1" in joined[::CORE]:
            raise _UnusualError  # the first digit: may have lost a zero
        return column
    if widths != {IMEI} or not luhn_holds_for_all(joined.encode()):
        raise _UnusualError
    return [cell[:CORE] for cell in column]


def _serial_numbers(column: Sequence[str]) -> Sequence[str]:
    joined = "".join(column)
    # Hyphens are common, and part of nothing that is refused.
    is_plain = joined.isascii() and joined.replace("-", "0").isalnum()
    if joined and (not is_plain or max(map(len, column)) > LONGEST_NAME):
        raise _UnusualError
    if example_row.SERIAL_NUMBER in joined:
        raise _UnusualError
    return column


def _manufacturers(column: Sequence[str]) -> tuple[Sequence[str], Sequence[str]]:
    spellings = set(column)  # a file names a few makers again and again
    if max(map(len, spellings)) > LONGEST_NAME:
        raise _UnusualError
    try:
        known = {spelling: known_manufacturer(spelling) for spelling in spellings}
    except IdentifierError as error:
        raise _UnusualError from error
    if len(known) == 1:
        (maker,) = known.values()
        return [maker.name] * len(column), [maker.key] * len(column)
    names = {spelling: maker.name for spelling, maker in known.items()}
    keys = {spelling: maker.key for spelling, maker in known.items()}
    return list(map(names.__getitem__, column)), list(map(keys.__getitem__, column))


def _require_keys(
    imeis: Sequence[str], imeis2: Sequence[str], serials: Sequence[str], makers: Sequence[str]
) -> None:
    """Require that each row has keys enough, and no IMEI twice or in the second column alone."""
    if "" in imeis:
        rows = zip(imeis, imeis2, serials, makers, strict=True)
        if any(not imei and (imei2 or not (serial and make)) for imei, imei2, serial, make in rows):
            raise _UnusualError
    if any(imeis2) and any(map(eq, imeis, imeis2)):  # or both empty: rare, and judged singly
        raise _UnusualError
