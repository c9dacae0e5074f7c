"""Profiles: what a new one may be, what comes again with a request_id, and lists in pages."""

from __future__ import annotations

import base64
import json
import math
from typing import TYPE_CHECKING, Any
from urllib.parse import quote
from uuid import uuid4

import pytest
from google.protobuf import json_format
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from raw_calls import unary
from rollbook import (
    AlreadyExistsError,
    Configuration,
    InvalidArgumentError,
    NotFoundError,
    ProfileOrder,
    ProfileOrigin,
    RollbookError,
)
from rollbook.v1 import profile_service_pb2 as messages

if TYPE_CHECKING:
    from rollbook import AdminClient
    from running import Server

pytestmark = pytest.mark.both_engines


def create(admin: AdminClient, **fields: Any) -> messages.CreateProfileResponse:
    request = json_format.ParseDict(fields, messages.CreateProfileRequest())
    return unary(admin, admin._profiles.CreateProfile, request)


def listed(admin: AdminClient, **fields: Any) -> messages.ListProfilesResponse:
    request = messages.ListProfilesRequest(**fields)
    return unary(admin, admin._profiles.ListProfiles, request)


def trailer_size(failed: Any) -> int:
    return len(quote(failed.details())) + sum(len(v) for _, v in failed.trailing_metadata())


def names(admin: AdminClient, **query: Any) -> list[str]:
    return [profile.name for profile in admin.list_profiles(**query)]


def test_a_new_profile_is_as_it_was_asked_for_and_is_found_again(
    server: Server, admin: AdminClient
) -> None:
    configuration = Configuration(vendor_keys={"a": [1, None, {"b": "c"}]})
    asked: dict[str, Any] = {"description": "For\nall", "origin": ProfileOrigin.SINGLE_DEVICE}
    made = admin.create_profile(" Depot ü ", tokenless=True, configuration=configuration, **asked)

    assert (made.name, made.description, made.type) == ("Depot ü", "For\nall", "SELF_MAINTAINED")
    assert (made.origin, made.tokenless, made.user_id) == ("SINGLE_DEVICE", True, "")
    assert (made.device_count, made.registered_count, made.pending_count) == (0, 0, 0)
    assert (made.configuration, made.create_time) == (configuration, server.clock.now)
    assert admin.get_profile(made.profile_id) == made == next(admin.list_profiles())


def test_a_profile_is_for_csv_files_and_has_a_token_by_default(admin: AdminClient) -> None:
    made = create(admin, name="Depot").profile
    assert (made.origin, made.type, made.tokenless) == (1, 1, False)
    assert admin.get_token(made.profile_id).profile_id == made.profile_id


@pytest.mark.parametrize("name", ["Straßen in Zürich", "STRASSEN IN ZU\u0308RICH\t"])
def test_names_are_unique_however_they_are_written(admin: AdminClient, name: str) -> None:
    admin.create_profile("straSSen in Z\u00fcrich")

    with pytest.raises(AlreadyExistsError) as caught:
        admin.create_profile(name)

    assert caught.value.reason == "PROFILE_NAME_TAKEN"


GOOD_NAMES = ["x", "x" * 128, "u\u0308" * 128, "\U0001f642" * 128, "100%_\\'\""]


@pytest.mark.parametrize("name", GOOD_NAMES, ids=range(len(GOOD_NAMES)))
def test_a_name_has_up_to_128_characters_of_any_kind(admin: AdminClient, name: str) -> None:
    made = admin.create_profile(name)
    assert list(admin.list_profiles(name_contains=name)) == [made]


BAD_NAMES = ["", " \t ", "x" * 129, "\U0001f642" * 129, "a\nb", "a\0b", "\x7f", "a\u0085b"]
BAD_NAMES += ["a" + "\u0301\u0316" * 150_000]  # takes a minute to normalise, if one does


@pytest.mark.parametrize("name", BAD_NAMES, ids=range(len(BAD_NAMES)))
def test_a_name_that_nobody_could_read_is_refused(admin: AdminClient, name: str) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        admin.create_profile(name)

    assert (caught.value.reason, names(admin)) == ("PROFILE_NAME_INVALID", [])


WIDE = "\U0001f642" * 300  # four bytes each, and twelve in a header
WRONG_FIELDS: dict[str, tuple[dict[str, Any], str, set[str]]] = {
    "description": ({"description": "x" * 1025}, "FIELD_INVALID", {"description"}),
    "NUL in the description": ({"description": "a\0b"}, "FIELD_INVALID", {"description"}),
    "type": ({"type": 99}, "FIELD_INVALID", {"type"}),
    "origin": ({"origin": -1}, "FIELD_INVALID", {"origin"}),
    "user": ({"user_id": WIDE}, "USER_NOT_FOUND", set()),
    "request_id": ({"request_id": "1"}, "REQUEST_ID_INVALID", set()),
    "keys": (
        {"configuration": {"vendor_keys": {"rollbook.token": 1},
                           "custom_system_keys": {"short": True}}},
        "CONFIGURATION_INVALID",
        {"configuration.vendor_keys.rollbook.token", "configuration.custom_system_keys.short"},
    ),
    "size": ({"configuration": {"vendor_keys": {"a": "x" * 16384}}},
             "CONFIGURATION_INVALID", {"configuration"}),
}  # fmt: skip


@pytest.mark.parametrize(("fields", "reason", "named"), WRONG_FIELDS.values(), ids=WRONG_FIELDS)
def test_a_wrong_field_is_named_and_nothing_is_created(
    admin: AdminClient, fields: dict[str, Any], reason: str, named: set[str]
) -> None:
    with pytest.raises(RollbookError) as caught:
        create(admin, name="Depot", **fields)

    assert (caught.value.reason, set(caught.value.fields)) == (reason, named)
    assert names(admin) == []


@pytest.mark.parametrize("number", [math.inf, -math.inf, math.nan])
def test_numbers_that_json_cannot_say_are_named_as_far_as_headers_go(
    admin: AdminClient, number: float
) -> None:
    request = messages.CreateProfileRequest(name="Depot")
    request.configuration.vendor_keys.update({"good": 1, "bad": [{"deep": number}]})
    request.configuration.custom_system_keys.update({f"{n}{WIDE}": 1 for n in range(50)})

    with pytest.raises(InvalidArgumentError) as caught:
        unary(admin, admin._profiles.CreateProfile, request)

    assert "configuration.vendor_keys.bad" in caught.value.fields
    assert trailer_size(caught.value.__cause__) < 8192  # what clients take by default


@pytest.mark.parametrize("profile_id", ["", "prf-0", "\0", "' OR 1=1 --", WIDE * 10, "x" * 100_000])
def test_a_profile_that_is_not_there_is_not_found(admin: AdminClient, profile_id: str) -> None:
    admin.create_profile("Depot")

    with pytest.raises(NotFoundError) as caught:
        admin.get_profile(profile_id)

    assert caught.value.reason == "PROFILE_NOT_FOUND"


def test_a_request_that_comes_again_gets_the_stored_answer(admin: AdminClient) -> None:
    request_id = str(uuid4())
    first = create(admin, name="Depot", request_id=request_id)

    assert create(admin, name="Depot", request_id=request_id) == first
    assert create(admin, name="Depot", request_id=request_id.upper()) == first
    assert create(admin, name="Depot", request_id=request_id.replace("-", "")) == first
    assert names(admin) == ["Depot"]


def test_an_answer_is_given_again_for_two_days(server: Server, admin: AdminClient) -> None:
    request_id = str(uuid4())
    first = create(admin, name="Depot", request_id=request_id)
    server.clock.turn(days=2)
    assert create(admin, name="Depot", request_id=request_id) == first
    server.clock.turn(microseconds=1)
    assert create(admin, name="Depot 2", request_id=request_id).profile.name == "Depot 2"


def test_a_request_id_belongs_to_the_request_that_it_succeeded_with(admin: AdminClient) -> None:
    request_id = str(uuid4())
    with pytest.raises(InvalidArgumentError, match="needs a name"):
        create(admin, name="", request_id=request_id)
    create(admin, name="Depot", request_id=request_id)
    with pytest.raises(InvalidArgumentError) as caught:
        create(admin, name="Depot 2", request_id=request_id)

    assert (caught.value.reason, names(admin)) == ("REQUEST_ID_REUSED", ["Depot"])


BY_NAME, BY_TIME = ["a1", "B1", "b2", "C1", "c2"], ["a1", "c2", "B1", "C1", "b2"]
ORDERS = dict(zip(ProfileOrder, (BY_NAME, BY_NAME, BY_TIME, BY_TIME), strict=True))


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("size", [1, 2, 3, 5, 1000])
def test_pages_hold_every_profile_once_in_every_order(
    server: Server, admin: AdminClient, order: ProfileOrder, size: int
) -> None:
    for name in reversed(BY_TIME):
        admin.create_profile(name)
        server.clock.turn(seconds=1)

    ones = [name for name in ORDERS[order] if "1" in name]
    assert names(admin, order=order, page_size=size) == ORDERS[order]
    assert names(admin, order=order, page_size=size, name_contains="1") == ones
    assert names(admin, order=order, page_size=size, user_id="usr-1") == []


@pytest.mark.parametrize("order", ProfileOrder)
def test_pages_hold_every_profile_of_one_instant_and_none_that_came_before(
    admin: AdminClient, order: ProfileOrder
) -> None:
    for number in range(6):
        admin.create_profile(f"m{number}")
    pages = admin.list_profiles(order=order, page_size=2)
    seen = [next(pages).name for _ in range(2)]
    admin.create_profile("a comes before")

    assert {*seen, *(p.name for p in pages)} - {"a comes before"} == {f"m{n}" for n in range(6)}


@pytest.mark.parametrize(("part", "found"), [
    ("", ["100%", "a\\b", "a_b", "Äb"]), ("%", ["100%"]), ("_", ["a_b"]), ("\\", ["a\\b"]),
    ("äB", ["Äb"]), ("A\u0308", ["Äb"]), ("'", []), ("B", ["a\\b", "a_b", "Äb"]),
])  # fmt: skip
def test_a_filter_is_a_plain_text_without_regard_to_case(
    admin: AdminClient, part: str, found: list[str]
) -> None:
    for name in ("100%", "a_b", "a\\b", "Äb"):
        admin.create_profile(name)

    assert names(admin, name_contains=part) == found


@pytest.mark.parametrize(("field", "value"), [
    ("page_size", -1), ("order", 99), ("name_contains", "\0"), ("name_contains", "x" * 60_000),
])  # fmt: skip
def test_a_list_that_cannot_be_meant_is_refused(
    admin: AdminClient, field: str, value: object
) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        listed(admin, **{field: value})

    assert (caught.value.reason, list(caught.value.fields)) == ("FIELD_INVALID", [field])


def test_a_page_has_100_profiles_unless_told_and_1000_at_most(admin: AdminClient) -> None:
    for number in range(1001):
        create(admin, name=f"p{number}", tokenless=True)
    sizes = {0: 100, 7: 7, 1000: 1000, 1001: 1000, 2**31 - 1: 1000}
    assert {n: len(listed(admin, page_size=n).profiles) for n in sizes} == sizes


def test_a_page_token_belongs_to_its_list(admin: AdminClient) -> None:
    for name in ("a1", "a2", "a3"):
        admin.create_profile(name)
    token = listed(admin, page_size=1).next_page_token

    assert listed(admin, page_size=2, page_token=token).profiles[0].name == "a2"
    for other in ({"order": 2}, {"name_contains": "a"}, {"user_id": "u"}):
        with pytest.raises(InvalidArgumentError) as caught:
            listed(admin, page_token=token, **other)
        assert caught.value.reason == "PAGE_TOKEN_INVALID"


part = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just("\ud800")
forged_keys = st.lists(part, max_size=4).filter(lambda keys: list(map(type, keys)) != [str, str])


@given(
    keys=forged_keys | st.just(["\ud800", "a"]), junk=st.text(min_size=1), order=st.integers(0, 3)
)
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_token_that_nobody_gave_out_is_refused(
    admin: AdminClient, keys: list[object], junk: str, order: int
) -> None:
    if not names(admin):
        admin.create_profile("a1")
        admin.create_profile("a2")
    token = listed(admin, page_size=1, order=order).next_page_token
    scope = json.loads(base64.urlsafe_b64decode(token + "=="))[0]
    forged = base64.urlsafe_b64encode(json.dumps([scope, *keys]).encode()).decode()

    for wrong in (junk, token + "A" * 4, token[2:], forged if order < 2 else f"{forged}{junk}"):
        with pytest.raises(InvalidArgumentError) as caught:
            listed(admin, page_size=1, page_token=wrong, order=order)
        assert caught.value.reason == "PAGE_TOKEN_INVALID"
