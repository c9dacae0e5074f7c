"""Calls that end for want of a key or right, wherever that comes to light, are told once each."""

from __future__ import annotations

from contextlib import closing
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from rollbook import (
    AdminClient,
    DeviceRow,
    OnConflict,
    PermissionDeniedError,
    Right,
    Role,
    UnauthenticatedError,
)
from rollbook_server.domain import inventory
from rollbook_server.domain.errors import Reason
from rollbook_server.domain.errors import RollbookError as RefusedError
from uploads.wire import Wire, csv, imei, opening, until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from audit.depot import Depot
    from rollbook import CreatedApiKey

TOO_MUCH: dict[str, Callable[[AdminClient, Depot], object]] = {
    "CreateApiKey": lambda client, _: client.create_api_key("All", role=Role.ADMINISTRATOR),
    "CreateProfile": lambda client, depot: client.create_profile("B", user_id=depot.user_id),
    "UploadDevices": lambda client, depot: client.upload_rows(
        depot.profile_id, [DeviceRow(imei(9))], on_conflict=OnConflict.MOVE
    ),
    "RevealToken": lambda client, depot: client.reveal_token(depot.profile_id),
}


def made(depot: Depot, *rights: Right) -> CreatedApiKey:
    """Make a key, of which the news say nothing."""
    made = depot.admin.create_api_key("Holder", rights=rights)
    depot.news()
    return made


def told(depot: Depot) -> list[tuple[str, str, str, str]]:
    return [(each.action, each.reason, each.actor, each.source) for each in depot.news()]


@pytest.mark.parametrize("action", TOO_MUCH)
def test_a_right_that_a_request_needs_besides_is_told(depot: Depot, action: str) -> None:
    key = made(depot, Right.CREATE, Right.MANAGE_ACCESS)
    with (
        AdminClient(depot.server.address, api_key=key.value) as client,
        pytest.raises(PermissionDeniedError),
    ):
        TOO_MUCH[action](client, depot)
    assert told(depot) == [(action, "RIGHT_MISSING", key.api_key.api_key_id, "127.0.0.1")]


def test_an_upload_that_ends_with_its_key_is_told(depot: Depot) -> None:
    key = made(depot, Right.CREATE)
    caller: Any = SimpleNamespace(
        config=depot.server.config, address=depot.server.address, api_key=key.value
    )
    with Wire(caller) as wire:
        stream = wire.stream().send(opening(depot.profile_id), csv(b"IMEI\n"))
        until(lambda: len(list(depot.admin.list_uploads(depot.profile_id))) == 2)
        depot.admin.revoke_api_key(key.api_key.api_key_id)
        assert stream.send(csv(b"IMEI\n1\n", begin=5)).refused().reason == "API_KEY_REVOKED"
    ended = ("UploadDevices", "API_KEY_REVOKED", key.api_key.api_key_id, "127.0.0.1")
    assert told(depot)[-1] == ended
    assert [event.reason for event in depot.events()].count("API_KEY_REVOKED") == 1


def test_an_inventory_that_ends_with_its_key_is_told(
    depot: Depot, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = made(depot, Right.VIEW)

    def export(*_: object) -> Iterator[bytes]:
        yield b"first"
        depot.admin.revoke_api_key(key.api_key.api_key_id)
        yield b"second"
        raise AssertionError

    monkeypatch.setattr(inventory, "export", export)
    with (
        AdminClient(depot.server.address, api_key=key.value) as client,
        closing(client.export_devices(depot.profile_id)) as pieces,
        pytest.raises(UnauthenticatedError),
    ):
        list(pieces)
    ended = ("ExportDevices", "API_KEY_REVOKED", key.api_key.api_key_id, "127.0.0.1")
    assert told(depot)[-1] == ended


@pytest.mark.parametrize("how", ["REVOKED", "EXPIRED"])
def test_a_call_with_a_key_that_ended_is_told_with_that_key(depot: Depot, how: str) -> None:
    end = depot.server.clock().replace(day=24)
    key = depot.admin.create_api_key("Reader", role=Role.VIEWER, expire_time=end)
    if how == "EXPIRED":
        depot.server.clock.turn(days=1)
    else:
        depot.admin.revoke_api_key(key.api_key.api_key_id)
    depot.news()
    with (
        AdminClient(depot.server.address, api_key=key.value) as client,
        pytest.raises(UnauthenticatedError),
    ):
        list(client.list_users())
    assert told(depot) == [("ListUsers", f"API_KEY_{how}", key.api_key.api_key_id, "127.0.0.1")]


def test_other_failures_are_no_refusals(depot: Depot) -> None:
    with pytest.raises(Exception, match="no user"):
        depot.admin.delete_user("usr-none")
    assert told(depot) == []


@pytest.mark.parametrize(
    "failure", [RefusedError(Reason.STORE_FULL, "the disk is full"), ZeroDivisionError()]
)
def test_a_refusal_that_cannot_be_told_is_answered_the_same_and_counted(
    depot: Depot, monkeypatch: pytest.MonkeyPatch, failure: Exception
) -> None:
    key = made(depot, Right.VIEW)

    def fail(*_: object) -> None:
        raise failure

    with (
        AdminClient(depot.server.address, api_key=key.value) as client,
        monkeypatch.context() as full,
    ):
        full.setattr("rollbook_server.storage.audit.GatheredAudit.record", fail)
        with pytest.raises(PermissionDeniedError) as caught:
            client.reveal_token(depot.profile_id)
    assert caught.value.reason == "RIGHT_MISSING"
    assert told(depot) == []
    depot.settle()
    assert told(depot) == [
        ("RevealToken", "RIGHT_MISSING", key.api_key.api_key_id, "127.0.0.1"),
    ]
