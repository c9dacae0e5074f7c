"""Who may stream and how much: streams that displace each other, limits, typed rows."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any

import pytest

from rollbook import EnrollOutcome
from rollbook_server.domain.upload_limits import UploadLimits
from uploads.wire import (
    FAIL,
    FAILED,
    FINISHED,
    OPEN,
    SKIP,
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

    from rollbook import AdminClient, EnrollmentAgent
    from running import Server

CORES = [core(n) for n in range(1, 7)]
TYPED = [Row(imei=imei(n), attributes={"b": "ü", "a": str(n)}) for n in range(1, 7)]
SIX = "imei,site\n" + "".join(f"{imei(n)},s{n}\n" for n in range(1, 7))
SEVEN = SIX + f"{imei(7)},s7\n"


@pytest.fixture
def server(serve: Callable[..., Server]) -> Server:
    """Give a server that commits every two rows, takes six, and two streams at once."""
    return serve(upload_limits=UploadLimits(max_rows=6, batch_rows=2), upload_streams=2)


@pytest.fixture
def wire(server: Server) -> Iterator[Wire]:
    with Wire(server) as wire:
        yield wire


@pytest.fixture
def profile(admin: AdminClient) -> str:
    return admin.create_profile("Depot", tokenless=True).profile_id


def on_roll(wire: Wire) -> list[str]:
    return [device.imei for device in wire.devices()]


def is_open(wire: Wire, upload_id: str = "u") -> bool:
    return (upload_id,) in wire.query("SELECT upload_id FROM uploads")


def crc_of(given: list[Row]) -> int:
    """Follow the words of the contract, not the code of the server."""
    cells = []
    for row in given:
        named = [cell for name in sorted(row.attributes) for cell in (name, row.attributes[name])]
        keys = [row.imei, row.imei2, row.serial_number, row.manufacturer]
        cells.append("".join(f"{cell}\x1f" for cell in keys + named) + "\x1e")
    return zlib.crc32("".join(cells).encode())


def test_a_later_stream_wins_and_the_earlier_is_told(wire: Wire, profile: str) -> None:
    earlier = wire.stream().send(opening(profile), csv(SIX[:-5]))
    until(lambda: is_open(wire))
    assert wire.send(opening(profile), file(SIX)).state == FINISHED
    refused = earlier.send(csv(SIX, begin=len(SIX) - 5)).refused()
    assert refused[:2] == ("ABORTED", "UPLOAD_SUPERSEDED")
    assert on_roll(wire) == CORES
    assert wire.upload().row_count == 6


def test_a_stream_displaced_in_the_middle_adds_nothing_more(wire: Wire, profile: str) -> None:
    earlier = wire.stream().send(opening(profile), rows(TYPED[:3], size=1))
    until(lambda: is_open(wire) and wire.upload().committed_rows == 2)
    later = wire.stream().send(opening(profile), rows(TYPED[:4], begin=2))
    until(lambda: wire.upload().committed_rows == 4)
    assert earlier.send(rows(TYPED, begin=3)).refused()[:2] == ("ABORTED", "UPLOAD_SUPERSEDED")
    later.send(rows(TYPED, begin=4), finish(total_rows=6, crc32=crc_of(TYPED)))
    assert later.end().state == FINISHED
    assert on_roll(wire) == CORES
    assert wire.upload().created_count == 6


def test_a_displaced_stream_cannot_finish(wire: Wire, profile: str) -> None:
    earlier = wire.stream().send(opening(profile), rows(TYPED[:2]))
    until(lambda: is_open(wire) and wire.upload().committed_rows == 2)
    assert wire.send(opening(profile)).state == OPEN
    refused = earlier.send(finish(total_rows=2)).refused()
    assert refused[:2] == ("ABORTED", "UPLOAD_SUPERSEDED")
    assert wire.upload().state == OPEN


@pytest.mark.parametrize("policy", [SKIP, FAIL])
def test_a_displaced_stream_with_rows_that_are_stored_already_is_told_so(
    wire: Wire, profile: str, policy: int
) -> None:
    opened, lines = opening(profile, on_invalid_row=policy), f"imei\n{imei(1)}\nbad\n{imei(2)}\n"
    earlier = wire.stream().send(opened, csv(lines))
    until(lambda: is_open(wire))
    later = wire.send(opened, csv(lines))
    assert later.committed_rows == 3
    assert earlier.refused()[:2] == ("ABORTED", "UPLOAD_SUPERSEDED")
    assert wire.upload() == later


def test_a_batch_is_closed_by_its_bytes_too(serve: Callable[..., Server]) -> None:
    server = serve(upload_limits=UploadLimits(batch_bytes=1 << 17))
    table = "imei,note\n" + "".join(f"{imei(n)},{'x' * 4000}\n" for n in range(64))
    with Wire(server) as wire, server.admin() as admin:
        profile = admin.create_profile("Depot").profile_id
        stream = wire.stream().send(opening(profile), csv(table))
        until(lambda: is_open(wire) and wire.upload().committed_offset > 1 << 16)
        assert stream.end().row_count == 64


def test_more_streams_than_the_server_takes_are_sent_away_to_come_again(
    wire: Wire, profile: str
) -> None:
    streams = [wire.stream().send(opening(profile, name)) for name in ("v", "w")]
    until(lambda: is_open(wire, "v") and is_open(wire, "w"))
    refused = wire.refused(opening(profile), file(SIX))
    assert refused[:2] == ("RESOURCE_EXHAUSTED", "TOO_MANY_UPLOADS")
    assert (refused.metadata, refused.retries) == ({"limit": "2"}, True)
    assert streams[0].end().state == OPEN
    assert wire.send(opening(profile), file(SIX)).state == FINISHED
    assert streams[1].end().state == OPEN


def test_streams_that_end_in_errors_make_room_again(wire: Wire, profile: str) -> None:
    for _ in range(5):
        assert wire.refused(opening(profile), file("a\n")).reason == "CSV_NO_IDENTIFIER_COLUMN"


def test_a_client_that_goes_away_leaves_the_upload_open(wire: Wire, profile: str) -> None:
    stream = wire.stream().send(opening(profile), rows(TYPED[:3], size=1))
    until(lambda: is_open(wire) and wire.upload().committed_rows == 2)
    stream.cancel()
    assert wire.upload().state == OPEN
    upload = wire.send(opening(profile), rows(TYPED), finish(total_rows=6))
    assert (upload.state, upload.row_count, upload.created_count) == (FINISHED, 6, 6)
    assert on_roll(wire) == CORES


def test_an_upload_may_have_as_many_rows_as_the_limit(wire: Wire, profile: str) -> None:
    assert wire.send(opening(profile, "v"), file(SIX)).created_count == 6
    assert wire.send(opening(profile), rows(TYPED), finish(total_rows=6)).row_count == 6


@pytest.mark.parametrize("options", [{}, {"on_invalid_row": FAIL}, {"validate_only": True}])
@pytest.mark.parametrize("size", [1, 1 << 18])
def test_one_row_more_fails_the_upload_and_nothing_of_it_stays(
    wire: Wire, profile: str, admin: AdminClient, options: dict[str, Any], size: int
) -> None:
    other = admin.create_profile("Other").profile_id
    wire.send(opening(other, "before"), file(f"imei\n{imei(99)}\n"))
    refused = wire.refused(opening(profile, **options), file(SEVEN, size=size))
    assert refused[:2] == ("RESOURCE_EXHAUSTED", "UPLOAD_TOO_MANY_ROWS")
    assert refused.metadata == {"limit": "6", "upload_id": "u"}
    assert on_roll(wire) == [core(99)]
    until(lambda: not wire.query("SELECT 1 FROM upload_claims UNION SELECT 1 FROM staged_rows"))
    upload = wire.upload()
    assert (upload.state, upload.failure_reason) == (FAILED, "UPLOAD_TOO_MANY_ROWS")
    assert admin.get_profile(profile).device_count == 0


def test_too_many_typed_rows_fail_the_upload_also_over_several_streams(
    wire: Wire, profile: str, admin: AdminClient
) -> None:
    wire.send(opening(profile), rows(TYPED[:5]))
    bad = [*TYPED, Row(imei="oops")]
    refused = wire.refused(opening(profile), rows(bad, begin=5), finish(total_rows=7))
    assert refused.reason == "UPLOAD_TOO_MANY_ROWS"
    until(lambda: on_roll(wire) == [])
    assert admin.get_profile(profile).pending_count == 0


def test_a_device_that_took_its_place_outlives_its_failed_upload(
    wire: Wire, profile: str, admin: AdminClient, agent: EnrollmentAgent
) -> None:
    wire.send(opening(profile), csv(SIX))
    assert agent.enroll_device(imeis=[imei(3)]).outcome is EnrollOutcome.REGISTERED
    assert wire.refused(opening(profile), file(SEVEN)).reason == "UPLOAD_TOO_MANY_ROWS"
    until(lambda: on_roll(wire) == [core(3)])
    counts = admin.get_profile(profile)
    assert (counts.registered_count, counts.pending_count) == (1, 0)


def test_row_200_001_fails_an_upload_under_the_default_limit(
    serve: Callable[..., Server],
) -> None:
    server = serve()
    lines = [f"35{n:012}" for n in range(200_001)]
    data = "imei\n" + "\n".join(lines)
    with server.admin() as admin, Wire(server) as wire:
        profile = admin.create_profile("Depot").profile_id
        refused = wire.refused(opening(profile), file(data, size=1 << 20))
        assert refused[:2] == ("RESOURCE_EXHAUSTED", "UPLOAD_TOO_MANY_ROWS")
        assert refused.metadata["limit"] == "200000"
        assert admin.get_profile(profile).device_count == 0
        less = data.removesuffix("\n" + lines[-1])
        upload = wire.send(opening(profile, "v"), file(less, size=1 << 20))
        assert (upload.state, upload.created_count) == (FINISHED, 200_000)
        assert admin.get_profile(profile).pending_count == 200_000


def test_typed_rows_go_the_way_of_a_file(wire: Wire, profile: str) -> None:
    given = [TYPED[0], Row(imei="oops", source_line=70), TYPED[0], Row(serial_number="R5")]
    done = finish(total_rows=4, crc32=crc_of(given))
    upload = wire.send(opening(profile), rows(given), done)
    assert (upload.state, upload.created_count, upload.rejected_count) == (FINISHED, 1, 3)
    assert (upload.committed_offset, upload.committed_crc32) == (0, crc_of(given))
    assert [(e.row, e.line, e.column, e.reason) for e in upload.errors] == [
        (2, 70, "imei", "IMEI_CHARACTERS"),
        (3, 3, "imei", "DUPLICATE_IN_FILE"),
        (4, 4, "manufacturer", "MANUFACTURER_MISSING"),
    ]
    assert wire.error_page().columns == ["imei", "imei2", "serial_number", "manufacturer"]
    assert wire.devices()[0].attributes == {"a": "1", "b": "ü"}


@pytest.mark.parametrize("begin", [0, 3])
def test_typed_rows_are_resumed_and_taken_once(wire: Wire, profile: str, begin: int) -> None:
    wire.send(opening(profile), rows(TYPED[:3]))
    assert (wire.upload().committed_rows, wire.upload().committed_crc32) == (3, crc_of(TYPED[:3]))
    done = finish(total_rows=6, crc32=crc_of(TYPED))
    upload = wire.send(opening(profile), rows(TYPED, begin=begin, size=2), done)
    assert (upload.state, upload.created_count) == (FINISHED, 6)
    assert on_roll(wire) == CORES


@pytest.mark.parametrize("given", [[TYPED[1], *TYPED[1:]], TYPED[:2]], ids=["edited", "fewer"])
def test_typed_rows_changed_before_the_position_are_found_out(
    wire: Wire, profile: str, given: list[Row]
) -> None:
    wire.send(opening(profile), rows(TYPED[:3]))
    refused = wire.refused(opening(profile), rows(given), finish(total_rows=len(given)))
    assert refused[:2] == ("FAILED_PRECONDITION", "UPLOAD_SOURCE_CHANGED")
    assert wire.upload().committed_rows == 3


def test_a_gap_in_typed_rows_keeps_what_came_and_tells_where_to_go_on(
    wire: Wire, profile: str
) -> None:
    wire.send(opening(profile), rows(TYPED[:1]))
    refused = wire.refused(opening(profile), rows(TYPED[:5], begin=1), rows(TYPED, begin=4))
    assert refused[:2] == ("OUT_OF_RANGE", "UPLOAD_GAP")
    assert (refused.metadata["committed_offset"], refused.metadata["committed_rows"]) == ("0", "5")
    assert wire.upload().committed_rows == 5


def test_a_wrong_total_or_checksum_of_typed_rows_is_refused(wire: Wire, profile: str) -> None:
    short = wire.refused(opening(profile), rows(TYPED[:2]), finish(total_rows=3))
    assert short[:2] == ("INVALID_ARGUMENT", "UPLOAD_TOTAL_MISMATCH")
    wrong = wire.refused(opening(profile), finish(total_rows=2, crc32=crc_of(TYPED)))
    assert wrong[:2] == ("INVALID_ARGUMENT", "UPLOAD_CHECKSUM_MISMATCH")
    assert wire.refused(opening(profile, "w"), finish(total_rows=0)).reason == "FILE_WITHOUT_ROWS"
    assert wire.send(opening(profile), finish(total_rows=2)).state == FINISHED
