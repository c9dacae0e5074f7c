"""Rows in the form in which the database takes them: flat parameters of one statement.

Thousands of rows go in with one `INSERT`, whose parameters Python binds in one go and
during which it is free to read on. Half the time of a JSON array that SQLite takes
apart, and of a statement a row, each of which waits for Python's lock.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from itertools import chain, repeat
from typing import TYPE_CHECKING, Any

from rollbook_server.domain.row_blocks import DeviceRows
from rollbook_server.storage.attribute_texts import names_in, texts

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from rollbook_server.domain.devices import DeviceRow
    from rollbook_server.domain.row_blocks import RowBlock

# How many rows a statement takes; those that are lacking are filled up. With more, what
# is bound no longer fits into the processor's cache; with fewer, statements begin to cost.
_SIZES = (8, 64, 512)
# Binding a parameter takes as long as inserting half a row: what is alike in the rows
# of a batch, or rises with them, is bound once for all of them.
_ALWAYS = ("place", "imei", "serial_number", "manufacturer", "manufacturer_key", "attributes")

_INSERT = """
INSERT INTO devices (id, profile, imei, imei2, serial_number, manufacturer, manufacturer_key,
    attributes, upload, source_row, source_line, create_time, update_time,
    last_request_id, user_id, revision)
WITH rows ({columns}) AS (VALUES {rows})
SELECT ? + place, ?, imei, {imei2}, serial_number, manufacturer, manufacturer_key, attributes,
    ?, ? + {source_row}, ? + {source_line}, ?, ?, '', '', 1
FROM rows WHERE place IS NOT NULL
ON CONFLICT DO NOTHING
"""


@dataclass(frozen=True, slots=True)
class _Shape:
    """What the rows of a batch have in common.

    `row_offset` and `line_offset` give row and line of each if they are added to its
    place in the batch; none if they do not rise by one from row to row.
    """

    has_second_imei: bool
    row_offset: int | None
    line_offset: int | None

    @property
    def columns(self) -> tuple[str, ...]:
        """Name the parameters of a row."""
        wanted = {
            "imei2": self.has_second_imei,
            "source_row": self.row_offset is None,
            "source_line": self.line_offset is None,
        }
        return (*_ALWAYS, *(name for name, is_wanted in wanted.items() if is_wanted))


@dataclass(frozen=True, slots=True)
class PackedRows:
    """Rows, and the same as parameters; a `domain.repositories.PackedRows`."""

    rows: DeviceRows
    attribute_names: Sequence[str]
    imeis: Sequence[str]
    second_imeis: frozenset[str]
    shape: _Shape
    cells: Sequence[Any]

    @property
    def crosses_itself(self) -> bool:
        """Tell whether one row's first IMEI is another's second."""
        return bool(self.second_imeis) and not self.second_imeis.isdisjoint(self.imeis)

    def statements(
        self, first_id: int, profile: int, upload: int | None, time: int
    ) -> Iterator[tuple[str, list[Any]]]:
        """Give statements that put all rows in, with their parameters.

        The ids count on from `first_id`, in the order of the rows.
        """
        offsets = (self.shape.row_offset or 0, self.shape.line_offset or 0)
        common = [first_id, profile, upload, *offsets, time, time]
        columns = self.shape.columns
        most = _SIZES[-1] * len(columns)
        for begin in range(0, len(self.cells), most):
            cells = self.cells[begin : begin + most]
            size = next(size for size in _SIZES if size * len(columns) >= len(cells))
            filling = [None] * (size * len(columns) - len(cells))
            yield _insert(columns, size), [*cells, *filling, *common]


@cache
def _insert(columns: tuple[str, ...], size: int) -> str:
    row = f"({', '.join('?' * len(columns))})"
    return _INSERT.format(
        columns=", ".join(columns),
        rows=", ".join([row] * size),
        imei2="imei2" if "imei2" in columns else "NULL",
        source_row="source_row" if "source_row" in columns else "place",
        source_line="source_line" if "source_line" in columns else "place",
    )


def pack(rows: Sequence[DeviceRow], columns: Sequence[str]) -> PackedRows:
    """Prepare rows for the insert statements; see `domain.repositories.Devices.pack`."""
    rows = rows if isinstance(rows, DeviceRows) else DeviceRows.of(rows)
    blocks = rows.blocks
    imeis = list(chain.from_iterable(block.imei for block in blocks))
    second = frozenset(chain.from_iterable(block.imei2 for block in blocks)) - {""}
    row_offset = _offset_of([block.row for block in blocks])
    shape = _Shape(bool(second), row_offset, _offset_of([block.line for block in blocks]))
    cells: list[Any] = []
    width, place = len(shape.columns), 0
    for block in blocks:
        cells += chain.from_iterable(_cells(block, place, shape.columns))
        place = len(cells) // width
    return PackedRows(rows, names_in(blocks, columns), imeis, second, shape, cells)


def _offset_of(columns: Sequence[Sequence[int]]) -> int | None:
    """Give what added to its place makes the number of each row; none if nothing does."""
    if not columns:
        return None
    offset = here = columns[0][0]
    for column in columns:
        span = range(here, here + len(column))
        if column != span and list(column) != list(span):
            return None
        here += len(column)
    return offset


def _cells(block: RowBlock, place: int, columns: Sequence[str]) -> Iterator[tuple[Any, ...]]:
    """Give the parameters of each row of a block whose first is at a place of the batch."""
    found: dict[str, Iterable[Any]] = {
        "place": range(place, place + len(block.row)),
        "attributes": texts(block.attributes),
        "source_row": block.row,
        "source_line": block.line,
    }
    for name in ("imei", "imei2", "serial_number", "manufacturer", "manufacturer_key"):
        found[name] = _nullable(getattr(block, name))
    return zip(*(found[name] for name in columns), strict=False)  # an empty column is endless


def _nullable(column: Sequence[str]) -> Iterable[str | None]:
    """Give a column with NULL for what is unknown."""
    if "" not in column:
        return column
    return [cell or None for cell in column] if any(column) else repeat(None)
