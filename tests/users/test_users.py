"""Users: what a new one may be, and how one is changed."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from rollbook import (
    AbortedError,
    AlreadyExistsError,
    InvalidArgumentError,
    NotFoundError,
)
from rollbook.v1 import user_service_pb2 as messages
from users.calls import call, refused

if TYPE_CHECKING:
    from rollbook import AdminClient
    from running import Server

pytestmark = pytest.mark.both_engines

PASSWORD = "correct horse"


def update(admin: AdminClient, user: dict[str, Any], *paths: str, **rest: Any) -> Any:
    mask: Any = {"paths": list(paths)}
    request = messages.UpdateUserRequest(user=user, update_mask=mask, **rest)
    return call(admin, "UpdateUser", request).user


def test_a_new_user_is_as_it_was_asked_for_and_is_found_again(
    server: Server, admin: AdminClient
) -> None:
    made = admin.create_user(
        " Ada ü ", display_name="Ada", email="ada@example.com", password=PASSWORD
    )
    assert (made.user_name, made.display_name, made.email) == ("Ada ü", "Ada", "ada@example.com")
    assert (made.disabled, made.can_sign_in) == (False, True)
    assert made.create_time == made.update_time == server.clock.now
    assert list(admin.list_users()) == [made]


def test_a_user_without_a_password_cannot_sign_in(admin: AdminClient) -> None:
    assert not admin.create_user("ada").can_sign_in
    assert not admin.create_user("bob", password=PASSWORD, disabled=True).can_sign_in


def test_what_the_server_chooses_is_not_taken_from_a_request(admin: AdminClient) -> None:
    asked = messages.User(user_name="ada", user_id="mine", etag="mine", can_sign_in=True)
    made = call(admin, "CreateUser", messages.CreateUserRequest(user=asked)).user
    assert made.user_id != "mine"
    assert not made.can_sign_in


@pytest.mark.parametrize("name", ["Straßer in Zürich", "STRASSER IN ZU\u0308RICH\t"])
def test_names_are_unique_however_they_are_written(admin: AdminClient, name: str) -> None:
    admin.create_user("straSSer in Z\u00fcrich")
    other = admin.create_user("other")
    for work in (
        partial(admin.create_user, name),
        partial(admin.update_user, other.user_id, user_name=name),
    ):
        assert isinstance(refused("USER_NAME_TAKEN", work), AlreadyExistsError)
    assert len(list(admin.list_users())) == 2


def test_a_user_may_write_the_own_name_anew(admin: AdminClient) -> None:
    made = admin.create_user("ada")
    assert admin.update_user(made.user_id, user_name="ADA").user_name == "ADA"


BAD_NAMES = ["", " \t", "x" * 129, "x" * 100_000, "a\0b", "a\x1b[31m", "a" + "\u0301\u0316" * 10**5]


@pytest.mark.parametrize("name", BAD_NAMES, ids=range(len(BAD_NAMES)))
def test_a_name_that_cannot_be_is_refused(admin: AdminClient, name: str) -> None:
    made = admin.create_user("ada")
    refused("USER_NAME_INVALID", lambda: admin.create_user(name))
    refused("USER_NAME_INVALID", lambda: admin.update_user(made.user_id, user_name=name))
    assert [user.user_name for user in admin.list_users()] == ["ada"]


GOOD_NAMES = ["x", "x" * 128, "u\u0308" * 128, "\U0001f642" * 128, "100%_\\'\"", "a@b.c"]


@pytest.mark.parametrize("name", GOOD_NAMES, ids=range(len(GOOD_NAMES)))
def test_a_name_has_up_to_128_characters_of_any_kind(admin: AdminClient, name: str) -> None:
    made = admin.create_user(name)
    assert list(admin.list_users(name_contains=name)) == [made]


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("display_name", "x" * 129),
        ("display_name", "x\0"),
        ("email", "a@" + "b" * 253),
        ("email", "ada"),
        ("email", "@"),
        ("email", "ada@"),
        ("email", "@example.com"),
        ("email", "ada@exa mple.com"),
        ("email", "ada@example.com\n"),
        ("email", "ada@b@c"),
    ],
)
def test_a_field_that_cannot_be_is_named(admin: AdminClient, field: str, text: str) -> None:
    made = admin.create_user("ada")
    given: dict[str, Any] = {field: text}
    for work in (
        lambda: admin.create_user("bob", **given),
        lambda: admin.update_user(made.user_id, **given),
    ):
        assert list(refused("FIELD_INVALID", work).fields) == [f"user.{field}"]
    assert list(admin.list_users()) == [made]


@pytest.mark.parametrize("password", ["x" * 7, "u\u0308" * 7, "x" * 257, "x" * 100_000])
def test_a_password_has_8_to_256_characters(admin: AdminClient, password: str) -> None:
    made = admin.create_user("ada")
    for work in (
        lambda: admin.create_user("bob", password=password),
        lambda: admin.update_user(made.user_id, password=password),
    ):
        error = refused("PASSWORD_INVALID", work)
        assert password not in f"{error} {error.metadata} {error.fields}"
    assert list(admin.list_users()) == [made]


@pytest.mark.parametrize("password", ["x" * 8, "x" * 256, "u\u0308" * 256, "\0" * 8, " " * 8])
def test_a_password_may_be_of_any_characters(admin: AdminClient, password: str) -> None:
    assert admin.create_user("ada", password=password).can_sign_in


def test_a_change_leaves_what_was_not_named(server: Server, admin: AdminClient) -> None:
    made = admin.create_user("ada", display_name="Ada", email="ada@example.com", password=PASSWORD)
    server.clock.turn(hours=1)
    changed = admin.update_user(made.user_id, email="")
    assert (changed.user_name, changed.display_name, changed.email) == ("ada", "Ada", "")
    assert (changed.create_time, changed.update_time) == (made.create_time, server.clock.now)
    assert changed.etag != made.etag
    assert changed.can_sign_in
    disabled = admin.update_user(made.user_id, disabled=True)
    assert (disabled.disabled, disabled.can_sign_in) == (True, False)
    assert admin.update_user(made.user_id, disabled=False).can_sign_in


def test_without_a_mask_each_field_that_is_set_is_written(admin: AdminClient) -> None:
    made = admin.create_user("ada", display_name="Ada", email="ada@example.com")
    changed = update(admin, {"user_id": made.user_id, "display_name": "Countess"})
    assert (changed.user_name, changed.display_name) == ("ada", "Countess")
    assert changed.email == "ada@example.com"


def test_a_star_writes_all_fields_also_the_empty_ones(admin: AdminClient) -> None:
    made = admin.create_user("ada", display_name="Ada", email="ada@example.com", disabled=True)
    changed = update(admin, {"user_id": made.user_id, "user_name": "eve"}, "*")
    assert (changed.user_name, changed.display_name, changed.email) == ("eve", "", "")
    assert not changed.disabled
    refused("USER_NAME_INVALID", lambda: update(admin, {"user_id": made.user_id}, "*"))


@pytest.mark.parametrize("path", ["user_id", "etag", "password", "", "user.email", "can_sign_in"])
def test_a_mask_names_only_what_can_change(admin: AdminClient, path: str) -> None:
    made = admin.create_user("ada")
    user = {"user_id": made.user_id, "email": "a@b"}
    error = refused("FIELD_INVALID", lambda: update(admin, user, "email", path))
    assert list(error.fields) == ["update_mask"]
    assert list(admin.list_users()) == [made]


def test_a_change_to_the_same_is_none(server: Server, admin: AdminClient) -> None:
    made = admin.create_user("ada", email="a@b")
    server.clock.turn(hours=1)
    assert admin.update_user(made.user_id) == made
    assert admin.update_user(made.user_id, user_name=" ada ", email="a@b") == made


def test_a_new_password_is_a_change(admin: AdminClient) -> None:
    made = admin.create_user("ada", password=PASSWORD)
    assert admin.update_user(made.user_id, password=PASSWORD).etag != made.etag


def test_an_etag_that_is_past_is_refused(admin: AdminClient) -> None:
    made = admin.create_user("ada")
    changed = admin.update_user(made.user_id, etag=made.etag, email="a@b")
    for work in (
        lambda: admin.update_user(made.user_id, etag=made.etag, email="c@d"),
        lambda: admin.delete_user(made.user_id, etag=made.etag),
    ):
        with pytest.raises(AbortedError, match="changed since"):
            work()
    assert list(admin.list_users()) == [changed]
    admin.delete_user(made.user_id, etag=changed.etag)
    assert list(admin.list_users()) == []


@pytest.mark.parametrize("user_id", ["", "usr-0000000000000000", "ada", "\0", "x" * 100_000])
def test_an_unknown_user_is_not_found(admin: AdminClient, user_id: str) -> None:
    admin.create_user("ada")
    for work in (
        lambda: admin.update_user(user_id, email="a@b"),
        lambda: admin.delete_user(user_id),
    ):
        with pytest.raises(NotFoundError) as caught:
            work()
        assert caught.value.reason == "USER_NOT_FOUND"


@pytest.mark.parametrize(
    "rest",
    [
        {"user": {"user_name": "x" * 129}},
        {"user": {"email": "no address"}},
        {"update_mask": {"paths": ["password"]}},
        {"password": "short"},
    ],
    ids=lambda rest: next(iter(rest)),
)
def test_of_what_is_wrong_with_a_change_the_user_comes_first_then_the_etag(
    admin: AdminClient, rest: dict[str, Any]
) -> None:
    made = admin.create_user("ada")
    for user, reason in (
        ({"user_id": "usr-0000000000000000"}, "USER_NOT_FOUND"),
        ({"user_id": made.user_id, "etag": "stale"}, "ETAG_MISMATCH"),
    ):
        request = messages.UpdateUserRequest(**{**rest, "user": {**rest.get("user", {}), **user}})
        refused(reason, partial(call, admin, "UpdateUser", request))


def test_the_same_request_again_gives_the_stored_answer(admin: AdminClient) -> None:
    request = messages.CreateUserRequest(
        user={"user_name": "ada"}, password=PASSWORD, request_id=str(uuid4())
    )
    first, second = (call(admin, "CreateUser", request) for _ in range(2))
    assert first == second
    request.password = "another password"
    with pytest.raises(InvalidArgumentError) as caught:
        call(admin, "CreateUser", request)
    assert caught.value.reason == "REQUEST_ID_REUSED"
    assert [user.user_name for user in admin.list_users()] == ["ada"]
