"""Reading the log: pages, filters, and checks of it over the network."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from audit.depot import IMEI, STRANGER, Depot
from raw_calls import unary
from rollbook import AuditFault, InvalidArgumentError
from rollbook.v1 import audit_service_pb2 as messages
from rollbook_server.domain import audit_checks

if TYPE_CHECKING:
    from rollbook import AuditEvent

pytestmark = pytest.mark.both_engines


@pytest.fixture
def history(depot: Depot) -> list[AuditEvent]:
    """Give the events, newest first, of a history that spans three days."""
    depot.admin.assign_user(depot.profile_id, depot.user_id)
    depot.server.clock.turn(days=1)
    depot.agent.enroll_device(token=depot.token, imeis=[IMEI])
    depot.agent.enroll_device(token=depot.token, imeis=[STRANGER])
    depot.server.clock.turn(days=1)
    depot.admin.reveal_token(depot.profile_id)
    return depot.events()[::-1]


def test_events_are_listed_newest_first_in_pages_of_any_size(
    depot: Depot, history: list[AuditEvent]
) -> None:
    assert [event.sequence for event in history] == [*range(len(history), 0, -1)]
    for size in (1, 2, len(history), 1000):
        assert [*depot.admin.list_audit_events(page_size=size)] == history


def test_an_event_that_comes_between_two_pages_moves_nothing(
    depot: Depot, history: list[AuditEvent]
) -> None:
    listed = depot.admin.list_audit_events(page_size=2)
    first = next(listed)
    depot.admin.create_profile("Later")
    assert [first, *listed] == history


def test_each_filter_takes_what_fits_and_all_together_what_fits_all(
    depot: Depot, history: list[AuditEvent]
) -> None:
    admin, event = depot.admin, history[0]
    filters: dict[str, Any] = {
        "profile_id": depot.profile_id,
        "device_id": depot.device.device_id,
        "resource_id": event.resource_id,
        "action": "EnrollDevice",
        "actor": "device",
        "reason": "UNKNOWN_DEVICE",
    }
    for name, value in filters.items():
        wrong: dict[str, Any] = {name: f"{value}x"}
        expected = [each for each in history if getattr(each, name) == value]
        assert 0 < len(expected) < len(history)
        assert [*admin.list_audit_events(**{name: value}, page_size=1)] == expected
        assert [*admin.list_audit_events(**wrong)] == []
    del filters["device_id"]  # of the other enrollment
    assert [each.reason for each in admin.list_audit_events(**filters)] == ["UNKNOWN_DEVICE"]


def test_a_span_of_time_begins_at_its_start_and_ends_before_its_end(
    depot: Depot, history: list[AuditEvent]
) -> None:
    now = depot.server.clock()
    start, end = now - timedelta(days=1), now
    found = [*depot.admin.list_audit_events(start_time=start, end_time=end)]
    assert found == [each for each in history if each.action == "EnrollDevice"]
    assert [*depot.admin.list_audit_events(start_time=end)] == history[:1]


@pytest.mark.parametrize(("fields", "fault"), [
    ({"page_size": -1}, "page_size"),
    ({"start_time": {"seconds": 2}, "end_time": {"seconds": 1}}, "end_time"),
    ({"start_time": {"seconds": 2**62}}, "start_time"),
    ({"end_time": {"seconds": 0, "nanos": -1}}, "end_time"),
])  # fmt: skip
def test_what_cannot_be_meant_is_refused_by_its_field(
    depot: Depot, fields: dict[str, Any], fault: str
) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        call(depot, "ListAuditEvents", **fields)
    assert list(caught.value.fields) == [fault]


@pytest.mark.parametrize("fields", [
    {"anchor_sequence": 1},
    {"anchor_digest": b"1" * 32},
    {"anchor_sequence": -1, "anchor_digest": bytes(32)},
    {"anchor_sequence": 1, "anchor_digest": bytes(31)},
])  # fmt: skip
def test_half_an_anchor_is_refused(depot: Depot, fields: dict[str, Any]) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        call(depot, "VerifyAuditLog", **fields)
    assert next(iter(caught.value.fields)).startswith("anchor_")


def call(depot: Depot, name: str, **fields: Any) -> Any:
    request = getattr(messages, f"{name}Request")(**fields)
    return unary(depot.admin, getattr(depot.admin._audit, name), request)


def test_a_page_token_of_another_check_or_list_is_refused(
    depot: Depot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit_checks, "PIECE", 2)
    check = call(depot, "VerifyAuditLog").next_page_token
    listed = call(depot, "ListAuditEvents", page_size=1).next_page_token
    anchor = {"anchor_sequence": 1, "anchor_digest": bytes(32)}
    for name, fields in (
        ("ListAuditEvents", {"page_token": check}),
        ("VerifyAuditLog", {"page_token": listed}),
        ("VerifyAuditLog", {"page_token": check, **anchor}),
        ("ListAuditEvents", {"page_token": listed, "action": "CreateUser"}),
    ):
        with pytest.raises(InvalidArgumentError) as caught:
            call(depot, name, **fields)
        assert caught.value.reason == "PAGE_TOKEN_INVALID"


@pytest.mark.parametrize("piece", [1, 2, 4, 1000])
def test_a_check_in_pieces_reaches_the_end_and_its_anchor_holds_later(
    depot: Depot, monkeypatch: pytest.MonkeyPatch, piece: int
) -> None:
    monkeypatch.setattr(audit_checks, "PIECE", piece)
    newest = depot.events()[-1]
    check = depot.admin.verify_audit_log()
    assert (check.checked_count, check.first_break) == (newest.sequence, None)
    assert (check.last_sequence, check.last_digest) == (newest.sequence, newest.digest)
    assert depot.admin.recompute_audit_log() == check
    depot.admin.create_profile("Later")
    anchor: dict[str, Any] = {
        "anchor_sequence": check.last_sequence,
        "anchor_digest": check.last_digest,
    }
    assert depot.admin.verify_audit_log(**anchor).first_break is None
    broken = depot.admin.verify_audit_log(**{**anchor, "anchor_digest": bytes(32)}).first_break
    assert broken is not None
    assert (broken.sequence, broken.fault) == (newest.sequence, AuditFault.ANCHOR_DIFFERS)


@pytest.mark.parametrize(("change", "sequence", "fault"), [
    ("UPDATE audit_events SET actor = 'x' WHERE sequence = 3", 3, "EVENT_CHANGED"),
    ("DELETE FROM audit_events WHERE sequence = 2", 2, "EVENT_MISSING"),
    ("UPDATE audit_events SET digest = seal WHERE sequence = 1", 1, "EVENT_CHANGED"),
])  # fmt: skip
def test_server_and_client_name_the_same_break(
    depot: Depot, change: str, sequence: int, fault: str
) -> None:
    depot.server.stop()
    depot.change(change)
    depot.server = type(depot.server)(depot.server.config)
    try:
        with depot.server.admin() as admin:
            for check in (admin.verify_audit_log(), admin.recompute_audit_log()):
                assert check.first_break is not None
                assert (check.first_break.sequence, check.first_break.fault) == (sequence, fault)
                assert check.checked_count == check.last_sequence == sequence - 1
    finally:
        depot.server.stop()


def test_an_empty_log_is_whole_and_begins_nowhere(server: Any) -> None:
    with server.admin() as admin:
        check = admin.verify_audit_log()
        assert (check.checked_count, check.first_break) == (0, None)
        assert admin.recompute_audit_log() == check
