"""Changes of profiles: who may edit what, what a mask names, and when an etag grows stale."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from google.protobuf import json_format

from raw_calls import unary
from rollbook import (
    AbortedError,
    AlreadyExistsError,
    DeviceRow,
    FailedPreconditionError,
    InvalidArgumentError,
    NotFoundError,
    ProfileOrder,
    ProfileOrigin,
    RollbookError,
)
from rollbook.v1 import profile_pb2
from rollbook.v1 import profile_service_pb2 as messages
from rollbook_server.storage.tables import UserTable

if TYPE_CHECKING:
    from collections.abc import Callable

    from rollbook import AdminClient, Profile
    from running import Server

SINGLE = ProfileOrigin.SINGLE_DEVICE


@pytest.fixture
def single(server: Server, admin: AdminClient) -> Profile:
    """Give a profile that can be edited, made an hour ago."""
    made = admin.create_profile("Depot", description="Hall 3", origin=SINGLE)
    server.clock.turn(hours=1)
    return made


def call(admin: AdminClient, method: str, **fields: Any) -> Any:
    request = json_format.ParseDict(fields, getattr(messages, f"{method}Request")())
    return unary(admin, getattr(admin._profiles, method), request)


def update(admin: AdminClient, profile_id: str, mask: str | None, **values: str) -> Any:
    request = messages.UpdateProfileRequest(
        profile=profile_pb2.Profile(profile_id=profile_id, **values)  # type: ignore[arg-type]
    )
    if mask is not None:
        request.update_mask.SetInParent()
        request.update_mask.paths.extend(mask.split(",") if mask else [])
    return unary(admin, admin._profiles.UpdateProfile, request).profile


def add_user(server: Server, user_id: str, user_name: str) -> str:
    """Put a user into the database under an id of our choice."""
    times = {"create_time": server.clock.now, "update_time": server.clock.now}
    texts = {"name_key": user_name, "display_name": "", "email": "", "password_hash": ""}
    values = {"user_id": user_id, "user_name": user_name, "disabled": False, **texts, **times}
    server.app._store.write(
        lambda roll: UserTable.insert(values).execute(
            roll.users._database  # type: ignore[attr-defined]  # the storage's own
        )
    )
    return user_id


MASKS: dict[str, tuple[str | None, dict[str, str], tuple[str, str]]] = {
    "absent, both set": (None, {"name": "B", "description": "b"}, ("B", "b")),
    "absent, name set": (None, {"name": "B"}, ("B", "Hall 3")),
    "absent, description set": (None, {"description": "b"}, ("Depot", "b")),
    "absent, nothing set": (None, {}, ("Depot", "Hall 3")),
    "empty": ("", {"name": "B"}, ("B", "Hall 3")),
    "name": ("name", {"name": "B", "description": "b"}, ("B", "Hall 3")),
    "description": ("description", {"name": "B", "description": "b"}, ("Depot", "b")),
    "description cleared": ("description", {}, ("Depot", "")),
    "both": ("name,description", {"name": "B"}, ("B", "")),
    "star": ("*", {"name": "B"}, ("B", "")),
    "star and name": ("*,name", {"name": "B", "description": "b"}, ("B", "b")),
    "name twice": ("name,name", {"name": " B "}, ("B", "Hall 3")),
}


@pytest.mark.parametrize(("mask", "values", "expected"), MASKS.values(), ids=MASKS)
def test_a_mask_says_what_is_edited(
    admin: AdminClient,
    single: Profile,
    mask: str | None,
    values: dict[str, str],
    expected: tuple[str, str],
) -> None:
    answered = update(admin, single.profile_id, mask, **values)
    after = admin.get_profile(single.profile_id)

    assert (after.name, after.description) == expected
    assert (answered.name, answered.description, answered.etag) == (*expected, after.etag)
    is_changed = expected != ("Depot", "Hall 3")
    assert (after.etag != single.etag) == is_changed
    assert (after.update_time != single.update_time) == is_changed
    unchanged = {"name": "", "description": "", "etag": "", "update_time": None}
    assert replace(after, **unchanged) == replace(single, **unchanged)  # type: ignore[arg-type]


WRONG_EDITS: dict[str, tuple[str | None, dict[str, str], str]] = {
    "unknown path": ("nickname", {}, "FIELD_INVALID"),
    "a path of the profile that is not editable": ("name,user_id", {}, "FIELD_INVALID"),
    "a path in a path": ("profile.name", {}, "FIELD_INVALID"),
    "star and an unknown path": ("*,origin", {"name": "B"}, "FIELD_INVALID"),
    "a very long path": ("x" * 100_000, {}, "FIELD_INVALID"),
    "a name that is cleared": ("name", {}, "PROFILE_NAME_INVALID"),
    "star without a name": ("*", {"description": "b"}, "PROFILE_NAME_INVALID"),
    "blank name": (None, {"name": " \t"}, "PROFILE_NAME_INVALID"),
    "long name": (None, {"name": "x" * 129}, "PROFILE_NAME_INVALID"),
    "NUL in the name": (None, {"name": "a\0b"}, "PROFILE_NAME_INVALID"),
    "long description": (None, {"description": "x" * 1025}, "FIELD_INVALID"),
    "NUL in the description": (None, {"description": "a\0b"}, "FIELD_INVALID"),
    "taken name": (None, {"name": "LAGER"}, "PROFILE_NAME_TAKEN"),
}


@pytest.mark.parametrize(("mask", "values", "reason"), WRONG_EDITS.values(), ids=WRONG_EDITS)
def test_a_wrong_edit_changes_nothing(
    admin: AdminClient,
    single: Profile,
    mask: str | None,
    values: dict[str, str],
    reason: str,
) -> None:
    admin.create_profile("Lager")
    with pytest.raises(RollbookError) as caught:
        update(admin, single.profile_id, mask, **values)

    assert caught.value.reason == reason
    if mask and reason == "FIELD_INVALID":
        assert "name and description may be there" in caught.value.fields["update_mask"]
    assert admin.get_profile(single.profile_id) == single


def test_a_profile_can_be_renamed_to_itself_in_other_case_and_is_found_by_it(
    admin: AdminClient, single: Profile
) -> None:
    assert admin.update_profile(single.profile_id, name="DEPOT").name == "DEPOT"
    admin.update_profile(single.profile_id, name="Zürich")
    assert [p.name for p in admin.list_profiles(name_contains="zÜR")] == ["Zürich"]
    assert admin.create_profile("Depot").name == "Depot"
    with pytest.raises(AlreadyExistsError):
        admin.create_profile("ZU\u0308RICH")


def test_edit_is_for_single_device_profiles_only(admin: AdminClient) -> None:
    made = admin.create_profile("Depot")
    for wrong in (None, "nickname"):
        with pytest.raises(FailedPreconditionError) as caught:
            update(admin, made.profile_id, wrong, name="B", etag='"7"')
        assert caught.value.reason == "PROFILE_NOT_EDITABLE"
    assert admin.get_profile(made.profile_id) == made


def test_a_setting_lets_csv_profiles_be_edited(serve: Callable[..., Server]) -> None:
    with serve(allow_csv_profile_edit=True).admin() as admin:
        made = admin.create_profile("Depot")
        assert admin.update_profile(made.profile_id, name="Lager").name == "Lager"


METHODS: dict[str, dict[str, Any]] = {
    "UpdateProfile": {"profile": {"description": "b"}},
    "AssignUser": {"user_id": "usr-1"},
    "UpdateConfiguration": {"configuration": {"vendor_keys": {"a": 1}}},
}


def change(admin: AdminClient, method: str, profile_id: str, etag: str = "", **more: Any) -> Any:
    fields = {name: value for name, value in METHODS[method].items() if name != "profile"}
    named = {"profile_id": profile_id, "etag": etag}
    if method == "UpdateProfile":
        named = {"profile": {**METHODS[method]["profile"], **named}}  # type: ignore[dict-item]
    return call(admin, method, **fields, **named, **more).profile


@pytest.mark.parametrize("method", METHODS)
def test_an_etag_must_be_the_present_one(
    server: Server, admin: AdminClient, single: Profile, method: str
) -> None:
    add_user(server, "usr-1", "walter")
    changed = change(admin, method, single.profile_id, single.etag)
    for stale in (single.etag, "nonsense", "\0"):
        with pytest.raises(AbortedError) as caught:
            change(admin, method, single.profile_id, stale)
        assert caught.value.reason == "ETAG_MISMATCH"

    assert changed.etag != single.etag
    assert change(admin, method, single.profile_id, changed.etag) == changed
    assert change(admin, method, single.profile_id) == changed


@pytest.mark.parametrize("method", METHODS)
def test_devices_that_come_and_go_leave_the_etag(
    server: Server, admin: AdminClient, single: Profile, method: str
) -> None:
    add_user(server, "usr-1", "walter")
    admin.upload_rows(single.profile_id, [DeviceRow(imei="35693803564380")])
    assert change(admin, method, single.profile_id, single.etag).device_count == 1


@pytest.mark.parametrize("method", METHODS)
def test_a_change_that_comes_again_gets_the_stored_answer(
    server: Server, admin: AdminClient, single: Profile, method: str
) -> None:
    add_user(server, "usr-1", "walter")
    request_id = str(uuid4())
    first = change(admin, method, single.profile_id, single.etag, request_id=request_id)
    after = admin.get_profile(single.profile_id)
    again = change(admin, method, single.profile_id, single.etag, request_id=request_id)

    assert (first, admin.get_profile(single.profile_id)) == (again, after)
    with pytest.raises(InvalidArgumentError) as caught:
        change(admin, method, single.profile_id, request_id=request_id)
    assert caught.value.reason == "REQUEST_ID_REUSED"


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("profile_id", ["", "prf-0", "\0"])
def test_a_profile_that_is_not_there_cannot_be_changed(
    admin: AdminClient, method: str, profile_id: str
) -> None:
    with pytest.raises(NotFoundError) as caught:
        change(admin, method, profile_id)
    assert caught.value.reason == "PROFILE_NOT_FOUND"


def test_a_user_is_assigned_shown_and_taken_away(server: Server, admin: AdminClient) -> None:
    profile_id = admin.create_profile("Depot").profile_id
    other = admin.create_profile("Lager")
    add_user(server, "usr-1", "walter")
    assigned = admin.assign_user(profile_id, "usr-1")

    assert (assigned.user_id, assigned.user_name) == ("usr-1", "walter")
    assert list(admin.list_profiles(user_id="usr-1")) == [assigned]
    assert admin.get_profile(profile_id) == assigned
    cleared = admin.assign_user(profile_id, "")
    assert (cleared.user_id, cleared.user_name) == ("", "")
    assert list(admin.list_profiles()) == [cleared, other]


@pytest.mark.parametrize("user_id", ["usr-0", "\0", "' OR 1=1 --", "x" * 100_000])
def test_an_unknown_user_is_refused(server: Server, admin: AdminClient, user_id: str) -> None:
    add_user(server, "usr-1", "walter")
    profile_id = admin.create_profile("Depot", user_id="usr-1").profile_id
    with pytest.raises(NotFoundError) as caught:
        admin.assign_user(profile_id, user_id)

    assert caught.value.reason == "USER_NOT_FOUND"
    assert admin.get_profile(profile_id).user_id == "usr-1"


def test_a_profile_comes_with_its_token_unless_it_is_tokenless(admin: AdminClient) -> None:
    guarded = admin.create_profile("Depot")
    token = admin.get_token(guarded.profile_id)
    assert admin.get_profile_with_token(guarded.profile_id) == (guarded, token)
    open_to_all = admin.create_profile("Open", tokenless=True)
    assert admin.get_profile_with_token(open_to_all.profile_id) == (open_to_all, None)


def test_pages_by_last_change_lose_nothing_that_stays_as_it_is(
    server: Server, admin: AdminClient
) -> None:
    made = {}
    for name in "abcdef":
        made[name] = admin.create_profile(name, origin=SINGLE).profile_id
        server.clock.turn(seconds=1)
    pages = admin.list_profiles(order=ProfileOrder.LAST_UPDATED, page_size=2)
    seen = [next(pages).name for _ in range(2)]
    admin.update_profile(made["c"], description="changed")  # not seen yet, goes to the front
    admin.update_profile(made["f"], description="changed")  # seen already

    assert seen + [profile.name for profile in pages] == ["f", "e", "d", "b", "a"]
    newest = [p.name for p in admin.list_profiles(order=ProfileOrder.LAST_UPDATED)]
    assert sorted(newest[:2]) == ["c", "f"]
    assert newest[2:] == ["e", "d", "b", "a"]
