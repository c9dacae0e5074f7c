"""An upload that is taken back is gone at once: from every answer, count and enrollment."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from removals.depot import counts, devices, registers, upload
from rollbook import (
    DeviceRow,
    NotFoundError,
    OnConflict,
    OnInvalidRow,
    RollbookError,
    UploadState,
)
from rollbook_server.domain.upload_limits import UploadLimits
from uploads.wire import Wire, csv, finish, imei, opening, until

if TYPE_CHECKING:
    from collections.abc import Callable

    from rollbook import AdminClient, EnrollmentAgent, Profile
    from running import Server

CSV = "imei,depot\n" + "".join(f"{imei(number)},North\n" for number in range(4))


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
def test_what_stays_of_a_discarded_upload_is_listed_as_its_own(
    admin: AdminClient, agent: EnrollmentAgent, profile: Profile
) -> None:
    first = upload(admin, profile, 1, 2, 3)
    assert registers(agent, 2)
    admin.discard_upload(first)
    upload(admin, profile, 4)  # begins by sweeping up
    (kept,) = admin.list_devices(upload_id=first)
    assert (kept.imei, kept.upload_id) == (imei(2)[:14], first)


@pytest.mark.usefixtures("leftovers")
def test_to_discard_again_changes_nothing(admin: AdminClient, profile: Profile) -> None:
    first = upload(admin, profile, 1, 2)
    before = admin.discard_upload(first).upload
    again = admin.discard_upload(first)
    assert (again.removed_count, again.kept_count, again.upload) == (0, 0, before)
    assert counts(admin, profile) == (0, 0, 0)


@pytest.mark.usefixtures("leftovers")
def test_to_discard_again_tells_again_what_stayed(
    admin: AdminClient, agent: EnrollmentAgent, profile: Profile
) -> None:
    first = upload(admin, profile, 1, 2, 3)
    assert registers(agent, 2)
    assert admin.discard_upload(first).kept_count == 1
    upload(admin, profile, 4)  # begins by sweeping up
    again = admin.discard_upload(first)
    assert (again.removed_count, again.kept_count) == (0, 1)


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
