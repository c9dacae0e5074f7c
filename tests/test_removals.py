"""What is taken back is gone at once: from every answer, every count, every enrollment."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from rollbook import (
    AbortedError,
    DeviceRow,
    EnrollOutcome,
    FailedPreconditionError,
    NotFoundError,
    OnConflict,
    OnInvalidRow,
    RollbookError,
    UploadState,
)
from rollbook.v1 import device_service_pb2, profile_service_pb2
from rollbook_server.domain import leftovers as swept
from rollbook_server.domain.upload_sessions import UploadLimits
from uploads.wire import OPEN, Row, Wire, csv, finish, imei, opening, rows, until

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from rollbook import AdminClient, EnrollmentAgent, Profile
    from running import Server

CSV = "imei,depot\n" + "".join(f"{imei(number)},North\n" for number in range(4))


@pytest.fixture
def profile(admin: AdminClient) -> Profile:
    return admin.create_profile("Depot", tokenless=True)


@pytest.fixture(params=["swept up", "left behind"])
def leftovers(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let leftovers be swept up, or lie in the database for ever: nobody may tell the two."""
    if request.param == "left behind":
        monkeypatch.setattr(swept, "sweep", lambda *_, **__: None)


def devices(*numbers: int, **attributes: str) -> list[DeviceRow]:
    return [DeviceRow(imei=imei(number), attributes=attributes) for number in numbers]


def upload(admin: AdminClient, profile: Profile, *numbers: int, **options: Any) -> str:
    given = devices(*numbers, depot=options.pop("depot", "North"))
    return admin.upload_rows(profile.profile_id, given, **options).upload_id


def counts(admin: AdminClient, profile: Profile) -> tuple[int, int, int]:
    now = admin.get_profile(profile.profile_id)
    return now.device_count, now.registered_count, now.pending_count


def stored(server: Server, table: str) -> int:
    with closing(sqlite3.connect(server.config.database_path())) as database:
        found: int = database.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
        return found


def registers(agent: EnrollmentAgent, number: int) -> bool:
    return agent.enroll_device(imeis=[imei(number)]).outcome is EnrollOutcome.REGISTERED


@pytest.mark.usefixtures("leftovers")
def test_a_discarded_upload_leaves_only_what_is_registered(
    admin: AdminClient, agent: EnrollmentAgent, profile: Profile
) -> None:
    first, other = upload(admin, profile, 1, 2, 3), upload(admin, profile, 4)
    assert registers(agent, 1)

    done = admin.discard_upload(first)

    assert (done.removed_count, done.kept_count) == (2, 1)
    assert (done.upload.upload_id, done.upload.state) == (first, UploadState.DISCARDED)
    assert counts(admin, profile) == (2, 1, 1)
    assert [registers(agent, number) for number in (1, 2, 3, 4)] == [True, False, False, True]
    assert admin.get_upload(other).state is UploadState.FINISHED


@pytest.mark.usefixtures("leftovers")
def test_to_discard_again_changes_nothing(admin: AdminClient, profile: Profile) -> None:
    first = upload(admin, profile, 1, 2)
    before = admin.discard_upload(first).upload
    again = admin.discard_upload(first)
    assert (again.removed_count, again.kept_count, again.upload) == (0, 0, before)
    assert counts(admin, profile) == (0, 0, 0)


@pytest.mark.usefixtures("leftovers")
@pytest.mark.parametrize("policy", [policy for policy in OnConflict if policy != "UNSPECIFIED"])
def test_devices_of_a_discarded_upload_are_in_nobodys_way(
    admin: AdminClient, agent: EnrollmentAgent, profile: Profile, policy: OnConflict
) -> None:
    admin.discard_upload(upload(admin, profile, 1, 2, 3))
    second = admin.upload_rows(
        profile.profile_id, devices(2, 3, 4, depot="South"), on_conflict=policy
    )
    assert (second.created_count, second.rejected_count) == (3, 0)
    assert counts(admin, profile) == (3, 0, 3)
    assert agent.enroll_device(imeis=[imei(2)]).attributes == {"depot": "South"}


@pytest.mark.usefixtures("leftovers")
@pytest.mark.parametrize(
    "options", [{"validate_only": True}, {"on_invalid_row": OnInvalidRow.FAIL}]
)
def test_a_rehearsal_does_not_see_them_either(
    admin: AdminClient, profile: Profile, options: dict[str, Any]
) -> None:
    admin.discard_upload(upload(admin, profile, 1, 2))
    found = admin.upload_rows(profile.profile_id, devices(1, 2, depot="South"), **options)
    assert (found.created_count, found.rejected_count) == (2, 0)


@pytest.mark.usefixtures("leftovers")
def test_a_key_that_only_row_and_device_make_together_is_free_as_well(
    admin: AdminClient, profile: Profile
) -> None:
    gone = [DeviceRow(serial_number="S1", manufacturer="Acme")]
    discarded = admin.upload_rows(profile.profile_id, gone).upload_id
    admin.upload_rows(profile.profile_id, [DeviceRow(imei=imei(1), serial_number="S1")])
    admin.discard_upload(discarded)
    made = [DeviceRow(imei=imei(1), manufacturer="ACME")]
    done = admin.upload_rows(profile.profile_id, made, on_conflict=OnConflict.UPDATE)
    assert (done.updated_count, done.rejected_count) == (1, 0)


@pytest.mark.usefixtures("leftovers")
@pytest.mark.parametrize("policy", [OnConflict.UPDATE, OnConflict.MOVE])
def test_what_an_upload_changed_stays_changed_and_on_the_roll(
    admin: AdminClient, agent: EnrollmentAgent, profile: Profile, policy: OnConflict
) -> None:
    elsewhere = admin.create_profile("Elsewhere", tokenless=True)
    upload(admin, elsewhere if policy is OnConflict.MOVE else profile, 1, 2)
    second = upload(admin, profile, 2, 3, depot="South", on_conflict=policy)
    assert admin.discard_upload(second).removed_count == 1

    (kept,) = admin.list_devices(profile.profile_id, identifier_prefix=imei(2))
    assert kept.attributes == {"depot": "South"}
    assert [registers(agent, number) for number in (1, 2, 3)] == [True, True, False]
    listed = len(list(admin.list_devices(profile.profile_id)))
    assert counts(admin, profile) == (listed, listed, 0)


@pytest.mark.usefixtures("leftovers")
@pytest.mark.parametrize("policy", OnConflict)
def test_an_upload_that_grows_too_long_leaves_nothing_of_it_whatever_it_would_have_changed(
    serve: Callable[..., Server], policy: OnConflict
) -> None:
    server = serve(upload_limits=UploadLimits(max_rows=2, batch_rows=1))
    with server.admin() as admin, server.agent() as agent:
        profile = admin.create_profile("Depot", tokenless=True)
        upload(admin, profile, 1)
        before = list(admin.list_devices(profile.profile_id))
        with pytest.raises(RollbookError) as caught:
            upload(admin, profile, 1, 2, 3, depot="South", on_conflict=policy)
        assert caught.value.reason == "UPLOAD_TOO_MANY_ROWS"
        assert list(admin.list_devices(profile.profile_id)) == before
        assert counts(admin, profile) == (1, 0, 1)
        assert [registers(agent, number) for number in (1, 2, 3)] == [True, False, False]


def test_a_stream_that_still_brings_it_is_told(
    server: Server, admin: AdminClient, profile: Profile
) -> None:
    with Wire(server) as wire:
        stream = wire.stream().send(opening(profile.profile_id), csv(CSV[:60]))
        until(lambda: bool(wire.query("SELECT 1 FROM uploads")))
        assert admin.discard_upload("u").removed_count == 0
        refused = stream.send(csv(CSV, begin=60), finish(total_bytes=len(CSV))).refused()
        again = wire.refused(opening(profile.profile_id))
    assert (refused.code, refused.reason) == ("FAILED_PRECONDITION", "UPLOAD_DISCARDED")
    assert again.reason == "UPLOAD_DISCARDED"
    assert counts(admin, profile) == (0, 0, 0)


def test_an_unknown_upload_is_not_discarded(admin: AdminClient) -> None:
    with pytest.raises(NotFoundError) as caught:
        admin.discard_upload("nothing")
    assert caught.value.reason == "UPLOAD_NOT_FOUND"


@pytest.mark.parametrize("call", ["discard", "delete"])
def test_a_retry_is_given_the_first_answer(admin: AdminClient, profile: Profile, call: str) -> None:
    first = upload(admin, profile, 1, 2)
    name = str(uuid4())

    def again() -> Any:
        if call == "discard":
            request = device_service_pb2.DiscardUploadRequest(upload_id=first, request_id=name)
            return admin._caller.unary(admin._devices.DiscardUpload, request)
        wanted = profile_service_pb2.DeleteProfileRequest(
            profile_id=profile.profile_id, force=True, request_id=name
        )
        return admin._caller.unary(admin._profiles.DeleteProfile, wanted)

    assert again() == again()


def test_uploads_are_listed_newest_first_and_without_their_errors(
    server: Server, admin: AdminClient, profile: Profile
) -> None:
    other = admin.create_profile("Other")
    upload(admin, other, 9)
    for place, number in enumerate((1, 2, 3, 1)):
        server.clock.turn(seconds=place // 2)  # u0 and u1 come in the same instant
        upload(admin, profile, number, depot=f"{place}", upload_id=f"u{place}")

    for page_size in (1, 2, 0):
        listed = list(admin.list_uploads(profile.profile_id, page_size=page_size))
        assert [one.upload_id for one in listed] == ["u3", "u2", "u0", "u1"]
    assert listed[0].rejected_count == 1
    assert [one.errors for one in listed] == [()] * 4
    with pytest.raises(NotFoundError):
        list(admin.list_uploads("prf-nothing"))


def test_a_page_of_uploads_with_very_many_columns_fits_a_message(
    admin: AdminClient, profile: Profile, tmp_path: Path
) -> None:
    header = ",".join(["imei", *(f"{number:03}" + "x" * 124 for number in range(100))])
    for number in range(60):
        path = tmp_path / f"{number}.csv"
        path.write_text(f"{header}\n{imei(number)}\n")
        admin.upload_devices(profile.profile_id, path)
    assert len(list(admin.list_uploads(profile.profile_id, page_size=1000))) == 60


@pytest.mark.usefixtures("leftovers")
def test_a_deleted_profile_takes_everything_with_it(
    admin: AdminClient, agent: EnrollmentAgent, profile: Profile
) -> None:
    first = upload(admin, profile, 1, 2, 3, upload_id="first")
    assert registers(agent, 1)

    assert admin.delete_profile(profile.profile_id, etag=profile.etag) == 3

    assert list(admin.list_profiles()) == []
    assert not registers(agent, 1)
    calls: list[Callable[[], object]] = [
        lambda: admin.get_profile(profile.profile_id),
        lambda: admin.get_upload(first),
        lambda: admin.get_token(profile.profile_id),
        lambda: admin.upload_rows(profile.profile_id, devices(7)),
        lambda: admin.delete_profile(profile.profile_id, force=True),
    ]
    for call in calls:
        with pytest.raises(NotFoundError):
            call()


@pytest.mark.usefixtures("leftovers")
def test_its_name_its_devices_and_its_upload_ids_are_free_at_once(
    admin: AdminClient, agent: EnrollmentAgent, profile: Profile
) -> None:
    upload(admin, profile, 1, 2, 3, upload_id="first")
    assert registers(agent, 1)
    admin.delete_profile(profile.profile_id, force=True)

    anew = admin.create_profile("Depot", tokenless=True)
    upload(admin, anew, 1, 2, 4, depot="South", upload_id="first")

    assert counts(admin, anew) == (3, 0, 3)
    assert admin.get_upload("first").created_count == 3
    assert agent.enroll_device(imeis=[imei(1)]).attributes == {"depot": "South"}
    assert not registers(agent, 3)


def test_nothing_of_it_stays_in_the_database(
    server: Server, admin: AdminClient, profile: Profile
) -> None:
    kept = admin.create_profile("Kept")
    upload(admin, kept, 8, 9)
    upload(admin, profile, 1, 2)
    upload(admin, profile, 1, depot="South")
    upload(admin, profile, 3, validate_only=True)
    with Wire(server) as wire:
        wire.send(opening(profile.profile_id, "open"), csv(CSV))
    admin.delete_profile(profile.profile_id, force=True)

    until(lambda: not stored(server, "ended_profiles"))
    tables = ("profiles", "uploads", "devices", "tokens", "upload_ranges")
    assert [stored(server, table) for table in tables] == [1, 1, 2, 1, 1]
    for table in ("upload_errors", "upload_claims", "staged_rows"):
        assert stored(server, table) == 0
    assert counts(admin, kept) == (2, 0, 2)


def test_a_stream_into_it_is_told(server: Server, admin: AdminClient, profile: Profile) -> None:
    with Wire(server) as wire:
        stream = wire.stream().send(opening(profile.profile_id), csv(CSV[:60]))
        until(lambda: bool(wire.query("SELECT 1 FROM uploads")))
        admin.delete_profile(profile.profile_id, force=True)
        refused = stream.send(csv(CSV, begin=60), finish(total_bytes=len(CSV))).refused()
    assert (refused.code, refused.reason) == ("NOT_FOUND", "UPLOAD_NOT_FOUND")


@pytest.mark.parametrize("good", [True, False])
def test_a_stream_into_it_does_not_take_over_an_upload_of_the_same_id(
    server: Server, admin: AdminClient, profile: Profile, *, good: bool
) -> None:
    other = admin.create_profile("Other", tokenless=True)
    with Wire(server) as wire:
        old = wire.stream().send(opening(profile.profile_id), rows([Row(imei=imei(1))]))
        until(lambda: bool(wire.query("SELECT 1 FROM uploads")))
        admin.delete_profile(profile.profile_id, force=True)
        wire.send(opening(other.profile_id), rows([Row(imei=imei(50))]))
        more = [Row(imei=imei(2) if good else "oops")]
        refused = old.send(rows([Row(imei=imei(1)), *more], begin=1), finish(total_rows=2))
        assert refused.refused().reason == "UPLOAD_NOT_FOUND"
        assert wire.upload().profile_id == other.profile_id
        assert wire.upload().state == OPEN
        assert wire.send(opening(other.profile_id), finish(total_rows=1)).created_count == 1
    assert counts(admin, other) == (1, 0, 1)


def test_a_profile_is_deleted_only_as_it_was_seen(admin: AdminClient, profile: Profile) -> None:
    upload(admin, profile, 1)
    with pytest.raises(FailedPreconditionError) as missing:
        admin.delete_profile(profile.profile_id)
    with pytest.raises(AbortedError) as other:
        admin.delete_profile(profile.profile_id, etag='"7"')
    assert (missing.value.reason, other.value.reason) == ("ETAG_MISSING", "ETAG_MISMATCH")
    assert missing.value.metadata["device_count"] == "1"
    assert counts(admin, profile) == (1, 0, 1)
    assert admin.delete_profile(profile.profile_id, etag='"7"', force=True) == 1


def test_what_a_crash_left_behind_is_swept_up_at_the_next_start(
    serve: Callable[..., Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(swept, "sweep", lambda *_, **__: None)
        server = serve()
        with server.admin() as admin:
            profile = admin.create_profile("Depot")
            upload(admin, profile, 1, 2)
            admin.delete_profile(profile.profile_id, force=True)
        server.stop()
    assert stored(server, "devices") == 2
    again = serve()
    until(lambda: not stored(again, "ended_profiles"))
    assert stored(again, "devices") == 0


def test_a_number_of_a_deleted_profile_is_never_given_again(
    admin: AdminClient, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(swept, "sweep", lambda *_, **__: None)
    for round_ in range(3):
        profile = admin.create_profile("Depot")
        assert counts(admin, profile) == (0, 0, 0)
        upload(admin, profile, round_, round_ + 1)
        admin.delete_profile(profile.profile_id, force=True)
    with pytest.raises(RollbookError):
        admin.get_profile(profile.profile_id)
    assert stored(server, "ended_profiles") == 3
