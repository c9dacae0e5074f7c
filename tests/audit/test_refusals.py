"""Refusals are told with their true reason, and cannot fill the log."""

from __future__ import annotations

import hmac
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from audit.depot import IMEI, PASSWORD, STRANGER, Depot
from rollbook import AdminClient, DeviceRow, Role, RollbookError
from rollbook_server.domain.audit_limits import OF_ALL, OF_SOURCE, SUMS, Kind, RefusalLimit
from rollbook_server.domain.callers import Caller, calling
from rollbook_server.domain.matching import Presented
from rollbook_server.domain.witness import Witness
from uploads.wire import imei

if TYPE_CHECKING:
    from collections.abc import Callable

    from rollbook import AuditEvent
    from running import Server

WRONG_TOKEN = "2QQMR-N59B1-SP8W7-HCA4C-C8VV3-F6G8G"


def expired(depot: Depot) -> str:
    depot.server.clock.turn(days=8)
    return depot.token


def revoked(depot: Depot) -> str:
    depot.admin.revoke_token(depot.profile_id)
    return depot.token


def refreshed(depot: Depot) -> str:
    before = depot.token
    depot.admin.refresh_token(depot.profile_id)
    return before


def other_profile(depot: Depot) -> str:
    other = depot.admin.create_profile("Other")
    return depot.admin.reveal_token(other.profile_id)


REFUSALS: list[tuple[str, Callable[[Depot], str], list[str]]] = [
    ("TOKEN_UNKNOWN", lambda _: WRONG_TOKEN, [IMEI]),
    ("TOKEN_UNKNOWN", lambda _: "no token at all", [IMEI]),
    ("TOKEN_EXPIRED", expired, [IMEI]),
    ("TOKEN_REVOKED", revoked, [IMEI]),
    ("TOKEN_REVOKED", refreshed, [IMEI]),
    ("OTHER_PROFILE", other_profile, [IMEI]),
    ("OTHER_PROFILE", lambda _: "", [IMEI]),
    ("UNKNOWN_DEVICE", lambda depot: depot.token, [STRANGER]),
    ("AMBIGUOUS", lambda depot: depot.token, [imei(1), imei(2)]),
]


@pytest.mark.parametrize(("reason", "token", "imeis"), REFUSALS)
def test_a_refused_device_is_told_with_the_true_reason(
    depot: Depot, reason: str, token: Callable[[Depot], str], imeis: list[str]
) -> None:
    depot.admin.create_devices(depot.profile_id, [DeviceRow(imei(2))])
    presented = token(depot)
    depot.news()
    depot.agent.enroll_device(token=presented, imeis=imeis)
    (event,) = depot.news()
    assert (event.action, event.reason, event.actor) == ("EnrollDevice", reason, "device")


def test_which_token_was_refused_and_why_cannot_be_seen_from_what_is_done(
    depot: Depot, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same statements, whatever is wrong with a token, told on its own or counted.

    One that was presented at this address within the hour is a guess no more, and takes a
    statement less, whatever is wrong with it.
    """
    depot.server.app._sweeper.close()  # whose statements would be taken for ours
    database, done = depot.server.app._store._database, list[str]()

    def noting(run: Any, sql: str, *rest: Any, **more: Any) -> Any:
        done.append(sql)
        return run(sql, *rest, **more)

    def statements(token: str) -> tuple[str, ...]:
        done.clear()
        depot.agent.enroll_device(token=token, imeis=[IMEI])
        return tuple(sql for sql in done if "checkpoint" not in sql and "BEGIN" not in sql)

    for name in ("execute_sql", "execute_rows", "hand_over", "ask_ahead"):
        monkeypatch.setattr(database, name, partial(noting, getattr(database, name)))
    causes = (lambda _: WRONG_TOKEN, refreshed, expired, revoked)
    told = set()
    for cause in causes:
        token = cause(depot)
        depot.server.clock.turn(hours=1)
        told.add(statements(token))
    assert len(told) == 1
    for _ in range(OF_SOURCE):
        depot.agent.enroll_device(token=WRONG_TOKEN, imeis=[IMEI])
    counted = {statements(token) for token in (WRONG_TOKEN, depot.token)}
    assert len(counted) == 1
    assert counted != told


def test_it_says_which_profile_token_and_device_it_was_about(depot: Depot) -> None:
    depot.agent.enroll_device(token=depot.token, imeis=[STRANGER])
    depot.agent.enroll_device(imeis=[IMEI])
    by_token, without = depot.news()
    token_id = depot.admin.get_token(depot.profile_id).token_id
    assert (by_token.profile_id, by_token.resource_id) == (depot.profile_id, token_id)
    assert (without.profile_id, without.device_id) == (depot.profile_id, depot.device.device_id)


SIGN_INS: list[tuple[str, dict[str, Any]]] = [
    ("USER_UNKNOWN", {"user_name": "bob", "password": PASSWORD}),
    ("PASSWORD_WRONG", {"user_name": "ada", "password": "wrong password"}),
    ("UNKNOWN_DEVICE", {"user_name": "ada", "password": PASSWORD, "imeis": [STRANGER]}),
]


def test_a_refused_sign_in_is_told_with_its_user_if_there_is_one(depot: Depot) -> None:
    for reason, presented in SIGN_INS:
        depot.agent.sign_in_device(**{"imeis": [IMEI], **presented})
        (event,) = depot.news()
        assert (event.action, event.reason) == ("SignInDevice", reason)
        assert event.resource_id == ("" if reason == "USER_UNKNOWN" else depot.user_id)


def test_what_was_presented_can_be_told_apart_and_not_read(depot: Depot) -> None:
    for presented in (STRANGER, STRANGER[:14], imei(77), "SN-123456"):
        is_serial = presented.startswith("SN")
        depot.agent.enroll_device(
            imeis=[] if is_serial else [presented],
            serial_number=presented if is_serial else "",
            manufacturer="Samsung" if is_serial else "",
        )
    same, again, other, serial = (event.details for event in depot.news())
    assert same == again != other
    assert same["imei"].endswith(f"..{STRANGER[-2:]}")
    assert serial["serial_number"].endswith("..56")


def test_what_a_device_is_told_as_depends_on_the_key_file() -> None:
    presented = Presented.of([STRANGER], "SN-123456", "Samsung")
    ours, theirs = (
        dict(Witness(partial(hmac_of, key))._marks(presented, "ada")) for key in (b"1", b"2")
    )
    assert list(ours) == ["imei", "serial_number", "user_name"]
    assert not [name for name in ours if ours[name][:12] == theirs[name][:12]]


def hmac_of(key: bytes, text: str) -> bytes:
    return hmac.digest(key, text.encode(), "sha256")


def test_a_call_with_a_wrong_key_is_told(server: Server, depot: Depot) -> None:
    with AdminClient(server.address, api_key="rbk_" + "x" * 40) as stranger:
        for work in (lambda: [*stranger.list_users()], lambda: stranger.create_user("bob")):
            with pytest.raises(RollbookError) as caught:
                work()
            assert caught.value.reason == "API_KEY_INVALID"
    told = [(event.action, event.reason, event.source) for event in depot.news()]
    assert told == [(name, "API_KEY_INVALID", "127.0.0.1") for name in ("ListUsers", "CreateUser")]


def test_a_call_without_the_right_is_told_with_its_key(server: Server, depot: Depot) -> None:
    made = depot.admin.create_api_key("Reports", role=Role.VIEWER)
    depot.news()
    with AdminClient(server.address, api_key=made.value) as viewer, pytest.raises(RollbookError):
        viewer.reveal_token(depot.profile_id)
    (event,) = depot.news()
    assert (event.action, event.reason) == ("RevealToken", "RIGHT_MISSING")
    assert event.actor == made.api_key.api_key_id


def test_refusals_beyond_the_limit_are_one_event_with_their_count(depot: Depot) -> None:
    for _ in range(OF_SOURCE + 5):
        depot.agent.enroll_device(imeis=[STRANGER])
    assert len(depot.news()) == OF_SOURCE
    depot.settle()
    (event,) = depot.news()
    assert (event.action, event.reason) == ("EnrollDevice", "UNKNOWN_DEVICE")
    assert event.details == {"count": "5", "since": depot.server.clock().isoformat()}
    depot.agent.enroll_device(imeis=[STRANGER])  # in the next period
    assert len(depot.news()) == 1
    depot.settle()
    assert depot.news() == []


def test_a_device_that_comes_again_and_again_does_not_fill_the_log_either(depot: Depot) -> None:
    token = depot.token
    for _ in range(OF_SOURCE + 5):
        depot.agent.enroll_device(token=token, imeis=[IMEI])
    first, *again = depot.news()
    assert first.details == {"rule": "IMEI"}
    assert [event.details for event in again] == [{"rule": "IMEI", "again": "yes"}] * OF_SOURCE
    depot.settle()
    assert [event.details["count"] for event in depot.news()] == ["4"]


def test_what_was_counted_is_told_when_the_server_stops(
    depot: Depot, serve: Callable[..., Server]
) -> None:
    for _ in range(OF_SOURCE + 1):
        depot.agent.enroll_device(imeis=[STRANGER])
    depot.server.stop()
    with serve().admin() as admin:
        assert next(admin.list_audit_events()).details["count"] == "1"
        assert admin.verify_audit_log().first_break is None


def test_what_cannot_be_told_is_counted_on(depot: Depot, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(OF_SOURCE + 2):
        depot.agent.enroll_device(imeis=[STRANGER])
    depot.news()
    with monkeypatch.context() as full:

        def refuse(*_: object) -> None:
            raise ZeroDivisionError

        full.setattr("rollbook_server.storage.audit.GatheredAudit.record", refuse)
        with pytest.raises(ZeroDivisionError):
            depot.settle()
    depot.settle()
    assert [event.details["count"] for event in depot.news()] == ["2"]


def kind(source: str, reason: str = "TOKEN_UNKNOWN") -> Kind:
    return Kind("EnrollDevice", "device", source, reason)


def test_a_source_has_its_share_and_all_sources_together_have_theirs(server: Server) -> None:
    limit, now = RefusalLimit(), server.clock()
    admitted = [limit.admits(kind("192.0.2.1"), now) for _ in range(1000)]
    assert sum(admitted) == OF_SOURCE
    others = [limit.admits(kind(f"2001:db8:0:{n:x}::1"), now) for n in range(1000)]
    assert sum(admitted) + sum(others) == OF_ALL
    sums = limit.take()
    assert len(sums) <= SUMS + 1
    assert sum(each.count for each in sums) == 2000 - OF_ALL
    assert limit.admits(kind("192.0.2.1"), now)
    assert limit.take() == []


def test_one_ipv6_host_has_the_share_of_one_address(server: Server) -> None:
    limit, now = RefusalLimit(), server.clock()
    hosts = [f"2001:db8::{n:x}" for n in range(300)]
    assert sum(limit.admits(kind(host), now) for host in hosts) == OF_SOURCE
    assert limit.admits(kind("192.0.2.7"), now)
    (counted,) = limit.take()
    assert (counted.kind.source, counted.count) == ("2001:db8::/64", 300 - OF_SOURCE)
    limit.put_back([counted])
    limit.count(kind("2001:db8::1"), now)
    assert [(each.kind.source, each.count) for each in limit.take()] == [
        ("2001:db8::/64", 301 - OF_SOURCE)
    ]


def test_an_ipv6_address_that_was_refused_alone_is_named_in_the_sum(server: Server) -> None:
    limit, now = RefusalLimit(), server.clock()
    for _ in range(OF_SOURCE + 2):
        limit.admits(kind("2001:db8::7"), now)
    assert [each.kind.source for each in limit.take()] == ["2001:db8::7"]


def test_strangers_leave_room_for_callers_with_a_key(server: Server) -> None:
    limit, now = RefusalLimit(), server.clock()
    for actor in ("", "device"):
        for n in range(OF_ALL + SUMS):
            limit.admits(Kind("EnrollDevice", actor, f"10.0.{n // 250}.{n % 250}", "X"), now)
    wanted = Kind("RevealToken", "key-1", "10.0.0.1", "RIGHT_MISSING")
    assert [limit.admits(wanted, now) for _ in range(OF_SOURCE + 3)].count(True) == OF_SOURCE
    assert [each.count for each in limit.take() if each.kind == wanted] == [3]


def test_a_key_has_one_share_wherever_it_calls_from(server: Server) -> None:
    limit, now = RefusalLimit(), server.clock()
    calls = [Kind("GetToken", "key-1", f"192.0.2.{n}", "RIGHT_MISSING") for n in range(100)]
    assert sum(limit.admits(call, now) for call in calls) == OF_SOURCE
    assert limit.admits(calls[0]._replace(actor="key-2"), now)


def test_it_is_told_by_whom_a_call_came_that_was_not_let_in(depot: Depot) -> None:
    app = depot.server.app
    witness: Any = Witness(app._keyed)
    caller = Caller("key-9", "192.0.2.9")
    witness.turned_away(app._store, "/rollbook.v1.UserService/CreateUser", caller, "RIGHT_MISSING",
                        depot.server.clock())  # fmt: skip
    (event,) = depot.news()
    assert (event.actor, event.source) == ("key-9", "192.0.2.9")
    assert (event.action, event.reason) == ("CreateUser", "RIGHT_MISSING")


def sources(events: list[AuditEvent]) -> list[str]:
    return [event.source for event in events]


def test_refusals_are_counted_by_the_address_they_come_from(depot: Depot) -> None:
    app = depot.server.app
    for source in ("192.0.2.1", "192.0.2.2"):
        caller = Caller("", source)
        for _ in range(OF_SOURCE + 1):
            with calling(caller):
                app._witness.turned_away(
                    app._store, "/s/GetToken", caller, "API_KEY_INVALID", depot.server.clock()
                )
    assert sources(depot.news()) == ["192.0.2.1"] * OF_SOURCE + ["192.0.2.2"] * OF_SOURCE
    depot.settle()
    assert sources(depot.news()) == ["192.0.2.1", "192.0.2.2"]
