"""Whoever runs the server hears of those who guess."""

from __future__ import annotations

from typing import TYPE_CHECKING

from guessing.depot import HELD
from rollbook_server.domain.errors import Reason
from rollbook_server.domain.errors import RollbookError as DomainError
from uploads.wire import imei

if TYPE_CHECKING:
    import pytest

    from guessing.depot import Depot


def test_an_alarm_is_raised_once_an_hour(depot: Depot) -> None:
    depot.guess_devices(40)
    depot.guess_tokens(9)
    told = [(e.reason, e.source, e.actor, e.details) for e in depot.alarms()]
    assert told == [
        ("WRONG_DEVICES", "127.0.0.1", "device", {"count": "6"}),
        ("WRONG_TOKENS", "127.0.0.1", "device", {"count": "5"}),
    ]
    depot.server.clock.turn(hours=1)
    depot.guess_devices(40)
    assert len(depot.alarms()) == 3


def test_an_alarm_names_the_token_that_leaked(depot: Depot) -> None:
    depot.guess_devices(9, token=depot.token)
    (alarm,) = depot.alarms()
    token_id = depot.admin.get_token(depot.closed).token_id
    assert (alarm.profile_id, alarm.resource_id) == (depot.closed, token_id)


def test_an_alarm_names_the_network_if_its_addresses_guess_together(depot: Depot) -> None:
    for n in range(2, 11):
        with depot.elsewhere(f"127.0.0.{n}") as agent:
            for m in range(6):
                depot.enroll(agent, imeis=[imei(1000 * n + m)])
    assert [e.details.get("network") for e in depot.alarms()] == ["127.0.0.0/24"]


def test_those_who_wait_are_counted_in_the_log(depot: Depot) -> None:
    depot.guess_devices(26)
    depot.settle()
    held = list(depot.admin.list_audit_events(reason=HELD))
    assert [e.details.get("count") for e in held] == ["19", None]
    assert depot.admin.verify_audit_log().first_break is None


def test_an_alarm_that_could_not_be_told_is_told_later(
    depot: Depot, monkeypatch: pytest.MonkeyPatch
) -> None:
    depot.guess_devices(6)
    with monkeypatch.context() as full:

        def refuse(*_: object) -> None:
            raise DomainError(Reason.STORE_FULL, "no room")

        full.setattr("rollbook_server.storage.audit.GatheredAudit.record", refuse)
        assert depot.guess_devices(1, 2000) == ["STORE_FULL"]
        assert depot.guess_devices(1, 3000, token=depot.token) == ["STORE_FULL"]
    assert depot.alarms() == []
    assert depot.guess_devices(2, 4000) == [HELD] * 2
    assert len(depot.alarms()) == 1
