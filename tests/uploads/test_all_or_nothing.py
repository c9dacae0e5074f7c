"""Uploads under FAIL and dry runs: what they hold back, and what they leave behind."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from rollbook import EnrollOutcome
from rollbook_server.domain import removals, staging
from rollbook_server.domain.endings import Ending
from rollbook_server.storage.uploads import StoredUploads
from uploads.wire import (
    FAIL,
    FAILED,
    FINISHED,
    KEEP,
    MOVE,
    OPEN,
    REJECT,
    UPDATE,
    LineByLine,
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
    from collections.abc import Iterator

    from rollbook import AdminClient, EnrollmentAgent
    from rollbook_server.domain.error_blocks import RowErrors
    from rollbook_server.domain.uploads import Counts
    from running import Server
    from uploads.wire import Upload

pytestmark = pytest.mark.both_engines

A, B, C, D = (imei(number) for number in range(1, 5))
HEADER = "imei,imei2,serial_number,manufacturer,site\n"


@pytest.fixture(params=[LineByLine, Wire], ids=["row by row", "as one batch"])
def wire(server: Server, request: pytest.FixtureRequest) -> Iterator[Wire]:
    with request.param(server) as wire:
        yield wire


@pytest.fixture
def profile(admin: AdminClient) -> str:
    return admin.create_profile("Depot", tokenless=True).profile_id


def table(*lines: str) -> str:
    return HEADER + "".join(f"{line}\n" for line in lines)


def counts(upload: Upload) -> tuple[int, int, int, int]:
    """Created, updated, unchanged, rejected."""
    assert upload.row_count == upload.committed_rows
    return (
        upload.created_count,
        upload.updated_count,
        upload.unchanged_count,
        upload.rejected_count,
    )


def findings(upload: Upload) -> list[tuple[Any, ...]]:
    return [(e.row, e.line, e.column, e.reason, e.suggestion, *e.values) for e in upload.errors]


def nothing_waits(wire: Wire) -> bool:
    tables = "upload_claims", "staged_rows", "prepared_rows", "preparations"
    return not any(wire.query(f"SELECT 1 FROM {table}") for table in tables)


@pytest.mark.parametrize("bad", [f"{A},,,,", "oops,,,,", f"{D},,,,other"])
@pytest.mark.parametrize("place", [0, 1, 2])
def test_one_bad_row_under_fail_and_nothing_remains(
    wire: Wire, admin: AdminClient, profile: str, bad: str, place: int
) -> None:
    wire.send(opening(profile, "before"), file(table(f"{D},,,,", f"{A},,,,x")))
    before = wire.devices()
    lines = [f"{B},,,,", f"{C},,,,"]
    lines.insert(place, bad)
    refused = wire.refused(opening(profile, on_invalid_row=FAIL), file(table(*lines)))
    assert refused[:2] == ("FAILED_PRECONDITION", "UPLOAD_HAS_INVALID_ROWS")
    assert refused.metadata["rejected_count"] == "1"
    assert (refused.metadata["row"], refused.metadata["line"]) == (str(place + 1), str(place + 2))
    upload = wire.upload()
    assert (upload.state, upload.failure_reason) == (FAILED, "UPLOAD_HAS_INVALID_ROWS")
    assert upload.rejected_count == len(upload.errors) == 1
    assert wire.devices() == before
    until(lambda: nothing_waits(wire))
    assert admin.get_profile(profile).device_count == 2


def test_every_row_is_checked_before_an_upload_fails(wire: Wire, profile: str) -> None:
    lines = [f"{A},,,,", "oops,,,,", f"{A},,,,", ",,R5,,", f"{B},,,,"]
    wire.refused(opening(profile, on_invalid_row=FAIL), file(table(*lines)))
    assert [error.row for error in wire.upload().errors] == [2, 3, 4]
    assert counts(wire.upload()) == (2, 0, 0, 3)


def test_no_device_of_an_upload_under_fail_is_enrollable_before_it_is_finished(
    wire: Wire, agent: EnrollmentAgent, profile: str
) -> None:
    given = [Row(imei=A), Row(imei=B), Row(imei=C)]
    assert wire.send(opening(profile, on_invalid_row=FAIL), rows(given)).committed_rows == 3
    assert agent.enroll_device(imeis=[A]).outcome is EnrollOutcome.NOT_REGISTERED
    stream = wire.stream().send(opening(profile, on_invalid_row=FAIL), rows(given, begin=3))
    until(lambda: wire.query("SELECT epoch FROM uploads") == [(2,)])
    assert agent.enroll_device(imeis=[B]).outcome is EnrollOutcome.NOT_REGISTERED
    assert stream.send(finish(total_rows=3)).end().state == FINISHED
    assert agent.enroll_device(imeis=[A]).outcome is EnrollOutcome.REGISTERED


def test_devices_of_an_upload_that_skips_are_enrollable_while_it_is_open(
    wire: Wire, admin: AdminClient, agent: EnrollmentAgent, profile: str
) -> None:
    wire.send(opening(profile), csv(table(f"{A},,,,x")))
    assert wire.upload().state == OPEN
    answer = agent.enroll_device(imeis=[A])
    assert (answer.outcome, answer.attributes) == (EnrollOutcome.REGISTERED, {"site": "x"})
    found = admin.get_profile(profile)
    assert (found.registered_count, found.pending_count) == (1, 0)


@pytest.mark.parametrize("policy", [UPDATE, MOVE])
def test_under_fail_devices_are_changed_only_at_the_finish(
    wire: Wire, admin: AdminClient, agent: EnrollmentAgent, profile: str, policy: int
) -> None:
    wire.send(opening(profile, "old"), file(table(f"{A},,,,old", f"{B},,,,old")))
    data = table(f"{A},,,,new", f"{C},,,,new", f"{B},,,,old")
    options: dict[str, Any] = {"on_invalid_row": FAIL, "on_conflict": policy}
    assert counts(wire.send(opening(profile, **options), csv(data))) == (1, 1, 1, 0)
    assert agent.enroll_device(imeis=[A]).attributes == {"site": "old"}
    upload = wire.send(opening(profile, **options), file(data))
    assert (upload.state, counts(upload)) == (FINISHED, (1, 1, 1, 0))
    assert agent.enroll_device(imeis=[A]).attributes == {"site": "new"}
    until(lambda: nothing_waits(wire))
    found = admin.get_profile(profile)
    assert (found.registered_count, found.pending_count) == (1, 2)


def test_an_upload_under_fail_fails_if_another_took_its_keys_meanwhile(
    wire: Wire, admin: AdminClient, profile: str
) -> None:
    data = table(f"{A},,,,mine", f"{B},,,,mine", f"{C},,,,mine")
    wire.send(opening(profile, on_invalid_row=FAIL), csv(data))
    other = admin.create_profile("Other").profile_id
    wire.send(opening(other, "other"), file(table(f"{B},,,,theirs")))
    refused = wire.refused(opening(profile, on_invalid_row=FAIL), file(data))
    assert refused.reason == "UPLOAD_HAS_INVALID_ROWS"
    assert refused.metadata["row_reason"] == "DEVICE_IN_OTHER_PROFILE"
    assert [(e.row, e.line, e.column) for e in wire.upload().errors] == [(2, 3, "imei")]
    assert counts(wire.upload()) == (2, 0, 0, 1)
    assert [device.imei for device in wire.devices()] == [core(2)]
    until(lambda: nothing_waits(wire))
    assert [admin.get_profile(p).device_count for p in (profile, other)] == [0, 1]


@pytest.fixture
def pieces(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Let every row be a piece; gives of how many errors each is kept."""
    kept: list[int] = []
    add_errors = StoredUploads.add_errors

    def spy(uploads: StoredUploads, upload_id: str, errors: RowErrors) -> None:
        kept.append(len(errors))
        add_errors(uploads, upload_id, errors)

    monkeypatch.setattr(Ending, "piece_rows", lambda _: 1)
    monkeypatch.setattr(StoredUploads, "add_errors", spy)
    return kept


@pytest.mark.parametrize("policy", [REJECT, UPDATE])
def test_conflicts_of_every_row_at_the_finish_are_kept_piece_by_piece(
    wire: Wire, admin: AdminClient, profile: str, policy: int, pieces: list[int]
) -> None:
    data = table(f"{A},,,,mine", f"{B},,,,mine", f"{C},,,,mine", f"{D},,,,mine")
    options: dict[str, Any] = {"on_invalid_row": FAIL, "on_conflict": policy}
    wire.send(opening(profile, **options), csv(data))
    other = admin.create_profile("Other").profile_id
    wire.send(opening(other, "other"), file(table(f"{A},,,,", f"{B},,,,", f"{D},,,,")))
    pieces.clear()
    refused = wire.refused(opening(profile, **options), finish(total_bytes=len(data)))
    assert refused.reason == "UPLOAD_HAS_INVALID_ROWS"
    assert [error.row for error in wire.upload().errors] == [1, 2, 4]
    assert counts(wire.upload()) == (1, 0, 0, 3)
    assert pieces == [1, 1, 0, 1]
    until(lambda: nothing_waits(wire))
    assert admin.get_profile(profile).device_count == 0


def test_rows_go_onto_the_roll_if_what_was_in_their_way_has_gone_meanwhile(
    wire: Wire, admin: AdminClient, profile: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = table(f"{A},,,,mine", f"{B},,,,mine")
    wire.send(opening(profile, on_invalid_row=FAIL), csv(data))
    other = admin.create_profile("Other").profile_id
    wire.send(opening(other, "other"), file(table(f"{B},,,,theirs")))
    judge = staging._judge

    def late(ending: Ending) -> Counts:
        now = datetime.now(UTC)
        ending.store.write(lambda roll: removals.discard_upload(roll, "other", now))
        return judge(ending)

    monkeypatch.setattr(staging, "_judge", late)
    upload = wire.send(opening(profile, on_invalid_row=FAIL), finish(total_bytes=len(data)))
    assert (upload.state, counts(upload)) == (FINISHED, (2, 0, 0, 0))
    assert [admin.get_profile(p).device_count for p in (profile, other)] == [2, 0]


def test_counts_are_right_if_an_unchanged_row_turned_into_a_conflict_meanwhile(
    wire: Wire, profile: str
) -> None:
    data = table(f"{A},,,,a", f"{B},,,,b")
    wire.send(opening(profile, "old"), file(data))
    assert counts(wire.send(opening(profile, on_invalid_row=FAIL), csv(data))) == (0, 0, 2, 0)
    wire.send(opening(profile, "new", on_conflict=UPDATE), file(table(f"{B},,,,c")))
    refused = wire.refused(opening(profile, on_invalid_row=FAIL), file(data))
    assert refused.metadata["row_reason"] == "DEVICE_ON_ROLL"
    assert counts(wire.upload()) == (0, 0, 1, 1)


def test_rows_under_fail_do_at_the_finish_what_the_roll_then_asks_for(
    wire: Wire, profile: str
) -> None:
    data = table(f"{A},,,,mine", f"{B},,,,mine")
    options: dict[str, Any] = {"on_invalid_row": FAIL, "on_conflict": KEEP}
    assert counts(wire.send(opening(profile, **options), csv(data))) == (2, 0, 0, 0)
    wire.send(opening(profile, "other"), file(table(f"{B},,,,theirs")))
    upload = wire.send(opening(profile, **options), file(data))
    assert (upload.state, counts(upload)) == (FINISHED, (1, 0, 1, 0))


MIXED = [
    f"{A},,,,same",
    f"{B},,,,new",
    f"{C},{imei(9)},,,new",
    f"{imei(9)},,,,",
    f"{C},,,,",
    "oops,,,,",
    f"{A},{B},,,",
    f"{imei(7)},,R5,HTC,",
    ",,R5,HTC,",
    f"{imei(8)},,,,",
    f"{D},,,,moved",
]


@pytest.mark.parametrize("policy", [REJECT, KEEP, UPDATE, MOVE])
def test_a_dry_run_finds_what_the_real_run_finds_and_writes_nothing(
    wire: Wire, admin: AdminClient, profile: str, policy: int
) -> None:
    other = admin.create_profile("Other").profile_id
    wire.send(opening(profile, "old"), file(table(f"{A},,,,same", f"{B},,,,", f"{imei(8)},,,,x")))
    wire.send(opening(other, "older"), file(table(f"{D},,,,")))
    before = wire.devices()
    dry = wire.send(
        opening(profile, "dry", on_conflict=policy, validate_only=True),
        file(table(*MIXED), size=50),
    )
    assert dry.state == FINISHED
    assert wire.devices() == before
    until(lambda: nothing_waits(wire))
    assert admin.get_profile(profile).device_count == 3
    real = wire.send(opening(profile, "real", on_conflict=policy), file(table(*MIXED), size=77))
    assert findings(dry) == findings(real)
    assert counts(dry) == counts(real)
    assert len(wire.devices()) == len(before) + real.created_count


def test_a_dry_run_under_fail_fails_like_the_real_run(wire: Wire, profile: str) -> None:
    parts = opening(profile, on_invalid_row=FAIL, validate_only=True), file(table("x,,,,"))
    assert wire.refused(*parts).reason == "UPLOAD_HAS_INVALID_ROWS"
    good = opening(profile, "v", on_invalid_row=FAIL, validate_only=True)
    assert wire.send(good, file(table(f"{A},,,,"))).state == FINISHED
    assert wire.devices() == []
