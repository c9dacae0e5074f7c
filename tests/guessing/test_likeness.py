"""No answer, and nothing that is done for it, tells why a token or a device was refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import grpc
import pytest

from guessing.depot import CLOSED_IMEI, LIMITS, Depot
from rollbook import DeviceRow
from rollbook.v1 import enrollment_service_pb2 as messages
from rollbook_server.domain.token_values import new_value
from rollbook_server.domain.tokens import Token
from rollbook_server.storage import device_rows
from rollbook_server.storage.tokens import StoredTokens
from uploads.wire import imei

if TYPE_CHECKING:
    from collections.abc import Callable

METHOD = "/rollbook.v1.EnrollmentService/EnrollDevice"
# Else the server makes up another name for each call, and sends it back.
NAMED = (("x-request-id", "the-same"),)


def wrong_tokens(depot: Depot) -> dict[str, str]:
    """Give one of every kind: unknown, revoked, refreshed, expired."""
    found = {"unknown": new_value()}
    for kind in ("revoked", "refreshed", "expired"):
        profile = depot.admin.create_profile(kind).profile_id
        found[kind] = depot.admin.reveal_token(profile)
        if kind == "revoked":
            depot.admin.revoke_token(profile)
        elif kind == "refreshed":
            depot.admin.refresh_token(profile)
    depot.server.clock.turn(days=8)
    return found


def wire(channel: grpc.Channel, token: str) -> tuple[Any, ...]:
    """Give all that arrives: bytes or status, and the metadata before and after."""
    request = messages.EnrollDeviceRequest(token=token, imeis=[CLOSED_IMEI])
    call: Any = channel.unary_unary(METHOD)
    try:
        answer, done = call.with_call(request.SerializeToString(), metadata=NAMED)
    except grpc.RpcError as error:
        answer, done = None, error
    return (answer, done.code(), done.details(),
            tuple(done.initial_metadata()), tuple(done.trailing_metadata()))  # fmt: skip


def test_wrong_tokens_are_answered_alike_to_the_last_byte_before_the_limit_and_at_it(
    depot: Depot,
) -> None:
    kinds = wrong_tokens(depot)
    with grpc.insecure_channel(depot.server.address) as channel:
        answers = {kind: wire(channel, token) for kind, token in kinds.items()}
        assert len(set(answers.values())) == 1
        expected = messages.EnrollDeviceResponse(
            outcome=messages.ENROLL_OUTCOME_SIGN_IN_REQUIRED, sign_in_available=True
        )
        assert answers["unknown"][0] == expected.SerializeToString()

        depot.server.clock.turn(hours=1)
        depot.guess_tokens(LIMITS.wrong_tokens)
        held = {kind: wire(channel, token) for kind, token in kinds.items()}
    assert len(set(held.values())) == 1
    assert held["unknown"][1] is grpc.StatusCode.UNAVAILABLE


@pytest.fixture
def road(depot: Depot, monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[Any, ...]]:
    """Give what is done for a call: its statements, the devices that are read, what is told."""
    depot.server.app._sweeper.close()  # whose statements would be taken for ours
    database, done, read = depot.server.app._store._database, list[str](), list[object]()
    run: Any = database.execute_sql
    real = device_rows.device

    def noting(sql: str, *rest: Any, **more: Any) -> Any:
        done.append(sql)
        return run(sql, *rest, **more)

    def reading(columns: Any) -> Any:
        read.append(columns)
        return real(columns)

    def road(**presented: Any) -> tuple[Any, ...]:
        done.clear()
        read.clear()
        before = depot.server.app._witness._refusals._strangers._told.total()
        depot.enroll(**presented)
        told = depot.server.app._witness._refusals._strangers._told.total() - before
        statements = tuple(sql for sql in done if "checkpoint" not in sql and "BEGIN" not in sql)
        assert len(statements) > 1
        return told, len(read), *sorted(statements)

    monkeypatch.setattr(database, "execute_sql", noting)
    monkeypatch.setattr(device_rows, "device", reading)
    return road


def test_wrong_tokens_take_the_same_road_before_the_limit_and_at_it(
    depot: Depot, road: Callable[..., tuple[Any, ...]]
) -> None:
    tokens = wrong_tokens(depot).values()
    assert len({road(token=token, imeis=[CLOSED_IMEI]) for token in tokens}) == 1
    depot.server.clock.turn(hours=1)
    depot.guess_tokens(LIMITS.wrong_tokens + 5)
    depot.settle()
    assert len({road(token=token, imeis=[CLOSED_IMEI]) for token in tokens}) == 1


@pytest.mark.parametrize("behind_a_token", [False, True])
def test_devices_of_another_profile_take_the_road_of_unknown_ones(
    depot: Depot, road: Callable[..., tuple[Any, ...]], *, behind_a_token: bool
) -> None:
    """Also with a serial number, which is asked for where the IMEI is unknown."""
    token = ""
    if behind_a_token:
        token = depot.admin.reveal_token(depot.admin.create_profile("Other").profile_id)
    known = DeviceRow(imei(3), serial_number="S-3", manufacturer="HTC", attributes={"a": "b"})
    depot.admin.create_devices(depot.closed, [known])
    depot.enroll(token=depot.token, imeis=[CLOSED_IMEI])  # for one that was found must stand in
    for keys in ("imei", "serial", "imei serial", "imei other"):
        roads = set()
        for number in (3, 900):
            presented: dict[str, Any] = {"token": token}
            if "imei" in keys:
                presented["imeis"] = [imei(number)]
            if "serial" in keys or "other" in keys:
                serial = "S-0" if "other" in keys else f"S-{number}"
                presented |= {"serial_number": serial, "manufacturer": "HTC"}
            assert depot.enroll(**presented) == "NOT_REGISTERED"
            roads.add(road(**presented))
        assert len(roads) == 1, keys
        ((_, devices, *_),) = roads
        assert devices == len(keys.split())
        depot.settle()
        depot.server.clock.turn(hours=2)


def test_a_token_is_read_and_thrown_away_where_there_is_none(
    depot: Depot, monkeypatch: pytest.MonkeyPatch
) -> None:
    kinds, read = wrong_tokens(depot), list[Any]()
    real = StoredTokens._first

    def first(tokens: StoredTokens, *query: Any) -> Any:
        read.append(real(tokens, *query))
        return read[-1]

    monkeypatch.setattr(StoredTokens, "_first", first)
    assert {depot.enroll(token=token, imeis=[CLOSED_IMEI]) for token in kinds.values()} == {
        "SIGN_IN_REQUIRED"
    }
    assert [type(each) for each in read] == [Token] * len(kinds)
    assert len({each.token_id for each in read}) == len(kinds) - 1  # the newest for another one
