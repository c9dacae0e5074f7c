"""Typed rows are read from messages as they were written."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from rollbook.v1 import device_pb2
from rollbook_server.domain.row_blocks import AttributeColumns
from rollbook_server.domain.typed_rows import TypedRow
from rollbook_server.transport.messages import device_messages

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=3)
# Mostly the same names, sometimes as many others, and values that are empty.
names = st.sampled_from([("Site", "Tag")] * 4 + [("Site", "Area"), ("Tag",), (), ("",)])
attributes = names.flatmap(lambda those: st.fixed_dictionaries(dict.fromkeys(those, texts)))
rows = st.builds(TypedRow, texts, texts, texts, texts, attributes, st.integers(0, 9))


def message(row: TypedRow) -> device_pb2.DeviceRow:
    return device_pb2.DeviceRow(**row._asdict())


@given(st.lists(rows, max_size=5), st.slices(5))
def test_rows_are_read_as_they_were_written(written: list[TypedRow], some: slice) -> None:
    read = device_messages.typed_rows([message(row) for row in written])
    assert list(read) == written
    assert list(read[some]) == written[some]
    assert [read[place] for place in range(len(read))] == written


def test_attributes_that_all_rows_have_are_read_in_columns() -> None:
    both, one = {"Tag": "1", "Site": "x"}, {"Site": "y"}
    alike = device_messages.typed_rows([message(TypedRow(attributes=both))] * 2)
    unlike = [message(TypedRow(attributes=each)) for each in (both, one)]
    assert isinstance(alike.attributes, AttributeColumns)
    assert not isinstance(device_messages.typed_rows(unlike).attributes, AttributeColumns)
