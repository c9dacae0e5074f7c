"""The rules of a stream: order of messages, position, checksums, and who owns an upload."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

import pytest

from rollbook.v1 import device_service_pb2
from rollbook_server.domain.upload_limits import UploadLimits
from uploads.wire import (
    FAIL,
    FINISHED,
    KEEP,
    OPEN,
    Message,
    Row,
    Wire,
    core,
    csv,
    file,
    finish,
    imei,
    opening,
    rows,
    until,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rollbook import AdminClient
    from running import Server

SIX = "imei,site\n" + "".join(f"{imei(n)},s{n}\n" for n in range(1, 7))
LINE = len(SIX.splitlines(keepends=True)[1])
CORES = [core(n) for n in range(1, 7)]
TYPED = [Row(imei=imei(n)) for n in range(1, 7)]


@pytest.fixture
def server(serve: Callable[..., Server]) -> Server:
    """Give a server that commits every two rows."""
    return serve(upload_limits=UploadLimits(max_rows=6, batch_rows=2), upload_streams=3)


@pytest.fixture
def wire(server: Server) -> Iterator[Wire]:
    with Wire(server) as wire:
        yield wire


@pytest.fixture
def profile(admin: AdminClient) -> str:
    return admin.create_profile("Depot").profile_id


def on_roll(wire: Wire) -> list[str]:
    return [device.imei for device in wire.devices()]


def test_a_stream_without_finish_leaves_the_upload_open_at_its_whole_rows(
    wire: Wire, profile: str
) -> None:
    upload = wire.send(opening(profile), csv(SIX[:-3], size=4))
    assert (upload.state, upload.committed_rows) == (OPEN, 5)
    assert upload.committed_offset == len(SIX) - LINE
    assert upload.committed_crc32 == zlib.crc32(SIX[:-LINE].encode())
    assert on_roll(wire) == CORES[:5]


def test_a_stream_of_nothing_but_an_opening_opens(wire: Wire, profile: str) -> None:
    upload = wire.send(opening(profile, file_name="depot.csv"))
    assert (upload.state, upload.file_name, upload.committed_offset) == (OPEN, "depot.csv", 0)
    assert wire.upload() == upload


@pytest.mark.parametrize(
    ("total", "arrived"),
    [({"total_bytes": len(SIX) - 1}, len(SIX)), ({"total_bytes": len(SIX) + 1}, len(SIX))],
)
def test_a_wrong_total_leaves_the_upload_open_to_be_finished_rightly(
    wire: Wire, profile: str, total: dict[str, int], arrived: int
) -> None:
    refused = wire.refused(opening(profile), csv(SIX), finish(**total))
    assert refused[:3] == ("INVALID_ARGUMENT", "UPLOAD_TOTAL_MISMATCH", {"arrived": str(arrived)})
    assert wire.upload().state == OPEN
    assert wire.send(opening(profile), file(SIX)).state == FINISHED
    assert on_roll(wire) == CORES


def test_a_wrong_checksum_leaves_the_upload_open(wire: Wire, profile: str) -> None:
    crc = zlib.crc32(SIX.encode())
    refused = wire.refused(opening(profile), csv(SIX), finish(total_bytes=len(SIX), crc32=crc ^ 1))
    assert refused[:3] == ("INVALID_ARGUMENT", "UPLOAD_CHECKSUM_MISMATCH", {"crc32": str(crc)})
    assert wire.upload().state == OPEN


def test_a_checksum_may_be_left_out(wire: Wire, profile: str) -> None:
    assert wire.send(opening(profile), csv(SIX), finish(total_bytes=len(SIX))).created_count == 6


@pytest.mark.parametrize(
    "messages",
    [
        [*csv(SIX)],
        [*rows(TYPED)],
        [finish(total_bytes=0)],
        [Message()],
        [opening("P"), opening("P")],
        [opening("P"), Message()],
        [opening("P"), *csv(SIX), opening("P")],
        [opening("P"), *rows(TYPED[:1]), *csv(SIX)],
        [opening("P"), *csv(SIX), *rows(TYPED)],
        [opening("P"), *csv(SIX), finish(total_rows=6)],
        [opening("P"), *rows(TYPED), finish(total_bytes=6)],
        [opening("P"), *csv(SIX), finish(crc32=6)],
        [],
    ],
    ids=lambda messages: " ".join(m.WhichOneof("message") or "empty" for m in messages) or "none",
)
def test_a_message_out_of_order_is_refused(
    wire: Wire, profile: str, messages: list[Message]
) -> None:
    for message in messages:
        if message.WhichOneof("message") == "open":
            message.open.profile_id = profile
    refused = wire.refused(messages)
    assert refused[:2] == ("INVALID_ARGUMENT", "UPLOAD_MESSAGE_UNEXPECTED")
    assert all(row == ("OPEN",) for row in wire.query("SELECT state FROM uploads"))


def test_an_upload_begun_with_one_kind_is_not_resumed_with_the_other(
    wire: Wire, profile: str
) -> None:
    wire.send(opening(profile), rows(TYPED[:2]))
    refused = wire.refused(opening(profile), file(SIX))
    assert refused[:2] == ("INVALID_ARGUMENT", "UPLOAD_MESSAGE_UNEXPECTED")


@pytest.mark.parametrize("offset", [1, -1, 2**40])
def test_a_gap_at_the_beginning_tells_where_to_go_on(wire: Wire, profile: str, offset: int) -> None:
    gap = Message(csv=device_service_pb2.UploadCsv(offset=offset, data=b"x"))
    refused = wire.refused(opening(profile), gap)
    assert refused[:2] == ("OUT_OF_RANGE", "UPLOAD_GAP")
    assert (refused.metadata["committed_offset"], refused.metadata["committed_rows"]) == ("0", "0")


def test_a_gap_in_the_middle_keeps_what_came_and_tells_the_position_it_left(
    wire: Wire, profile: str
) -> None:
    wire.send(opening(profile), csv(SIX[: -4 * LINE]))
    begin = wire.upload().committed_offset
    padded = SIX[:begin] + "".join(f"{imei(n)},{'x' * 4000}\n{',' * 30_000}\n" for n in (3, 4))
    refused = wire.refused(opening(profile), csv(padded, begin=begin), *list(csv(SIX, begin=5))[:1])
    upload = wire.upload()
    assert (upload.committed_rows, upload.committed_offset > begin) == (4, True)
    assert refused[:2] == ("OUT_OF_RANGE", "UPLOAD_GAP")
    assert refused.metadata["committed_offset"] == str(upload.committed_offset)
    assert refused.metadata["committed_rows"] == str(upload.committed_rows)


@pytest.mark.parametrize("size", [1, 30, 1 << 18])
@pytest.mark.parametrize("from_start", [True, False], ids=["from the start", "from the position"])
def test_a_file_is_resumed_and_every_row_taken_once(
    wire: Wire, profile: str, size: int, *, from_start: bool
) -> None:
    wire.send(opening(profile), csv(SIX[: -2 * LINE - 3], size=size))
    begin = 0 if from_start else wire.upload().committed_offset
    upload = wire.send(opening(profile), file(SIX, begin=begin, size=size))
    assert (upload.state, upload.created_count, upload.row_count) == (FINISHED, 6, 6)
    assert on_roll(wire) == CORES


@pytest.mark.parametrize("size", [1, 1 << 18])
def test_an_edited_beginning_is_found_out(wire: Wire, profile: str, size: int) -> None:
    wire.send(opening(profile), csv(SIX[:-LINE]))
    before = wire.upload()
    refused = wire.refused(opening(profile), file(SIX.replace("s2", "S2"), size=size))
    assert refused[:2] == ("FAILED_PRECONDITION", "UPLOAD_SOURCE_CHANGED")
    assert wire.upload() == before
    assert on_roll(wire) == CORES[:5]


@pytest.mark.parametrize("kept", [0, 5, LINE + 10])
def test_a_file_cut_shorter_than_what_is_committed_is_found_out(
    wire: Wire, profile: str, kept: int
) -> None:
    wire.send(opening(profile), csv(SIX[:-LINE]))
    nothing = Message(csv=device_service_pb2.UploadCsv(offset=0))
    refused = wire.refused(opening(profile), nothing, file(SIX[:kept]))
    assert refused[:2] == ("FAILED_PRECONDITION", "UPLOAD_SOURCE_CHANGED")
    assert wire.upload().state == OPEN


def test_a_finish_alone_ends_an_upload_that_is_all_there(wire: Wire, profile: str) -> None:
    wire.send(opening(profile), csv(SIX))
    crc = zlib.crc32(SIX.encode())
    upload = wire.send(opening(profile), finish(total_bytes=len(SIX), crc32=crc))
    assert (upload.state, upload.created_count) == (FINISHED, 6)


def test_a_finished_upload_opened_again_answers_at_once(wire: Wire, profile: str) -> None:
    first = wire.send(opening(profile), file(SIX.replace(imei(2), "oops")))
    stream = wire.stream().send(opening(profile))
    until(stream.is_answered)
    assert stream.end() == first
    assert (first.state, first.rejected_count, len(first.errors)) == (FINISHED, 1, 1)


def test_a_failed_upload_cannot_be_opened_again(wire: Wire, profile: str) -> None:
    bad = SIX.replace(imei(2), "oops")
    assert wire.refused(opening(profile, on_invalid_row=FAIL), file(bad)).reason == (
        "UPLOAD_HAS_INVALID_ROWS"
    )
    refused = wire.refused(opening(profile, on_invalid_row=FAIL), file(SIX))
    assert refused[:2] == ("FAILED_PRECONDITION", "UPLOAD_FAILED")
    assert refused.metadata["failure_reason"] == "UPLOAD_HAS_INVALID_ROWS"


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"on_conflict": KEEP}, "on_conflict"),
        ({"on_invalid_row": FAIL}, "on_invalid_row"),
        ({"validate_only": True}, "validate_only"),
        ({"column_mapping": {"site": "ignored"}}, "column_mapping"),
        ({"profile_id": "other"}, "profile_id"),
    ],
)
def test_an_upload_is_not_resumed_with_other_options(
    wire: Wire, profile: str, admin: AdminClient, options: dict[str, object], named: str
) -> None:
    wire.send(opening(profile), csv(SIX[:-LINE]))
    if "profile_id" in options:
        options = {"profile_id": admin.create_profile("Other").profile_id}
    changed = opening(**{"profile_id": profile, **options})  # type: ignore[arg-type]
    refused = wire.refused(changed, file(SIX))
    assert refused[:2] == ("FAILED_PRECONDITION", "UPLOAD_MISMATCH")
    assert refused.metadata["fields"] == named
    assert wire.send(opening(profile), file(SIX)).state == FINISHED


def test_a_mended_file_may_have_another_name(wire: Wire, profile: str) -> None:
    wire.send(opening(profile, file_name="a.csv"), csv(SIX[:-LINE]))
    upload = wire.send(opening(profile, file_name="b.csv"), file(SIX))
    assert (upload.state, upload.created_count) == (FINISHED, 6)


def test_an_unknown_profile_is_refused_and_no_upload_begun(wire: Wire) -> None:
    refused = wire.refused(opening("prf-nowhere"), file(SIX))
    assert refused[:2] == ("NOT_FOUND", "PROFILE_NOT_FOUND")
    assert wire.query("SELECT * FROM uploads") == []


@pytest.mark.parametrize("upload_id", ["", "a b", "x" * 65, "ä", "a\n", "../a"])
def test_a_bad_upload_id_is_refused(wire: Wire, profile: str, upload_id: str) -> None:
    refused = wire.refused(opening(profile, upload_id), file(SIX))
    assert refused[:2] == ("INVALID_ARGUMENT", "UPLOAD_ID_INVALID")


@pytest.mark.parametrize("file_name", ["x" * 256, "a\0.csv"])
def test_a_file_name_that_no_database_holds_is_refused(
    wire: Wire, profile: str, file_name: str
) -> None:
    refused = wire.refused(opening(profile, file_name=file_name), file(SIX))
    assert refused[:2] == ("INVALID_ARGUMENT", "FIELD_INVALID")
    assert wire.query("SELECT * FROM uploads") == []


@pytest.mark.parametrize("upload_id", ["x" * 64, "a-B_9"])
def test_a_good_upload_id_is_taken(wire: Wire, profile: str, upload_id: str) -> None:
    assert wire.send(opening(profile, upload_id), file(SIX)).upload_id == upload_id
