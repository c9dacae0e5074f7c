"""Finds the few rows that ask for a closer look among many that do not.

One mistyped digit in a hundred rows would send all of them the slow road of single
rows, which takes ten times as long. Looked at are the cells of identifiers alone: what
else may be wrong with a row is rare. Which are named costs or saves time
and nothing else: `even_rows` judges all others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollbook_server.domain.imeis import NO_CORES
from rollbook_server.domain.luhn import CORE, IMEI, luhn_failures

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rollbook_server.domain.columns import Columns

    _Column = Sequence[str]


def told_apart(columns: Columns, cells: Sequence[_Column]) -> tuple[list[int], list[int]]:
    """Give, in order, the places of rows whose identifiers are not written like most, and others.

    `cells` are columns of one length.
    """
    odd = _odd_places(columns, cells)
    return sorted(odd), [place for place in range(len(cells[0])) if place not in odd]


def _odd_places(columns: Columns, cells: Sequence[_Column]) -> set[int]:
    size = len(cells[0])
    imeis, imeis2, serials, makers = (
        [""] * size if index is None else cells[index]
        for index in (columns.imei, columns.imei2, columns.serial_number, columns.manufacturer)
    )
    odd = {*_odd_imeis(imeis), *_odd_imeis(imeis2), *_odd_serial_numbers(serials)}
    odd.update(_without_keys(imeis, imeis2, serials, makers))
    return odd


def mistyped_imeis(column: _Column) -> list[tuple[int, int]]:
    """Give the places of IMEIs of 15 plain digits whose check digit is wrong, and its excess."""
    return _failures(column, _plain(column, IMEI))


def _plain(column: _Column, width: int) -> Sequence[int]:
    if _are_numbers("".join(column), width) and set(map(len, column)) == {width}:
        return range(len(column))
    return [place for place, cell in enumerate(column) if _is_number(cell, width)]


def _are_numbers(joined: str, width: int) -> bool:
    """Tell whether cells of that width, written one after the other, are plain numbers."""
    is_plain = len(joined) % width == 0 and joined.isascii() and joined.isdigit()
    return is_plain and not any(map(joined.__contains__, NO_CORES))


def _failures(column: _Column, plain: Sequence[int]) -> list[tuple[int, int]]:
    failures = luhn_failures("".join([column[place] for place in plain]).encode())
    return [(plain[index], excess) for index, excess in failures]


def _odd_imeis(column: _Column) -> set[int]:
    """Name cells that are neither empty nor a right IMEI of 15 digits, or a core if most are."""
    lengths = list(map(len, column))
    filled = {place for place, length in enumerate(lengths) if length}
    if lengths.count(CORE) > lengths.count(IMEI):
        # The first digit: may have lost a zero.
        return filled - {p for p in _plain(column, CORE) if column[p][0] != "1"}
    plain = _plain(column, IMEI)
    return filled - set(plain) | {place for place, _ in _failures(column, plain)}


def _is_number(cell: str, width: int) -> bool:
    is_plain = len(cell) == width and cell.isascii() and cell.isdigit()
    return is_plain and cell[:CORE] not in NO_CORES


def _odd_serial_numbers(column: _Column) -> Iterable[int]:
    for place, cell in enumerate(column):
        if cell and not (cell.isascii() and cell.replace("-", "0").isalnum()):
            yield place


def _without_keys(
    imeis: _Column, imeis2: _Column, serials: _Column, makers: _Column
) -> Iterable[int]:
    """Name rows that have no key, or their only IMEI in the second column, or one twice."""
    rows = zip(imeis, imeis2, serials, makers, strict=True)
    for place, (imei, imei2, serial, maker) in enumerate(rows):
        if (imei[:CORE] == imei2[:CORE]) if imei else (imei2 or not (serial and maker)):
            yield place
