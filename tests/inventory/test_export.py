"""ExportDevices: what it tells, what it leaves out, and what happens while it goes on."""

from __future__ import annotations

import csv
import io
import threading
from itertools import islice
from typing import TYPE_CHECKING, Any

import pytest

from rollbook import (
    AbortedError,
    DeviceRow,
    FailedPreconditionError,
    NotFoundError,
    OnConflict,
    ResourceExhaustedError,
    RollbookError,
)
from rollbook_server.domain import inventory
from uploads.watchman import HOUR, Watchman
from uploads.wire import imei, until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rollbook import AdminClient, EnrollmentAgent
    from running import Server

HEADER = (
    "IMEI,IMEI2,Serial Number,Manufacturer{attributes},Rollbook Device ID,Rollbook State,"
    "Rollbook Registered,Rollbook User,Rollbook Upload,Rollbook Line,Rollbook Created,"
    "Rollbook Updated\r\n"
)
MANY = 12_000  # devices, which are more than two pieces


@pytest.fixture
def profile(admin: AdminClient) -> str:
    return admin.create_profile("Depot", tokenless=True).profile_id


@pytest.fixture
def many(admin: AdminClient, profile: str) -> str:
    """Give the profile with many devices, each long enough to fill messages."""
    lines = (f"{imei(n)[:14]},{'x' * 500}\r\n" for n in range(MANY))
    data = ("imei,site\r\n" + "".join(lines)).encode()
    assert admin.upload_devices(profile, lambda: io.BytesIO(data)).created_count == MANY
    return profile


@pytest.fixture
def let_on(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Hold inventories behind the first message with devices, until this is set.

    How much gRPC takes of what nobody reads is its own affair, and more from second to second.
    """
    event, export = threading.Event(), inventory.export

    def held(*arguments: Any) -> Iterator[bytes]:
        pieces = export(*arguments)
        yield from islice(pieces, 2)  # the header comes alone
        event.wait()
        yield from pieces

    monkeypatch.setattr(inventory, "export", held)
    yield event
    event.set()


def exported(admin: AdminClient, profile: str) -> bytes:
    return b"".join(admin.export_devices(profile))


def rows_of(data: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline="")))


def imeis_of(data: bytes) -> list[str]:
    return [row["IMEI"] for row in rows_of(data)]


def change(server: Server, sql: str) -> None:
    """Change the database of a server on its writing connection."""
    server.app._store.write(lambda roll: roll.profiles._database.execute_sql(sql))  # type: ignore[attr-defined]


def test_an_empty_profile_gives_the_header_alone(admin: AdminClient, profile: str) -> None:
    assert exported(admin, profile) == HEADER.format(attributes="").encode("utf-8-sig")


def test_a_device_is_told_with_its_state_and_where_it_came_from(
    admin: AdminClient, agent: EnrollmentAgent, profile: str, server: Server
) -> None:
    rows = [
        DeviceRow(imei=imei(1), attributes={"Site": "=1+1", "Make": 'a "b", c'}, source_line=7),
        DeviceRow(serial_number="R5", manufacturer="HTC"),
    ]
    admin.upload_rows(profile, rows, upload_id="u-1")
    server.clock.turn(hours=1)
    device_id = agent.enroll_device(imeis=[imei(1)]).device_id
    began, ended = "2026-11-23T09:00:00Z", "2026-11-23T10:00:00Z"
    header, first, second, last = exported(admin, profile).decode("utf-8-sig").split("\r\n")
    assert header + "\r\n" == HEADER.format(attributes=",attribute.Make,Site")
    assert first == (
        f"""{imei(1)},,,,"a ""b"", c",'=1+1,{device_id},REGISTERED,{ended},,"""
        f"u-1,7,{began},{began}"
    )
    assert second.startswith(",,R5,HTC,,,dev-")
    assert second.endswith(f",PENDING,,,u-1,2,{began},{began}")
    assert last == ""


def test_long_attributes_of_one_device_leave_those_of_others_where_they_belong(
    admin: AdminClient, profile: str
) -> None:
    sites = ["near", "far " * 1_000 + "away", "", "near, too"]
    rows = [DeviceRow(imei(n), attributes={"Site": site}) for n, site in enumerate(sites) if site]
    admin.upload_rows(profile, rows)
    found = {row["IMEI"]: row["Site"] for row in rows_of(exported(admin, profile))}
    assert found == {imei(n): site for n, site in enumerate(sites) if site}


def test_an_unknown_profile_is_not_found(admin: AdminClient) -> None:
    for name in ("nothing", "", "\ud7ff"):
        with pytest.raises(NotFoundError) as caught:
            exported(admin, name)
        assert caught.value.reason == "PROFILE_NOT_FOUND"


def test_devices_of_a_failed_upload_that_wait_to_be_swept_up_are_left_out(
    admin: AdminClient, agent: EnrollmentAgent, profile: str, server: Server
) -> None:
    admin.upload_rows(profile, [DeviceRow(imei=imei(n)) for n in (1, 2)])
    agent.enroll_device(imeis=[imei(2)])
    for state in ("FAILED", "DISCARDED"):
        change(server, f"UPDATE uploads SET state = '{state}'")
        assert imeis_of(exported(admin, profile)) == [imei(2)]


def wide(count: int) -> list[DeviceRow]:
    """Give devices with so many attributes of different names among them, 91 each at most."""
    names = [f"a{number}" for number in range(count)]
    return [
        DeviceRow(imei=imei(begin), attributes=dict.fromkeys(names[begin : begin + 91], "x"))
        for begin in range(0, count, 91)
    ]


def test_a_thousand_attribute_names_are_exported_and_come_back(
    admin: AdminClient, profile: str
) -> None:
    admin.upload_rows(profile, wide(1_000))
    data = exported(admin, profile)
    upload = admin.upload_devices(profile, lambda: io.BytesIO(data))
    assert (upload.unchanged_count, upload.rejected_count) == (11, 0)


def test_more_attribute_names_are_refused_before_the_first_piece(
    admin: AdminClient, profile: str
) -> None:
    admin.upload_rows(profile, wide(1_001))
    with pytest.raises(FailedPreconditionError) as caught:
        next(admin.export_devices(profile))
    assert caught.value.reason == "INVENTORY_TOO_WIDE"
    assert caught.value.metadata == {"columns": "1001", "limit": "1000"}
    assert "Take attributes off devices" in caught.value.message


def test_names_that_no_device_has_any_more_do_not_count(admin: AdminClient, profile: str) -> None:
    admin.upload_rows(profile, wide(1_001))
    bare = [DeviceRow(imei=imei(0), attributes={"b": "x"})]
    admin.upload_rows(profile, bare, on_conflict=OnConflict.UPDATE)
    header = exported(admin, profile).decode("utf-8-sig").partition("\r\n")[0].split(",")
    assert header[-9] == "b"  # first used last
    assert sorted(header[4:-9]) == sorted(f"a{number}" for number in range(91, 1_001))


def test_a_slow_reader_keeps_nobody_from_writing(
    admin: AdminClient, agent: EnrollmentAgent, many: str, let_on: threading.Event
) -> None:
    pieces = admin.export_devices(many)
    data = next(pieces)
    added = admin.upload_rows(many, [DeviceRow(imei=imei(MANY))])
    assert added.created_count == 1
    assert agent.enroll_device(imeis=[imei(MANY - 1)]).device_id
    let_on.set()
    rows = rows_of(data + b"".join(pieces))
    assert [row["IMEI"] for row in rows] == [imei(n) for n in range(MANY)]
    assert rows[-1]["Rollbook State"] == "REGISTERED"


def test_devices_that_move_meanwhile_are_told_once_or_not_and_all_others_once(
    admin: AdminClient, many: str, let_on: threading.Event
) -> None:
    other = admin.create_profile("Other").profile_id
    pieces = admin.export_devices(many)
    data = next(pieces)
    moved = {imei(3), imei(MANY - 3)}
    leaving = [DeviceRow(imei=each, attributes={"site": "y"}) for each in moved]
    admin.upload_rows(other, leaving, on_conflict=OnConflict.MOVE)
    let_on.set()
    found = imeis_of(data + b"".join(pieces))
    stayed = [each for each in map(imei, range(MANY)) if each not in moved]
    assert len(set(found)) == len(found)
    assert [each for each in found if each not in moved] == stayed
    assert (imei(3) in found, imei(MANY - 3) in found) == (True, False)


def test_an_attribute_without_a_column_breaks_the_export_rather_than_be_left_out(
    admin: AdminClient, many: str, let_on: threading.Event
) -> None:
    pieces = admin.export_devices(many)
    next(pieces)
    changed = [DeviceRow(imei=imei(MANY - 1), attributes={"new": "x"})]
    admin.upload_rows(many, changed, on_conflict=OnConflict.UPDATE)
    let_on.set()
    with pytest.raises(AbortedError) as caught:
        list(pieces)
    assert caught.value.reason == "INVENTORY_CHANGED"
    assert caught.value.message.startswith("The inventory broke off and is incomplete: ")
    assert rows_of(exported(admin, many))[-1]["new"] == "x"


def test_an_export_ends_when_its_profile_is_deleted(server: Server, many: str) -> None:
    pieces = inventory.export(server.app._store, many, server.clock())
    next(pieces), next(pieces)
    change(server, "DELETE FROM profiles")
    with pytest.raises(Exception, match="profile") as caught:
        list(pieces)
    error: Any = caught.value
    assert error.reason == "PROFILE_NOT_FOUND"


@pytest.fixture
def narrow(serve: Callable[..., Server]) -> Server:
    return serve(export_streams=1, drain_seconds=0.1)


def test_more_exports_than_the_server_takes_are_sent_away_to_come_again(narrow: Server) -> None:
    with narrow.admin() as admin:
        profile = filled(admin)
        first = admin.export_devices(profile)
        next(first)
        with pytest.raises(ResourceExhaustedError) as caught:
            exported(admin, profile)
        assert (caught.value.reason, caught.value.metadata) == ("TOO_MANY_EXPORTS", {"limit": "1"})
        assert caught.value.retry_after_seconds
        first.close()
        until(lambda: is_taken(admin, profile))


def test_a_reader_that_takes_nothing_loses_the_inventory_and_its_place(
    serve: Callable[..., Server],
) -> None:
    server = serve(export_streams=1, idle_seconds=HOUR)
    watchman = Watchman(server)
    with server.admin() as admin:
        profile = filled(admin)
        standing_still = admin.export_devices(profile)
        next(standing_still)

        def has_made_room() -> bool:
            watchman.turn(HOUR)
            return is_taken(admin, profile)

        until(has_made_room)
        with pytest.raises(AbortedError, match=r"incomplete: .*EXPORT_IDLE: The reader took"):
            list(standing_still)


def test_an_export_ends_with_the_server(narrow: Server) -> None:
    with narrow.admin() as admin:
        pieces = admin.export_devices(filled(admin))
        next(pieces)
        narrow.stop()
        with pytest.raises(RollbookError, match="broke off and is incomplete"):
            list(pieces)


def filled(admin: AdminClient) -> str:
    profile = admin.create_profile("Depot").profile_id
    lines = (f"{imei(n)},{'x' * 4000}\r\n" for n in range(3_000))
    data = ("imei,site\r\n" + "".join(lines)).encode()
    admin.upload_devices(profile, lambda: io.BytesIO(data))
    return profile


def is_taken(admin: AdminClient, profile: str) -> bool:
    """Tell whether the server takes an export; false while it is sent away."""
    try:
        return bool(next(admin.export_devices(profile)))
    except ResourceExhaustedError:
        return False
