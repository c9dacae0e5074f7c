"""Packs rows as they come, while they are still in the processor's cache."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rollbook_server.domain.row_blocks import DeviceRows
from rollbook_server.storage.attribute_texts import names_in
from rollbook_server.storage.bulk import pieces
from rollbook_server.storage.packed import second_imeis
from rollbook_server.storage.sqlite.packed_rows import PackedRows
from rollbook_server.storage.sqlite.row_shapes import shape_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rollbook_server.domain.devices import DeviceRow
    from rollbook_server.domain.row_blocks import RowBlock


class Packing:
    """Rows of a batch on their way into the roll; a `domain.repositories.Packing`.

    They are taken to be alike in what the first were, until some are not: then those
    before are packed again. At once and not when the batch is complete, by when they have
    left the processor's cache: looking at them again took half as long once more.
    """

    def __init__(self) -> None:
        self._begin()

    def _begin(self) -> None:
        self._rows, self._size = DeviceRows(), 0
        self._shape = shape_of(())
        self._cells: list[Any] = []

    def add(self, rows: Sequence[DeviceRow]) -> None:
        """Put rows behind those that were added."""
        blocks = (rows if isinstance(rows, DeviceRows) else DeviceRows.of(rows)).blocks
        self._rows.extend(DeviceRows(blocks))
        for index, block in enumerate(blocks):
            if not (self._size and self._shape.fits(block, self._size)):
                self._reshape(len(self._rows.blocks) - len(blocks) + index + 1)
            else:
                self._append(block)

    def take(self, columns: Sequence[str] = ()) -> PackedRows:
        """Give what was added, and begin anew.

        `columns` name the attributes of a file in their order.
        """
        cut = list(pieces(self._cells, len(self._shape.columns)))
        names = names_in(self._rows.blocks, columns)
        packed = PackedRows(self._rows, names, second_imeis(self._rows), self._shape, cut)
        self._begin()
        return packed

    def _append(self, block: RowBlock) -> None:
        self._cells += self._shape.cells(block, self._size)
        self._size += len(block.row)

    def _reshape(self, count: int) -> None:
        """Pack the first blocks anew, by what they all have in common."""
        blocks = self._rows.blocks[:count]
        self._shape, self._cells, self._size = shape_of(blocks), [], 0
        for block in blocks:
            self._append(block)
