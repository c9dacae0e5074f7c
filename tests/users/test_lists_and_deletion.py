"""Users in lists, and what becomes of profiles and devices when one is deleted."""

from __future__ import annotations

import base64
import json
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from rollbook import DeviceRow, EnrollOutcome
from rollbook.v1 import user_service_pb2 as messages
from users.calls import call, refused

if TYPE_CHECKING:
    from rollbook import AdminClient, EnrollmentAgent, User
    from running import Server

IMEI, OTHER_IMEI = "356938035643809", "490154203237518"
PASSWORD = "correct horse"


def names(admin: AdminClient, **query: Any) -> list[str]:
    return [user.user_name for user in admin.list_users(**query)]


def test_a_list_goes_by_name_in_pages(admin: AdminClient) -> None:
    for name in ("bob", "Ada", "eve", "Zoë", "DAN"):
        admin.create_user(name)
    for size in (1, 2, 5, 1000, 0):
        assert names(admin, page_size=size) == ["Ada", "bob", "DAN", "eve", "Zoë"]
    assert names(admin, name_contains="ZO", page_size=1) == ["Zoë"]
    assert names(admin, name_contains="%") == []


def test_a_page_token_belongs_to_its_list(admin: AdminClient) -> None:
    for name in ("ada", "alan"):
        admin.create_user(name)
    first = call(admin, "ListUsers", messages.ListUsersRequest(page_size=1))
    made_up = base64.urlsafe_b64encode(json.dumps(["x", 1, 2]).encode()).decode()
    for token, part in ((first.next_page_token, "a"), (made_up, ""), ("\0", "")):
        request = messages.ListUsersRequest(page_token=token, name_contains=part)
        refused("PAGE_TOKEN_INVALID", partial(call, admin, "ListUsers", request))


@pytest.mark.parametrize(
    ("field", "query"),
    [
        ("page_size", {"page_size": -1}),
        ("name_contains", {"name_contains": "x" * 600}),
        ("name_contains", {"name_contains": "\0"}),
    ],
)
def test_a_list_that_cannot_be_is_refused(
    admin: AdminClient, field: str, query: dict[str, Any]
) -> None:
    assert list(refused("FIELD_INVALID", lambda: names(admin, **query)).fields) == [field]


@pytest.fixture
def ada(admin: AdminClient) -> User:
    return admin.create_user("ada", display_name="Ada", password=PASSWORD)


def test_deleting_a_user_gives_profiles_and_devices_to_none(
    server: Server, admin: AdminClient, agent: EnrollmentAgent, ada: User
) -> None:
    bob = admin.create_user("bob", password=PASSWORD)
    given = admin.create_profile("Given", user_id=ada.user_id, tokenless=True)
    kept = admin.create_profile("Kept", user_id=bob.user_id, tokenless=True)
    admin.upload_rows(given.profile_id, [DeviceRow(imei=IMEI)])
    admin.upload_rows(kept.profile_id, [DeviceRow(imei=OTHER_IMEI)])
    signed_in = agent.sign_in_device(user_name="ada", password=PASSWORD, imeis=[OTHER_IMEI])
    assert signed_in.outcome is EnrollOutcome.REGISTERED
    before = {name: admin.get_profile(one.profile_id) for name, one in
              (("given", given), ("kept", kept))}  # fmt: skip
    server.clock.turn(hours=1)

    admin.delete_user(ada.user_id)

    after = admin.get_profile(given.profile_id)
    assert (after.user_id, after.user_name, after.update_time) == ("", "", server.clock.now)
    assert after.etag != before["given"].etag
    assert admin.get_profile(kept.profile_id) == before["kept"]
    assert agent.enroll_device(imeis=[IMEI]).user is None
    user = agent.enroll_device(imeis=[OTHER_IMEI]).user
    assert user is not None
    assert user.user_id == bob.user_id  # the profile's


def test_a_device_that_loses_its_user_has_changed(
    server: Server, admin: AdminClient, agent: EnrollmentAgent, ada: User
) -> None:
    profile = admin.create_profile("Depot")
    admin.upload_rows(profile.profile_id, [DeviceRow(imei=IMEI)])
    agent.sign_in_device(user_name="ada", password=PASSWORD, imeis=[IMEI])
    stored = "SELECT user_id, revision FROM devices"
    ((user_id, revision),) = server.query(stored)
    assert user_id == ada.user_id
    admin.delete_user(ada.user_id)
    assert server.query(stored) == [("", revision + 1)]


def test_an_enrolled_device_is_told_the_user_of_its_profile(
    admin: AdminClient, agent: EnrollmentAgent
) -> None:
    made = admin.create_user("ada", display_name="Ada", email="ada@example.com")
    profile = admin.create_profile("Depot", user_id=made.user_id, tokenless=True)
    admin.upload_rows(profile.profile_id, [DeviceRow(imei=IMEI)])
    user = agent.enroll_device(imeis=[IMEI]).user
    assert user is not None
    assert (user.user_id, user.display_name, user.email) == (
        made.user_id,
        "Ada",
        "ada@example.com",
    )
