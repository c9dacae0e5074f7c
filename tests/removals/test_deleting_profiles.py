"""A deleted profile is gone at once with all it held, and nothing of it stays for ever."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from raw_calls import unary
from removals.depot import counts, devices, registers, stored, upload
from rollbook import (
    AbortedError,
    FailedPreconditionError,
    NotFoundError,
    RollbookError,
)
from rollbook.v1 import device_service_pb2, profile_service_pb2
from rollbook_server.domain import leftovers as swept
from uploads.wire import OPEN, Row, Wire, csv, finish, imei, opening, rows, until

if TYPE_CHECKING:
    from collections.abc import Callable

    from rollbook import AdminClient, EnrollmentAgent, Profile
    from running import Server

pytestmark = pytest.mark.both_engines

CSV = "imei,depot\n" + "".join(f"{imei(number)},North\n" for number in range(4))


@pytest.mark.parametrize("call", ["discard", "delete"])
def test_a_retry_is_given_the_first_answer(admin: AdminClient, profile: Profile, call: str) -> None:
    first = upload(admin, profile, 1, 2)
    name = str(uuid4())

    def again() -> Any:
        if call == "discard":
            request = device_service_pb2.DiscardUploadRequest(upload_id=first, request_id=name)
            return unary(admin, admin._devices.DiscardUpload, request)
        wanted = profile_service_pb2.DeleteProfileRequest(
            profile_id=profile.profile_id, force=True, request_id=name
        )
        return unary(admin, admin._profiles.DeleteProfile, wanted)

    assert again() == again()


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
    tables = ("profiles", "uploads", "devices", "tokens", "upload_ranges", "profile_ranges")
    assert [stored(server, table) for table in tables] == [1, 1, 2, 1, 1, 1]
    for table in ("upload_errors", "upload_claims", "staged_rows", "prepared_rows"):
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
