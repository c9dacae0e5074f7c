"""API keys: made, listed, revoked and kept."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from databases import DATABASES
from raw_calls import unary
from rollbook import (
    AdminClient,
    FailedPreconditionError,
    InvalidArgumentError,
    NotFoundError,
    Right,
    Role,
    RollbookError,
    UnauthenticatedError,
)
from rollbook.v1 import access_service_pb2
from rollbook_server.app import ADMIN_KEY_NAME
from rollbook_server.domain.api_keys import new_value
from users.calls import refused

if TYPE_CHECKING:
    from collections.abc import Callable

    from running import Server


def call(admin: AdminClient, method: str, request: Any) -> Any:
    return unary(admin, getattr(admin._access, method), request)


def bytes_of(server: Server) -> bytes:
    return b"".join(path.read_bytes() for path in server.data_dir.glob("rollbook.db*"))


def test_a_key_shows_what_it_was_created_with(admin: AdminClient, server: Server) -> None:
    end = server.clock() + timedelta(days=30)
    made = admin.create_api_key("  Nightly  ", role=Role.OPERATOR, expire_time=end)

    key = made.api_key
    assert (key.display_name, key.role, key.expire_time) == ("Nightly", Role.OPERATOR, end)
    assert (key.create_time, key.last_use_time, key.revoke_time) == (server.clock(), None, None)
    assert list(admin.list_api_keys())[1:] == [key]
    assert made.value not in repr(made)


def test_a_key_is_told_of_itself(
    admin: AdminClient, client: Callable[[str], AdminClient], server: Server
) -> None:
    made = admin.create_api_key("Reports", rights=[Right.VIEW, Right.DELETE])
    with client(made.value) as other:
        own = other.get_own_api_key()
    assert own == replace(made.api_key, last_use_time=server.clock.now)
    assert admin.get_own_api_key().api_key_id == "admin"


def test_a_set_of_its_own_has_no_role(admin: AdminClient) -> None:
    key = admin.create_api_key("Set", rights=[Right.DELETE, Right.VIEW, Right.VIEW]).api_key
    assert (key.role, key.rights) == (Role.UNSPECIFIED, (Right.VIEW, Right.DELETE))


def test_the_administrator_key_is_one_of_them(admin: AdminClient, server: Server) -> None:
    (key,) = admin.list_api_keys()
    assert (key.api_key_id, key.role) == ("admin", Role.ADMINISTRATOR)
    assert key.last_use_time == server.clock()


def test_the_administrator_key_ends_with_its_file_alone(serve: Callable[..., Server]) -> None:
    server = serve()
    with server.admin() as admin:
        with pytest.raises(FailedPreconditionError, match=ADMIN_KEY_NAME) as caught:
            admin.revoke_api_key("admin")
        assert caught.value.reason == "ADMIN_KEY_NOT_REVOCABLE"
        made = admin.create_api_key("Other", role=Role.ADMINISTRATOR)
    server.stop()
    (server.data_dir / ADMIN_KEY_NAME).write_text(f"{made.value}\n")

    server = serve()
    assert server.api_key == made.value
    with server.admin() as admin:  # the same value was another key's before
        assert [key.api_key_id for key in admin.list_api_keys()] == ["admin"]
        created, *revoked = list(admin.list_audit_events())[:3]
        assert (created.action, created.resource_id) == ("CreateApiKey", "admin")
        assert {each.action for each in revoked} == {"RevokeApiKey"}
        assert [each.resource_id for each in revoked] == [made.api_key.api_key_id, "admin"]


def test_another_administrator_key_is_told_and_the_first_is_not(
    serve: Callable[..., Server],
) -> None:
    server = serve()
    server.stop()
    (server.data_dir / ADMIN_KEY_NAME).write_text("another-key-of-sixty-four-random-letters\n")
    for _ in range(2):  # told once
        server = serve()
        with server.admin() as admin:
            created, revoked = admin.list_audit_events()
        server.stop()
    assert (created.action, revoked.action) == ("CreateApiKey", "RevokeApiKey")
    assert created.details == {"role": "ADMINISTRATOR"}
    for event in (created, revoked):
        assert (event.resource_id, event.actor, event.source) == ("admin", "", "")


@pytest.mark.parametrize(
    ("wanted", "field"),
    [
        ({"display_name": "", "role": 1}, "display_name"),
        ({"display_name": " \t ", "role": 1}, "display_name"),
        ({"display_name": "a\x1bb", "role": 1}, "display_name"),
        ({"display_name": "a" * 129, "role": 1}, "display_name"),
        ({"display_name": "a" * 100_000, "role": 1}, "display_name"),
        ({"display_name": "a"}, "role"),
        ({"display_name": "a", "role": 1, "rights": [4]}, "role"),
        ({"display_name": "a", "role": 99}, "role"),
        ({"display_name": "a", "rights": [0]}, "rights"),
        ({"display_name": "a", "rights": [4, 99]}, "rights"),
        ({"display_name": "a", "role": 1, "expire_time": {"seconds": 1}}, "expire_time"),
        ({"display_name": "a", "role": 1, "expire_time": {"seconds": 1 << 62}}, "expire_time"),
        ({"display_name": "a", "role": 1, "expire_time": {"nanos": -1}}, "expire_time"),
    ],
)
def test_what_no_key_can_be_is_named(
    admin: AdminClient, wanted: dict[str, object], field: str
) -> None:
    request = access_service_pb2.CreateApiKeyRequest(**wanted)  # type: ignore[arg-type]
    with pytest.raises(InvalidArgumentError) as caught:
        call(admin, "CreateApiKey", request)
    assert (caught.value.reason, [*caught.value.fields]) == ("FIELD_INVALID", [field])
    assert len(list(admin.list_api_keys())) == 1


def test_an_end_that_is_now_has_passed(admin: AdminClient, server: Server) -> None:
    now = server.clock()
    with pytest.raises(InvalidArgumentError, match="has passed already"):
        admin.create_api_key("Key", role=Role.VIEWER, expire_time=now)
    later = now + timedelta(microseconds=1)
    assert admin.create_api_key("Key", role=Role.VIEWER, expire_time=later)


def test_a_time_without_a_zone_is_not_sent(admin: AdminClient) -> None:
    with pytest.raises(ValueError, match="no time zone"):
        admin.create_api_key("Key", expire_time=datetime(2027, 1, 1))  # noqa: DTZ001


@pytest.mark.parametrize("page_size", [1, 2, 3, 1000])
def test_pages_hold_every_key_once_oldest_first(
    admin: AdminClient, server: Server, page_size: int
) -> None:
    for number in range(5):
        admin.create_api_key(f"Key {number}", role=Role.VIEWER)
        server.clock.turn(seconds=number % 2)  # some are as old as another
    listed = list(admin.list_api_keys(page_size=page_size))
    assert len({key.api_key_id for key in listed}) == 6
    assert listed == sorted(listed, key=lambda key: (key.create_time, key.api_key_id))
    assert listed == list(admin.list_api_keys())


def test_a_page_token_of_another_list_is_refused(admin: AdminClient) -> None:
    request = access_service_pb2.ListApiKeysRequest(page_token="WyIiLDEsImEiXQ")
    refused("PAGE_TOKEN_INVALID", lambda: call(admin, "ListApiKeys", request))


def test_a_revoked_key_is_refused_at_once_and_stays_listed(
    admin: AdminClient, server: Server, client: Callable[[str], AdminClient]
) -> None:
    made = admin.create_api_key("Key", role=Role.VIEWER)
    viewer = client(made.value)
    assert list(viewer.list_profiles()) == []  # the server knows the key by now

    revoked = admin.revoke_api_key(made.api_key.api_key_id)
    assert revoked.revoke_time == server.clock()
    with pytest.raises(UnauthenticatedError) as caught:
        list(viewer.list_profiles())
    assert caught.value.reason == "API_KEY_REVOKED"
    assert caught.value.metadata == {"api_key_id": revoked.api_key_id}

    server.clock.turn(hours=1)
    assert admin.revoke_api_key(revoked.api_key_id) == revoked
    assert revoked in admin.list_api_keys()


def test_a_key_may_revoke_itself(admin: AdminClient, client: Callable[[str], AdminClient]) -> None:
    made = admin.create_api_key("Key", role=Role.ADMINISTRATOR)
    own = client(made.value)
    assert own.revoke_api_key(made.api_key.api_key_id).revoke_time is not None
    with pytest.raises(UnauthenticatedError):
        list(own.list_api_keys())


@pytest.mark.parametrize("api_key_id", ["", "key-0", "Key"])
def test_a_key_that_is_not_there_cannot_be_revoked(admin: AdminClient, api_key_id: str) -> None:
    admin.create_api_key("Key", role=Role.VIEWER)
    with pytest.raises(NotFoundError) as caught:
        admin.revoke_api_key(api_key_id)
    assert caught.value.reason == "API_KEY_NOT_FOUND"


def test_the_same_request_makes_one_key(admin: AdminClient, server: Server) -> None:
    request = access_service_pb2.CreateApiKeyRequest(
        display_name="Key", role=access_service_pb2.ROLE_VIEWER, request_id=str(uuid4())
    )
    first = call(admin, "CreateApiKey", request)
    assert call(admin, "CreateApiKey", request) == first
    assert len(list(admin.list_api_keys())) == 2

    request.display_name = "Other"
    refused("REQUEST_ID_REUSED", lambda: call(admin, "CreateApiKey", request))
    assert first.value.encode() not in bytes_of(server)


def test_the_stored_answer_is_for_those_who_may_give_its_rights(
    admin: AdminClient, holder: Callable[..., AdminClient]
) -> None:
    request = access_service_pb2.CreateApiKeyRequest(
        display_name="Key", role=access_service_pb2.ROLE_OPERATOR, request_id=str(uuid4())
    )
    call(admin, "CreateApiKey", request)
    keeper = holder(Right.MANAGE_ACCESS)
    refused("RIGHT_MISSING", lambda: call(keeper, "CreateApiKey", request))


def test_no_value_is_in_the_database(admin: AdminClient, server: Server) -> None:
    made = [admin.create_api_key("Key", role=Role.VIEWER).value for _ in range(3)]
    stored = bytes_of(server) + "\n".join(DATABASES.dump(server.data_dir)).encode()
    assert b"admin.key" in stored  # these are the right places
    for value in (*made, server.api_key):
        assert value.encode() not in stored
        assert value.removeprefix("rbk_").encode() not in stored


def test_values_are_long_and_never_the_same() -> None:
    values = {new_value() for _ in range(1000)}
    assert len(values) == 1000
    assert min(map(len, values)) >= len("rbk_") + 43  # 256 bits in base 64


def test_keys_survive_a_restart(serve: Callable[..., Server]) -> None:
    first = serve()
    with first.admin() as admin:
        made = admin.create_api_key("Key", role=Role.VIEWER)
        gone = admin.create_api_key("Gone", role=Role.VIEWER)
        admin.revoke_api_key(gone.api_key.api_key_id)
        before = {key.api_key_id: key for key in admin.list_api_keys()}
    first.stop()
    second = serve()
    with AdminClient(second.address, api_key=made.value) as viewer:
        assert list(viewer.list_profiles()) == []
    with (
        AdminClient(second.address, api_key=gone.value) as client,
        pytest.raises(RollbookError, match="was revoked"),
    ):
        list(client.list_profiles())
    with second.admin() as admin:
        after = {key.api_key_id: key for key in admin.list_api_keys()}
    assert after[gone.api_key.api_key_id] == before[gone.api_key.api_key_id]
    assert after["admin"].create_time == datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
