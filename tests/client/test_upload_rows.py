"""Typed rows go the same road as a file: in batches, resumed by row."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any

import pytest

from client.faults import Fault
from rollbook import AdminClient, DeviceRow, SourceChangedError, UploadProgress, UploadState
from rollbook._sources import canonical_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from client.conftest import FakeTime
    from client.fake_server import FakeRollbook

ROWS = [
    DeviceRow(serial_number=f"S{number}", manufacturer="Acme", attributes={"b": "2", "a": "1"})
    for number in range(2_500)
]


def serial_numbers(fake: FakeRollbook) -> list[str]:
    (upload,) = fake.uploads.values()
    return [row.serial_number for row in upload.rows]


def test_rows_go_in_batches_of_a_thousand(client: AdminClient, fake: FakeRollbook) -> None:
    assert client.upload_rows("p1", ROWS).state is UploadState.FINISHED
    (stream,) = fake.streams()
    batches = [message.rows for message in stream if message.HasField("rows")]
    assert [(batch.first_row, len(batch.rows)) for batch in batches] == [
        (0, 1_000),
        (1_000, 1_000),
        (2_000, 500),
    ]
    assert stream[-1].finish.total_rows == 2_500
    assert serial_numbers(fake) == [row.serial_number for row in ROWS]


def test_large_rows_go_in_smaller_batches(client: AdminClient, fake: FakeRollbook) -> None:
    rows = [DeviceRow(imei=str(number), attributes={"note": "x" * 4_096}) for number in range(500)]
    client.upload_rows("p1", rows)
    sizes = [message.ByteSize() for message in fake.streams()[0]]
    assert max(sizes) < 520 * 1024
    assert len(sizes) == 2 + 4


def test_the_canonical_text_is_that_of_the_contract() -> None:
    row = DeviceRow("1", "2", "S", "Acmé", {"b": "2", "a": "1"}, source_line=9)
    assert canonical_text(row) == "1\x1f2\x1fS\x1fAcmé\x1fa\x1f1\x1fb\x1f2\x1f\x1e"


@pytest.mark.parametrize("fault", [Fault(), Fault(after=1), Fault(after=3), Fault(after=5)])
def test_after_a_fault_each_row_arrives_once(
    client: AdminClient, fake: FakeRollbook, fault: Fault
) -> None:
    fake.stream_faults.append(fault)
    client.upload_rows("p1", lambda: iter(ROWS))
    assert serial_numbers(fake) == [row.serial_number for row in ROWS]


def test_committed_rows_are_not_sent_again(
    client: AdminClient, fake: FakeRollbook, fake_time: FakeTime
) -> None:
    fake.stream_faults.append(Fault(after=2))
    seen: list[UploadProgress] = []
    client.upload_rows("p1", ROWS, progress=seen.append)
    assert fake.streams()[1][1].rows.first_row == 1_000
    assert fake_time.sleeps == pytest.approx([0.2])
    assert (seen[-1].committed_rows, seen[-1].total_rows, seen[-1].streams) == (2_500, 2_500, 2)


@pytest.mark.parametrize("others", [[DeviceRow(imei="1"), *ROWS[1:]], ROWS[:999], []])
def test_other_rows_are_not_sent(
    client: AdminClient, fake: FakeRollbook, others: list[DeviceRow]
) -> None:
    fake.stream_faults.append(Fault(after=2))
    versions = iter([ROWS, others])
    with pytest.raises(SourceChangedError):
        client.upload_rows("p1", lambda: next(versions))
    assert len(fake.streams()) == 1


def test_rows_that_were_finished_answer_their_result(client: AdminClient) -> None:
    first = client.upload_rows("p1", ROWS, upload_id="u1")
    assert client.upload_rows("p1", ROWS, upload_id="u1") == first


def test_more_rows_than_were_finished_are_not_taken_for_uploaded(
    client: AdminClient, fake: FakeRollbook
) -> None:
    client.upload_rows("p1", ROWS, upload_id="u1")
    with pytest.raises(SourceChangedError, match=f"behind row {len(ROWS)}"):
        client.upload_rows("p1", [*ROWS, DeviceRow(imei="1")], upload_id="u1")
    assert len(fake.streams()) == 1


def test_an_iterator_is_refused(client: AdminClient, fake: FakeRollbook) -> None:
    with pytest.raises(TypeError, match="cannot be read again"):
        client.upload_rows("p1", iter(ROWS))  # type: ignore[arg-type]  # refused
    assert fake.requests == []


def test_an_iterator_that_was_read_is_not_taken_for_all_rows(
    client: AdminClient, fake: FakeRollbook
) -> None:
    rows = iter(ROWS)
    fake.stream_faults.append(Fault(after=1))
    with pytest.raises(TypeError, match="has to give a new one"):
        client.upload_rows("p1", lambda: rows)
    assert len(fake.streams()) == 1


def test_what_making_a_row_raises_is_raised_here(client: AdminClient) -> None:
    def rows() -> Iterator[DeviceRow]:
        yield from ROWS[:1_500]
        raise LookupError("no such branch")

    with pytest.raises(LookupError, match="no such branch"):
        client.upload_rows("p1", rows)


def test_a_row_that_is_none_is_raised_here(client: AdminClient) -> None:
    with pytest.raises(AttributeError):
        client.upload_rows("p1", ["356938035643809"])  # type: ignore[list-item]  # refused


@pytest.mark.parametrize(
    ("of_a_database", "complaint"),
    [
        ({"imei": 356938035643809}, "imei must be str, not int"),
        ({"manufacturer": None}, "manufacturer must be str, not NoneType"),
        ({"attributes": {"price": 9.5}}, "attribute 'price' must be str, not float"),
        ({"attributes": {7: "x"}}, "the name of an attribute must be str, not int"),
    ],
)
def test_a_cell_of_another_type_is_named_without_its_value(
    client: AdminClient, of_a_database: dict[str, Any], complaint: str
) -> None:
    for call in (client.upload_rows, client.create_devices):
        with pytest.raises(TypeError) as caught:
            call("p1", [DeviceRow(serial_number="S1"), DeviceRow(**of_a_database)])
        assert str(caught.value) == complaint


def test_no_rows_still_finish(client: AdminClient, fake: FakeRollbook) -> None:
    client.upload_rows("p1", [])
    finish = fake.streams()[0][-1].finish
    assert (finish.WhichOneof("total"), finish.total_rows) == ("total_rows", 0)
    assert finish.crc32 == zlib.crc32(b"")
