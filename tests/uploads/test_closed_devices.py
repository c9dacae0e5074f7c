"""Devices that an upload under FAIL put in before its end, and what others see of them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from rollbook import DeviceRow, EnrollOutcome
from rollbook_server.domain import inventory, preparing, staging
from uploads.test_all_or_nothing import A, B, C, D, counts, table
from uploads.wire import FAIL, FINISHED, Wire, csv, file, finish, opening, until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rollbook import AdminClient, EnrollmentAgent
    from running import Server

pytestmark = pytest.mark.both_engines


@pytest.fixture
def wire(server: Server) -> Iterator[Wire]:
    with Wire(server) as wire:
        yield wire


@pytest.fixture
def profile(admin: AdminClient) -> str:
    return admin.create_profile("Depot", tokenless=True).profile_id


def test_closed_devices_are_seen_nowhere(
    wire: Wire, admin: AdminClient, agent: EnrollmentAgent, profile: str
) -> None:
    wire.send(opening(profile, on_invalid_row=FAIL), csv(table(f"{A},,,,x", f"{B},,R1,HTC,y")))
    assert wire.query("SELECT count(*) FROM devices") == [(2,)], "they lie there, closed"
    assert list(admin.list_devices(profile)) == []
    assert list(admin.list_devices(profile, upload_id="u")) == []
    assert list(admin.list_devices(identifier_prefix=A[:14])) == []
    assert agent.enroll_device(imeis=[A]).outcome is EnrollOutcome.NOT_REGISTERED
    by_serial = agent.enroll_device(serial_number="R1", manufacturer="HTC")
    assert by_serial.outcome is EnrollOutcome.NOT_REGISTERED
    assert b"".join(admin.export_devices(profile)).count(b"\n") == 1
    assert admin.get_profile(profile).device_count == 0
    assert admin.discard_upload("u").removed_count == 0
    until(lambda: wire.query("SELECT count(*) FROM devices") == [(0,)])
    assert admin.get_profile(profile).device_count == 0


def test_whoever_needs_a_key_of_a_closed_device_gets_it(
    wire: Wire, admin: AdminClient, profile: str
) -> None:
    data = table(f"{A},,,,x", f"{B},,,,y")
    wire.send(opening(profile, on_invalid_row=FAIL), csv(data))
    other = admin.create_profile("Other").profile_id
    (created,) = admin.create_devices(other, [DeviceRow(A)])
    admin.delete_devices([created.device_id])
    upload = wire.send(opening(profile, on_invalid_row=FAIL), finish(total_bytes=len(data)))
    assert (upload.state, counts(upload)) == (FINISHED, (2, 0, 0, 0))
    assert len(wire.devices()) == admin.get_profile(profile).pending_count == 2


def test_what_was_prepared_is_forgotten_after_an_hour_and_made_anew(
    wire: Wire, server: Server, admin: AdminClient, profile: str
) -> None:
    data = table(f"{A},,,,x", f"{B},,,,y", f"{C},,,,z")
    wire.send(opening(profile, "old"), file(table(f"{D},,,,")))
    wire.send(opening(profile, on_invalid_row=FAIL), csv(data[:-20]))
    assert wire.query("SELECT count(*) FROM devices") == [(3,)]
    later = datetime.now(UTC) + preparing.IDLE
    preparing.forget_idle(server.app._store, later, lambda: True)
    assert wire.query("SELECT count(*) FROM devices") == [(1,)]
    assert wire.query("SELECT count(*) FROM staged_rows") == [(2,)]
    upload = wire.send(opening(profile, on_invalid_row=FAIL), file(data))
    assert (upload.state, counts(upload)) == (FINISHED, (3, 0, 0, 0))
    assert admin.get_profile(profile).pending_count == len(wire.devices()) == 4


def test_an_inventory_that_was_begun_before_the_finish_has_none_of_its_devices(
    wire: Wire, server: Server, profile: str
) -> None:
    """Its piece holds a thousand devices; the end comes between two of them."""
    data = table(*(f",,R{number},HTC," for number in range(1_500)))
    wire.send(opening(profile, "old"), file(table(",,Old,HTC,")))
    wire.send(opening(profile, on_invalid_row=FAIL), csv(data))
    begun = inventory.export(server.app._store, profile, datetime.now(UTC))
    header = next(begun)
    wire.send(opening(profile, on_invalid_row=FAIL), finish(total_bytes=len(data)))
    assert (header + b"".join(begun)).count(b"\n") == 2


def test_an_upload_between_whose_steps_others_always_come_ends_with_a_reason(
    wire: Wire, profile: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = table(f"{A},,,,x")
    wire.send(opening(profile, on_invalid_row=FAIL), csv(data))
    with monkeypatch.context() as patches:
        patches.setattr(staging, "_conclude", _disturbed)
        refused = wire.refused(opening(profile, on_invalid_row=FAIL), finish(total_bytes=len(data)))
    assert refused[:2] == ("UNAVAILABLE", "STORE_UNAVAILABLE")
    upload = wire.send(opening(profile, on_invalid_row=FAIL), finish(total_bytes=len(data)))
    assert (upload.state, counts(upload)) == (FINISHED, (1, 0, 0, 0))


def _disturbed(*_: Any) -> None:
    raise preparing.DisturbedError


def test_a_strict_upload_that_changes_nothing_is_no_change_of_the_profile(
    wire: Wire, server: Server, admin: AdminClient, profile: str
) -> None:
    wire.send(opening(profile, "old"), file(table(f"{A},,,,x")))
    before = admin.get_profile(profile)
    server.clock.turn(hours=1)
    wire.send(opening(profile, on_invalid_row=FAIL), file(table(f"{A},,,,x")))
    assert admin.get_profile(profile) == before
