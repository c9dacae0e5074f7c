"""Which records of a file make devices, and what is wrong with the others.

Records are judged many at once, column by column, as far as they are alike; the unusual
ones among them go singly, by the rules of `single_rows`. What comes out is the same as
if each had been judged alone.
"""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING

from rollbook_server.domain.devices import DeviceRow, RowError, new_row_error
from rollbook_server.domain.errors import RowReason
from rollbook_server.domain.even_rows import EvenRows
from rollbook_server.domain.identifiers import LONGEST_NAME, IdentifierError
from rollbook_server.domain.imeis import check_digit_fault
from rollbook_server.domain.luhn import CORE
from rollbook_server.domain.odd_rows import mistyped_imeis, told_apart
from rollbook_server.domain.row_blocks import DeviceRows
from rollbook_server.domain.single_rows import (
    LONGEST_ATTRIBUTE,
    MOST_ATTRIBUTES,
    TYPED_COLUMNS,
    RejectionError,
    checked_attributes,
    device_row,
    identified,
    refuse_nul,
    row_error,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rollbook_server.domain.columns import Columns
    from rollbook_server.domain.row_blocks import Records

# Rows that are judged together where not all of a piece are alike: few enough that a bad
# one makes little extra work, enough that looking at columns pays.
_RUN = 64
_MISTYPED = RowReason.IMEI_CHECK_DIGIT


class RowChecker:
    """Judges the records of one file; keeps nothing of them."""

    def __init__(self, columns: Columns) -> None:
        """Judge by what these columns mean."""
        self._columns = columns
        self._even_rows = EvenRows(columns, LONGEST_ATTRIBUTE)
        names = [name for _, name in columns.attributes]
        self._is_even = (
            len(names) <= MOST_ATTRIBUTES and max(map(len, names), default=0) <= LONGEST_NAME
        )
        indexes = [getattr(columns, name) for name in TYPED_COLUMNS]
        self._names = [
            name if index is None else columns.headers[index]
            for name, index in zip(TYPED_COLUMNS, indexes, strict=True)
        ]
        self._headers = {name: columns.headers[index] for index, name in columns.attributes}
        # Behind the cells of a row stands an empty one, for what has no column.
        self._pick = itemgetter(*(-1 if index is None else index for index in indexes))

    def check(self, records: Records) -> tuple[DeviceRows, list[RowError]]:
        """Judge many records; rows and errors keep their order."""
        rows, errors = DeviceRows(), list[RowError]()
        if not records:
            return rows, errors
        even = self._even_rows.check(records) if self._is_even else None
        if even is not None:
            return DeviceRows([even]), errors
        mistyped = self._mistyped(records)
        if mistyped:
            return self._check_without(mistyped, records)
        apart = self._check_apart(records, errors) if self._is_even else None
        if apart is not None:
            return apart, errors
        for begin in range(0, len(records), _RUN):
            self._check_run(records[begin : begin + _RUN], rows, errors)
        return rows, errors

    def _mistyped(self, records: Records) -> list[tuple[int, int]]:
        """Give the places of records that are refused for the check digit of their first IMEI."""
        cells, column = records.columns(len(self._columns.headers)), self._columns.imei
        if not cells or column is None or any("\0" in "".join(each) for each in cells):
            return []
        return mistyped_imeis(cells[column])

    def _check_without(
        self, mistyped: Sequence[tuple[int, int]], records: Records
    ) -> tuple[DeviceRows, list[RowError]]:
        """Refuse the mistyped ones, by far the most common mistake, and judge the others."""
        refused = dict(mistyped)
        errors = self._refused(records.at(list(refused)), refused.values())
        others = [place for place in range(len(records)) if place not in refused]
        rows, more = self.check(records.at(others)) if others else (DeviceRows(), [])
        return rows, sorted([*errors, *more], key=itemgetter(0))

    def _refused(self, records: Records, excesses: Iterable[int]) -> list[RowError]:
        place, name = self._columns.imei or 0, self._names[0]
        errors = []
        for (row, line, cells), excess in zip(records, excesses, strict=True):
            message = check_digit_fault(cells[place][CORE], excess)
            errors.append(new_row_error((row, line, name, _MISTYPED, message, "", cells, "")))
        return errors

    def _check_apart(self, records: Records, errors: list[RowError]) -> DeviceRows | None:
        """Judge the unusual ones among some records singly, if all others are alike."""
        cells = records.columns(len(self._columns.headers))
        odd, rest = told_apart(self._columns, cells) if cells else ([], [])
        even = self._even_rows.check(records.at(rest)) if odd and rest else None
        if not odd or (rest and even is None):
            return None
        singly = self._check_singly(records.at(odd), errors)
        return DeviceRows([even] if even else []).merged(singly)

    def _check_run(self, run: Records, rows: DeviceRows, errors: list[RowError]) -> None:
        """Judge some records, among which there is an unusual one as often as not."""
        even = self._even_rows.check(run) if self._is_even else None
        rows.extend(self._check_singly(run, errors) if even is None else DeviceRows([even]))

    def _check_singly(self, records: Records, errors: list[RowError]) -> DeviceRows:
        rows = []
        for row, line, values in records:
            try:
                rows.append(self._device_row(row, line, values))
            except IdentifierError as error:
                errors.append(row_error(row, line, values, error))
        return DeviceRows.of(rows)

    def _device_row(self, row: int, line: int, values: Sequence[str]) -> DeviceRow:
        """Judge one record; attributes are looked at only where the identifiers are good."""
        cells = self._padded(values)
        identifiers = identified(self._pick(cells), self._names)
        given = {name: cells[index] for index, name in self._columns.attributes if cells[index]}
        attributes = checked_attributes(given, self._headers)
        return device_row(row, line, identifiers, attributes, values)

    def _padded(self, values: Sequence[str]) -> Sequence[str]:
        """Give a cell for every column and an empty one behind them."""
        headers = self._columns.headers
        if len(values) > len(headers):
            message = (
                f"the row has {len(values)} fields, the header {len(headers)} columns; put a field"
                " that holds the delimiter in quotes"
            )
            raise RejectionError("", RowReason.TOO_MANY_FIELDS, message)
        if "\0" in "".join(values):
            refuse_nul(zip(headers, values, strict=False))
        return (*values, *[""] * (len(headers) - len(values)), "")
