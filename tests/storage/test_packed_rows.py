"""Rows become the same parameters, whether they are kept one by one or as columns."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollbook_server.domain.devices import DeviceRow
from rollbook_server.domain.row_blocks import (
    AttributeColumns,
    CellColumns,
    DeviceRows,
    RowBlock,
)
from rollbook_server.storage.sqlite.packing import Packing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rollbook_server.storage.sqlite.packed_rows import PackedRows

COLUMNS = (
    "profile",
    "imei",
    "imei2",
    "serial_number",
    "manufacturer",
    "manufacturer_key",
    "attributes",
    "upload",
    "source_row",
    "source_line",
    "create_time",
    "update_time",
    "last_request_id",
    "user_id",
    "revision",
)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=4) | st.sampled_from(
    ["", "%s", '"', "\\", "\n", "{}"]
)
names = st.lists(texts, unique=True, max_size=4)


@st.composite
def blocks(draw: st.DrawFn) -> RowBlock:
    size, named = draw(st.integers(1, 4)), draw(names)
    column = st.lists(texts, min_size=size, max_size=size)
    columns = [draw(column) for _ in named]
    imeis, second, serials, makers, maker_keys = (draw(column) for _ in range(5))
    first = draw(st.integers(1, 9))
    return RowBlock(
        row=range(first, first + size),
        line=range(first + 1, first + 1 + size),
        imei=imeis,
        imei2=draw(st.just([""] * size) | st.just(second)),
        serial_number=serials,
        manufacturer=makers,
        manufacturer_key=maker_keys,
        attributes=AttributeColumns(named, columns, size),
        values=CellColumns([imeis, serials]),
    )


def packed(rows: Sequence[DeviceRow]) -> PackedRows:
    packing = Packing()
    packing.add(rows)
    return packing.take()


def stored(rows: Sequence[DeviceRow]) -> list[list[Any]]:
    """Give the columns of each row behind its id, the attributes taken apart again."""
    with closing(sqlite3.connect(":memory:")) as database:
        database.execute(f"CREATE TABLE devices (id PRIMARY KEY, {', '.join(COLUMNS)})")
        for piece in packed(rows).statements(100, 7, 8, 9):
            assert database.execute(*piece.insert).rowcount == piece.size
        found = database.execute("SELECT * FROM devices ORDER BY id").fetchall()
    assert [row[0] for row in found] == list(range(100, 100 + len(rows)))
    return [[*row[1:7], json.loads(row[7]), *row[8:]] for row in found]


@given(st.lists(blocks(), max_size=3))
def test_columns_are_found_as_their_rows_are(given_blocks: list[RowBlock]) -> None:
    rows = DeviceRows(given_blocks)
    assert stored(rows) == stored(list(rows))
    assert set(packed(rows).attribute_names) == {n for row in rows for n in row.attributes}


def test_unknown_keys_are_null_and_rows_need_not_follow_each_other() -> None:
    row = DeviceRow(7, 8, "3" * 14, "", "", "HTC", "", {"a": "%"}, [])
    rows = DeviceRows.of([row])
    rows.extend(DeviceRows.of([row._replace(row=9)]))
    first = [7, "3" * 14, None, None, "HTC", None, {"a": "%"}, 8, 7, 8, 9, 9, "", "", 1]
    assert stored(rows) == [first, [*first[:8], 9, *first[9:]]]


@pytest.mark.parametrize("size", [1, 8, 9, 600, 3_600, 3_601, 8_000])
def test_any_number_of_rows_goes_in_once_each(size: int) -> None:
    rows = [DeviceRow(n, n + 1, f"{n:014}", "", "", "", "", {}, []) for n in range(size)]
    assert [row[8:10] for row in stored(rows)] == [[n, n + 1] for n in range(size)]


@given(st.lists(blocks(), min_size=1, max_size=3), st.data())
def test_rows_in_blocks_are_read_like_a_list(
    given_blocks: list[RowBlock], data: st.DataObject
) -> None:
    rows = DeviceRows(given_blocks)
    made = [DeviceRow(*fields) for block in given_blocks for fields in zip(*block, strict=True)]
    place = data.draw(st.integers(0, len(made) - 1))
    assert (len(rows), list(rows), rows[place]) == (len(made), made, made[place])
    places = sorted(data.draw(st.sets(st.integers(0, len(made) - 1))))
    assert list(rows.at(places)) == [made[place] for place in places]
