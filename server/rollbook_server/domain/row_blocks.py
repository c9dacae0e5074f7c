"""Many rows at once, kept column by column.

An upload makes 200,000 records and as many device rows. Where all of a piece are
alike, which is nearly always, each column of it is one list: whole columns are
judged and stored by functions that run in C, and single rows are made only of those
that somebody looks at. Sequences of this room are read like lists of rows.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from functools import partial
from itertools import chain
from operator import itemgetter
from typing import TYPE_CHECKING, Any, NamedTuple, cast, overload

from rollbook_server.domain.devices import DeviceRow, Record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

# A named tuple's own constructor is written in Python; these are not.
_new_record = cast("Callable[[Iterable[object]], Record]", partial(tuple.__new__, Record))
_new_row = cast("Callable[[Iterable[object]], DeviceRow]", partial(tuple.__new__, DeviceRow))


def _picked(column: Any, places: Sequence[int]) -> Any:
    """Give some values of a column, which may be made of columns itself."""
    if isinstance(column, (CellColumns, AttributeColumns)):
        return column.at(places)
    found = itemgetter(*places)(column)
    return found if len(places) > 1 else (found,)


class CellColumns(Sequence[Sequence[str]]):
    """The cells of rows, given as columns of one length."""

    def __init__(self, columns: Sequence[Sequence[str]]) -> None:
        self.columns = columns

    def __len__(self) -> int:
        """Count the rows."""
        return len(self.columns[0])

    def __iter__(self) -> Iterator[Sequence[str]]:
        """Give the cells of each row."""
        return zip(*self.columns, strict=True)

    def at(self, places: Sequence[int]) -> CellColumns:
        """Give some of the rows."""
        return CellColumns([_picked(column, places) for column in self.columns])

    @overload
    def __getitem__(self, place: int) -> Sequence[str]: ...
    @overload
    def __getitem__(self, place: slice) -> CellColumns: ...
    def __getitem__(self, place: int | slice) -> Sequence[str] | CellColumns:
        """Give the cells of one row, or those of some as columns again."""
        if isinstance(place, slice):
            return CellColumns([column[place] for column in self.columns])
        return tuple(column[place] for column in self.columns)


class AttributeColumns(Sequence[Mapping[str, str]]):
    """The attributes of rows, given as columns with their names; an empty cell is none."""

    def __init__(self, names: Sequence[str], columns: Sequence[Sequence[str]], size: int) -> None:
        self.names, self.columns, self._size = names, columns, size

    def __len__(self) -> int:
        """Count the rows."""
        return self._size

    def __iter__(self) -> Iterator[Mapping[str, str]]:
        """Give the attributes of each row."""
        names, rows = self.names, zip(*self.columns, strict=True)
        if not names:
            return ({} for _ in range(self._size))
        if any("" in column for column in self.columns):
            return ({n: c for n, c in zip(names, row) if c} for row in rows)  # noqa: B905 - hot
        return (dict(zip(names, row)) for row in rows)  # noqa: B905 - strict costs a fifth

    def at(self, places: Sequence[int]) -> AttributeColumns:
        """Give those of some rows."""
        columns = [_picked(column, places) for column in self.columns]
        return AttributeColumns(self.names, columns, len(places))

    @overload
    def __getitem__(self, place: int) -> Mapping[str, str]: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[Mapping[str, str]]: ...
    def __getitem__(self, place: int | slice) -> Mapping[str, str] | Sequence[Mapping[str, str]]:
        """Give the attributes of one row, or of some."""
        if isinstance(place, slice):
            return [self[index] for index in range(self._size)[place]]
        cells = (column[place] for column in self.columns)
        return {name: cell for name, cell in zip(self.names, cells, strict=True) if cell}


class Records(Sequence[Record]):
    """Records of a file, with their numbers and lines."""

    def __init__(
        self, rows: Sequence[int], lines: Sequence[int], values: Sequence[Sequence[str]]
    ) -> None:
        self.rows, self.lines, self.values = rows, lines, values

    def __len__(self) -> int:
        """Count them."""
        return len(self.rows)

    def __iter__(self) -> Iterator[Record]:
        """Give each."""
        return map(_new_record, zip(self.rows, self.lines, self.values, strict=True))

    @overload
    def __getitem__(self, place: int) -> Record: ...
    @overload
    def __getitem__(self, place: slice) -> Records: ...
    def __getitem__(self, place: int | slice) -> Record | Records:
        """Give one of them, or some that follow each other."""
        if isinstance(place, slice):
            return Records(self.rows[place], self.lines[place], self.values[place])
        return Record(self.rows[place], self.lines[place], self.values[place])

    def at(self, places: Sequence[int]) -> Records:
        """Give the records at some places."""
        return Records(*(_picked(each, places) for each in (self.rows, self.lines, self.values)))

    def columns(self, width: int) -> Sequence[Sequence[str]] | None:
        """Give the cells column by column, if each record has `width` of them."""
        if isinstance(self.values, CellColumns):
            return self.values.columns
        if set(map(len, self.values)) != {width}:
            return None
        return list(zip(*self.values, strict=True))


class RowBlock(NamedTuple):
    """Device rows as columns: the fields of `DeviceRow`, each a sequence of one length."""

    row: Sequence[int]
    line: Sequence[int]
    imei: Sequence[str]
    imei2: Sequence[str]
    serial_number: Sequence[str]
    manufacturer: Sequence[str]
    manufacturer_key: Sequence[str]
    attributes: Sequence[Mapping[str, str]]
    values: Sequence[Sequence[str]]

    @classmethod
    def of(cls, rows: Sequence[DeviceRow]) -> RowBlock:
        """Give single rows, at least one, as a block."""
        return cls(*zip(*rows, strict=True))

    def at(self, places: Sequence[int]) -> RowBlock:
        """Give the rows at some places."""
        return RowBlock(*(_picked(column, places) for column in self))


class DeviceRows(Sequence[DeviceRow]):
    """Device rows in blocks; single ones are made when somebody asks for them."""

    def __init__(self, blocks: Iterable[RowBlock] = ()) -> None:
        self.blocks = list(blocks)
        self._made: list[DeviceRow] | None = None

    @classmethod
    def of(cls, rows: Sequence[DeviceRow]) -> DeviceRows:
        """Give single rows as what they are."""
        return cls([RowBlock.of(rows)] if rows else [])

    def __len__(self) -> int:
        """Count the rows."""
        return sum(len(block.row) for block in self.blocks)

    def __iter__(self) -> Iterator[DeviceRow]:
        """Give each row."""
        return iter(self._rows())

    @overload
    def __getitem__(self, place: int) -> DeviceRow: ...
    @overload
    def __getitem__(self, place: slice) -> list[DeviceRow]: ...
    def __getitem__(self, place: int | slice) -> DeviceRow | list[DeviceRow]:
        """Give one row, or some."""
        return self._rows()[place]

    def at(self, places: Sequence[int]) -> DeviceRows:
        """Give the rows at some places, which must rise, without making the others."""
        begin, picked = 0, []
        for block in self.blocks:
            end = begin + len(block.row)
            among = slice(bisect_left(places, begin), bisect_left(places, end))
            mine = [place - begin for place in places[among]]
            if mine:
                picked.append(block if len(mine) == len(block.row) else block.at(mine))
            begin = end
        return DeviceRows(picked)

    def numbers(self) -> list[int]:
        """Give the numbers of the rows, without making these."""
        return list(chain.from_iterable(block.row for block in self.blocks))

    def merged(self, others: DeviceRows) -> DeviceRows:
        """Give these rows and others in the order of their numbers."""
        if not (self and others):
            return self or others
        return DeviceRows.of(sorted([*self, *others]))  # the number comes first

    def extend(self, more: DeviceRows) -> None:
        """Put rows behind these."""
        self.blocks += more.blocks
        self._made = None

    def _rows(self) -> list[DeviceRow]:
        if self._made is None:
            rows = (map(_new_row, zip(*block, strict=True)) for block in self.blocks)
            self._made = list(chain.from_iterable(rows))
        return self._made
