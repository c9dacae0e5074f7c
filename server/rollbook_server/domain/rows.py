"""Which rows make a device: from cells to identifiers, or to what is wrong with them.

Rows are judged one by one, each by itself; what they mean together with other rows
and the roll is told in `conflicts`. CSV records and typed rows share these rules.
"""

from __future__ import annotations

from operator import attrgetter, itemgetter
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from rollbook_server.domain import example_row
from rollbook_server.domain.devices import DeviceRow, RowError
from rollbook_server.domain.dialects import trimmed
from rollbook_server.domain.errors import RowReason
from rollbook_server.domain.even_rows import EvenRows
from rollbook_server.domain.identifiers import (
    LONGEST_NAME,
    LONGEST_TYPED,
    IdentifierError,
    shortened,
)
from rollbook_server.domain.imeis import parse_imei
from rollbook_server.domain.odd_rows import told_apart
from rollbook_server.domain.row_blocks import DeviceRows
from rollbook_server.domain.serial_numbers import (
    Manufacturer,
    parse_manufacturer,
    parse_serial_number,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from rollbook_server.domain.columns import Columns
    from rollbook_server.domain.row_blocks import Records

# The contract of DeviceRow.
LONGEST_ATTRIBUTE = 4_096
MOST_ATTRIBUTES = 100
# Rows that are judged together where not all of a piece are alike: few enough that a bad
# one makes little extra work, enough that looking at columns pays.
_RUN = 64
TYPED_COLUMNS = ("imei", "imei2", "serial_number", "manufacturer")
_NO_MANUFACTURER = Manufacturer("", "")
_PARSERS = (parse_imei, parse_imei, parse_serial_number, parse_manufacturer)
_LONGEST_CELL = 65_536  # of a typed row, as of a CSV: more would not fit the answer about it
_typed_cells = attrgetter(*TYPED_COLUMNS)


class TypedCells(Protocol):
    """A row that a service sent as fields."""

    @property
    def imei(self) -> str: ...  # noqa: D102 - these are the contract's
    @property
    def imei2(self) -> str: ...  # noqa: D102
    @property
    def serial_number(self) -> str: ...  # noqa: D102
    @property
    def manufacturer(self) -> str: ...  # noqa: D102
    @property
    def attributes(self) -> Mapping[str, str]: ...  # noqa: D102
    @property
    def source_line(self) -> int: ...  # noqa: D102


class _Rejection(IdentifierError):  # noqa: N818 - a verdict, not a failure
    """The first and most telling thing wrong with a row, and the column it lies in."""

    def __init__(self, column: str, reason: RowReason, message: str) -> None:
        super().__init__(reason, message)
        self.column = column


class _Identifiers(NamedTuple):
    """The identifiers of one row in normal form, empty where a cell is."""

    imei: str
    imei2: str
    serial_number: str
    maker: Manufacturer


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
        apart = self._check_apart(records, errors) if self._is_even else None
        if apart is not None:
            return apart, errors
        for begin in range(0, len(records), _RUN):
            self._check_run(records[begin : begin + _RUN], rows, errors)
        return rows, errors

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
                errors.append(_row_error(row, line, values, error))
        return DeviceRows.of(rows)

    def _device_row(self, row: int, line: int, values: Sequence[str]) -> DeviceRow:
        """Judge one record; attributes are looked at only where the identifiers are good."""
        cells = self._padded(values)
        identifiers = _identified(self._pick(cells), self._names)
        given = {name: cells[index] for index, name in self._columns.attributes if cells[index]}
        attributes = _attributes(given, self._headers)
        return _new_row(row, line, identifiers, attributes, values)

    def _padded(self, values: Sequence[str]) -> Sequence[str]:
        """Give a cell for every column and an empty one behind them."""
        headers = self._columns.headers
        if len(values) > len(headers):
            message = (
                f"the row has {len(values)} fields, the header {len(headers)} columns; put a field"
                " that holds the delimiter in quotes"
            )
            raise _Rejection("", RowReason.TOO_MANY_FIELDS, message)
        if "\0" in "".join(values):
            _refuse_nul(zip(headers, values, strict=False))
        return (*values, *[""] * (len(headers) - len(values)), "")


def check_typed(row: TypedCells, ordinal: int) -> DeviceRow | RowError:
    """Judge one typed row, the `ordinal`-th of its upload; 1 is the first.

    `values` of the answer are its cells in the order of `TYPED_COLUMNS`.
    """
    line = row.source_line if row.source_line > 0 else ordinal
    values = tuple(cell[:_LONGEST_CELL] for cell in _typed_cells(row))
    try:
        _refuse_nul(zip(TYPED_COLUMNS, values, strict=True))
        _refuse_nul((name, name + value) for name, value in row.attributes.items())
        given, headers = _typed_attributes(row.attributes)
        identifiers = _identified(values, TYPED_COLUMNS)
        return _new_row(ordinal, line, identifiers, _attributes(given, headers), values)
    except IdentifierError as error:
        return _row_error(ordinal, line, values, error)


def _typed_attributes(given: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """Give attributes by their names as a header would have them, and what these were.

    In order of name: a map of protobuf has none.
    """
    attributes: dict[str, str] = {}
    headers: dict[str, str] = {}
    for name, value in sorted(given.items()):
        kept = trimmed(name) if len(name) <= LONGEST_TYPED else name
        if kept in headers and value:
            message = (
                f"two attributes are called {shortened(kept)}, spaces around them and ways to"
                " write accents set aside; keep one of them"
            )
            raise _Rejection(shortened(name), RowReason.ATTRIBUTE_NAME_INVALID, message)
        if value:
            attributes[kept], headers[kept] = value, name
    return attributes, headers


def _refuse_nul(cells: Iterable[tuple[str, str]]) -> None:
    for column, cell in cells:
        if "\0" in cell:
            message = "a NUL character stands in the cell; remove it"
            raise _Rejection(shortened(column.replace("\0", "")), RowReason.NUL_CHARACTER, message)


def _identified(cells: Sequence[str], names: Sequence[str]) -> _Identifiers:
    """Give the identifiers of a row; `names` is what the uploader calls their cells."""
    found: list[Any] = ["", "", "", _NO_MANUFACTURER]
    for place, parse in enumerate(_PARSERS):
        cell = cells[place]
        if cell and not cell.isspace():
            try:
                found[place] = parse(cell)
            except IdentifierError as error:
                error.column = names[place]
                raise
    imei, imei2, serial_number, maker = found
    _require_keys(imei or imei2, serial_number, maker.name, names)
    if imei and imei == imei2:
        message = f"the same IMEI stands in {names[0]}; leave one of them empty"
        raise _Rejection(names[1], RowReason.IMEI_REPEATED, message)
    _refuse_example((imei, imei2, serial_number), names)
    return _Identifiers(imei, imei2, serial_number, maker)


def _new_row(
    row: int,
    line: int,
    found: _Identifiers,
    attributes: Mapping[str, str],
    values: Sequence[str],
) -> DeviceRow:
    imei, imei2, serial_number, maker = found
    return DeviceRow(
        row=row,
        line=line,
        imei=imei or imei2,
        imei2=imei2 if imei else "",
        serial_number=serial_number,
        manufacturer=maker.name,
        manufacturer_key=maker.key if serial_number else "",
        attributes=attributes,
        values=values,
    )


def _require_keys(imei: str, serial_number: str, maker: str, names: Sequence[str]) -> None:
    if imei or (serial_number and maker):
        return
    if serial_number:
        message = "a serial number alone identifies no device; add the manufacturer or an IMEI"
        raise _Rejection(names[3], RowReason.MANUFACTURER_MISSING, message)
    if maker:
        message = "a manufacturer alone identifies no device; add the serial number or an IMEI"
        raise _Rejection(names[2], RowReason.SERIAL_NUMBER_MISSING, message)
    message = "the row identifies no device; add an IMEI, or a serial number and a manufacturer"
    raise _Rejection("", RowReason.NO_IDENTIFIER, message)


def _refuse_example(found: Sequence[str], names: Sequence[str]) -> None:
    example = (example_row.IMEI_CORE, example_row.IMEI_CORE, example_row.SERIAL_NUMBER)
    for name, cell, refused in zip(names, found, example, strict=False):
        if cell == refused:
            raise _Rejection(name, RowReason.EXAMPLE_ROW, example_row.MESSAGE)


def _attributes(attributes: Mapping[str, str], headers: Mapping[str, str]) -> Mapping[str, str]:
    """Check attributes that are not empty; `headers` is what the uploader calls them."""
    for name, value in attributes.items():
        if not 0 < len(name) <= LONGEST_NAME:
            message = f"the name of an attribute has 1 to {LONGEST_NAME} characters"
            raise _Rejection(shortened(headers[name]), RowReason.ATTRIBUTE_NAME_INVALID, message)
        if len(value) > LONGEST_ATTRIBUTE:
            message = f"{len(value):,} characters; an attribute has at most {LONGEST_ATTRIBUTE:,}"
            raise _Rejection(headers[name], RowReason.ATTRIBUTE_TOO_LONG, message)
    if len(attributes) > MOST_ATTRIBUTES:
        message = f"{len(attributes)} custom attributes; a device has at most {MOST_ATTRIBUTES}"
        raise _Rejection("", RowReason.TOO_MANY_ATTRIBUTES, message)
    return attributes


def _row_error(row: int, line: int, values: Sequence[str], error: IdentifierError) -> RowError:
    column, reason, message = error.column, error.reason, error.message
    return RowError(row, line, column, reason, message, "", values, error.suggestion)
