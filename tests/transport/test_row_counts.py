"""Rows are counted in the bytes of a message as the parser counts them, however odd these are."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollbook.v1.device_service_pb2 import UploadDevicesRequest as Message
from rollbook_server.transport import row_counts

# Tag 3 of a message is its rows, tag 2 of these a row: 1A and 12, or drawn out 9A 00 and 92 00.
ODD = {
    "empty": "1A 04 1200 1200",
    "filled": "1A 08 1202 0A00 1202 1200",
    "in two parts": "1A 02 1200 1A 02 1200",
    "behind the first row's number": "1A 06 0805 1200 1200",
    "drawn out tags": "9A00 06 920000 920000",
    "drawn out lengths": "1A 8600 128000 128000",
    "behind fields that nobody knows": "5001 590000000000000000 5D00000000 1A 04 1200 1200",
    "behind a group": "A306 A001 01 A406 1A 04 1200 1200",
}


@pytest.fixture(autouse=True)
def _one_row_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(row_counts, "MOST_ROWS", 1)


@pytest.mark.parametrize("text", ODD.values(), ids=ODD)
def test_too_many_rows_are_seen_in_whatever_bytes(text: str) -> None:
    data = bytes.fromhex(text)
    assert len(Message.FromString(data).rows.rows) == 2
    assert row_counts.has_too_many_rows(data)


tags = st.sampled_from([b"\x1a", b"\x9a\x00", b"\x9a\x80\x00"])
fields = st.sampled_from(
    [b"\x12\x00", b"\x92\x00\x00", b"\x12\x02\x0a\x00", b"\x08\x12", b"\x1a\x01\x12"]
)
parts = st.tuples(tags, st.lists(fields, max_size=4).map(b"".join))


@given(st.lists(parts, max_size=3))
def test_rows_are_counted_as_the_parser_counts_them(given: list[tuple[bytes, bytes]]) -> None:
    data = b"".join(tag + bytes([len(content)]) + content for tag, content in given)
    count = len(Message.FromString(data).rows.rows)
    assert row_counts.has_too_many_rows(data) is (count > 1)


@given(st.lists(parts, max_size=3), st.integers(1, 9))
def test_what_broke_off_is_left_to_the_parser(given: list[tuple[bytes, bytes]], cut: int) -> None:
    data = b"".join(tag + bytes([len(content)]) + content for tag, content in given)[:-cut]
    row_counts.has_too_many_rows(data)


def test_text_that_looks_like_rows_is_none() -> None:
    message = Message()
    message.rows.rows.add(serial_number="\x12" * 100, attributes={"\x12": "\x12"})
    assert not row_counts.has_too_many_rows(message.SerializeToString())
    message.csv.data = b"\x1a\x04\x12\x00\x12\x00"
    assert not row_counts.has_too_many_rows(message.SerializeToString())


def test_messages_of_other_methods_are_not_counted() -> None:
    assert row_counts.counted("/rollbook.v1.DeviceService/GetUpload", bytes) is bytes
