"""What makes one row a device, or what is wrong with it: rows of files and typed ones alike.

Each is judged by itself; what they mean together with other rows and the roll is told in
`conflicts`.
"""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from rollbook_server.domain import example_row
from rollbook_server.domain.devices import DeviceRow, RowError
from rollbook_server.domain.dialects import trimmed
from rollbook_server.domain.errors import RowReason
from rollbook_server.domain.identifiers import (
    LONGEST_NAME,
    LONGEST_TYPED,
    IdentifierError,
    shortened,
)
from rollbook_server.domain.imeis import parse_imei
from rollbook_server.domain.serial_numbers import (
    Manufacturer,
    parse_manufacturer,
    parse_serial_number,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

# The contract of DeviceRow.
LONGEST_ATTRIBUTE = 4_096
MOST_ATTRIBUTES = 100
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


class RejectionError(IdentifierError):
    """The first and most telling thing wrong with a row, and the column it lies in."""

    def __init__(self, column: str, reason: RowReason, message: str) -> None:
        super().__init__(reason, message)
        self.column = column


class Identifiers(NamedTuple):
    """The identifiers of one row in normal form, empty where a cell is."""

    imei: str
    imei2: str
    serial_number: str
    maker: Manufacturer


def check_typed(row: TypedCells, ordinal: int) -> DeviceRow | RowError:
    """Judge one typed row, the `ordinal`-th of its upload; 1 is the first.

    `values` of the answer are its cells in the order of `TYPED_COLUMNS`.
    """
    line = row.source_line if row.source_line > 0 else ordinal
    values = tuple(cell[:_LONGEST_CELL] for cell in _typed_cells(row))
    try:
        refuse_nul(zip(TYPED_COLUMNS, values, strict=True))
        refuse_nul((name, name + value) for name, value in row.attributes.items())
        given, headers = _typed_attributes(row.attributes)
        identifiers = identified(values, TYPED_COLUMNS)
        return device_row(ordinal, line, identifiers, checked_attributes(given, headers), values)
    except IdentifierError as error:
        return row_error(ordinal, line, values, error)


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
            raise RejectionError(shortened(name), RowReason.ATTRIBUTE_NAME_INVALID, message)
        if value:
            attributes[kept], headers[kept] = value, name
    return attributes, headers


def refuse_nul(cells: Iterable[tuple[str, str]]) -> None:
    """Raise RejectionError for a NUL in a cell; `cells` are given with what they are called."""
    for column, cell in cells:
        if "\0" in cell:
            message = "a NUL character stands in the cell; remove it"
            raise RejectionError(
                shortened(column.replace("\0", "")), RowReason.NUL_CHARACTER, message
            )


def identified(cells: Sequence[str], names: Sequence[str]) -> Identifiers:
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
        raise RejectionError(names[1], RowReason.IMEI_REPEATED, message)
    _refuse_example((imei, imei2, serial_number), names)
    return Identifiers(imei, imei2, serial_number, maker)


def device_row(
    row: int,
    line: int,
    found: Identifiers,
    attributes: Mapping[str, str],
    values: Sequence[str],
) -> DeviceRow:
    """Put together what was found to be good."""
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
        raise RejectionError(names[3], RowReason.MANUFACTURER_MISSING, message)
    if maker:
        message = "a manufacturer alone identifies no device; add the serial number or an IMEI"
        raise RejectionError(names[2], RowReason.SERIAL_NUMBER_MISSING, message)
    message = "the row identifies no device; add an IMEI, or a serial number and a manufacturer"
    raise RejectionError("", RowReason.NO_IDENTIFIER, message)


def _refuse_example(found: Sequence[str], names: Sequence[str]) -> None:
    example = (example_row.IMEI_CORE, example_row.IMEI_CORE, example_row.SERIAL_NUMBER)
    for name, cell, refused in zip(names, found, example, strict=False):
        if cell == refused:
            raise RejectionError(name, RowReason.EXAMPLE_ROW, example_row.MESSAGE)


def checked_attributes(
    attributes: Mapping[str, str], headers: Mapping[str, str]
) -> Mapping[str, str]:
    """Check attributes that are not empty; `headers` is what the uploader calls them."""
    for name, value in attributes.items():
        if not 0 < len(name) <= LONGEST_NAME:
            message = f"the name of an attribute has 1 to {LONGEST_NAME} characters"
            raise RejectionError(
                shortened(headers[name]), RowReason.ATTRIBUTE_NAME_INVALID, message
            )
        if len(value) > LONGEST_ATTRIBUTE:
            message = f"{len(value):,} characters; an attribute has at most {LONGEST_ATTRIBUTE:,}"
            raise RejectionError(headers[name], RowReason.ATTRIBUTE_TOO_LONG, message)
    if len(attributes) > MOST_ATTRIBUTES:
        message = f"{len(attributes)} custom attributes; a device has at most {MOST_ATTRIBUTES}"
        raise RejectionError("", RowReason.TOO_MANY_ATTRIBUTES, message)
    return attributes


def row_error(row: int, line: int, values: Sequence[str], error: IdentifierError) -> RowError:
    """Give the error of a row for what its judge raised."""
    column, reason, message = error.column, error.reason, error.message
    return RowError(row, line, column, reason, message, "", values, error.suggestion)
