"""CreateDevices: up to 1,000, all or none, every bad one named."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from devices.calls import imei, new
from rollbook import DeviceRow, DeviceState, InvalidArgumentError

if TYPE_CHECKING:
    from devices.calls import Wire
    from rollbook import AdminClient

IMEI, IMEI2 = "356938035643809", "490154203237518"


def test_devices_stand_on_the_roll_in_the_order_of_the_request(
    admin: AdminClient, depot: str
) -> None:
    rows = [
        DeviceRow("35-693803-564380-9", "", "", "", {"site": "Nord", "empty": ""}, source_line=7),
        DeviceRow(serial_number=" S1 ", manufacturer="Acme"),
        DeviceRow(imei2=IMEI2),
    ]
    one, two, three = admin.create_devices(depot, rows)
    assert (one.imei, one.attributes, one.state) == (IMEI[:14], {"site": "Nord"}, "PENDING")
    assert (one.upload_id, one.source_line, one.profile_id) == ("", 0, depot)
    assert (two.serial_number, two.manufacturer) == ("S1", "Acme")
    assert (three.imei, three.imei2) == (IMEI2[:14], "")
    assert list(admin.list_devices(depot)) == [one, two, three]
    assert [admin.get_device(each.device_id) for each in (one, two, three)] == [one, two, three]
    profile = admin.get_profile(depot)
    assert (profile.device_count, profile.pending_count) == (3, 3)
    assert profile.devices_update_time == one.create_time


BAD_ROWS: list[tuple[dict[str, Any], str, str]] = [
    ({}, "devices[1]", "identifies no device"),
    ({"imei": "356938035643808"}, "devices[1].imei", "check digit"),
    ({"imei": "12345"}, "devices[1].imei", "5 digits"),
    ({"imei": "35693803564380\0"}, "devices[1].imei", "NUL"),
    ({"imei": IMEI, "imei2": IMEI}, "devices[1].imei2", "the same IMEI"),
    ({"imei": "x" * 100_000}, "devices[1].imei", "characters; an IMEI has"),
    ({"imei": '="356938035643809"'}, "devices[1].imei", "is it *************09?"),
    ({"serial_number": "S1"}, "devices[1].manufacturer", "add the manufacturer"),
    ({"manufacturer": "Acme"}, "devices[1].serial_number", "add the serial number"),
    ({"serial_number": "S" * 129, "manufacturer": "A"}, "devices[1].serial_number", "129"),
    ({"serial_number": "S\u202e1", "manufacturer": "A"}, "devices[1].serial_number", "U+202E"),
    ({"serial_number": "S", "manufacturer": "A\x07"}, "devices[1].manufacturer", "U+0007"),
    ({"imei": IMEI, "attributes": {"a": "x" * 4097}}, "devices[1].attributes", "a: 4,097"),
    ({"imei": IMEI, "attributes": {"": "x"}}, "devices[1].attributes", "name of an attribute"),
    ({"imei": IMEI, "attributes": {"a": "\0"}}, "devices[1].attributes", "NUL"),
    (
        {"imei": IMEI, "attributes": {str(n): "x" for n in range(101)}},
        "devices[1].attributes",
        "101 custom",
    ),
    ({"imei": "x", "source_line": 77}, "devices[1].imei", "line 77: "),
    ({"imei": imei(1)}, "devices[1].imei", "devices[0] has this IMEI already"),
    ({"imei": IMEI, "imei2": imei(1)}, "devices[1].imei2", "devices[0] has this second IMEI"),
    ({"imei": imei(2)}, "devices[1].imei", "devices[0] has this IMEI already"),
    ({"imei": imei(8)}, "devices[1].imei", "has this IMEI already"),
    ({"imei": imei(9)}, "devices[1].imei", "has this IMEI already"),
    ({"imei2": imei(9), "imei": IMEI}, "devices[1].imei2", "has this second IMEI already"),
    ({"serial_number": "S8", "manufacturer": "ACME"}, "devices[1].serial_number", "already"),
]


@pytest.mark.parametrize(("bad", "path", "text"), BAD_ROWS)
def test_a_bad_device_is_named_and_the_good_one_is_not_created(
    wire: Wire, admin: AdminClient, depot: str, bad: dict[str, Any], path: str, text: str
) -> None:
    there = DeviceRow(imei(8), imei(9), "S8", "Acme")
    other = admin.create_profile("Other", tokenless=True).profile_id
    admin.create_devices(other, [there])
    good = new(imei=imei(1), imei2=imei(2))
    error = wire.failure("CreateDevices", profile_id=depot, devices=[good, new(**bad)])
    assert (error.reason, error.code) == ("DEVICES_INVALID", "INVALID_ARGUMENT")
    assert list(error.fields) == [path]
    assert text in error.fields[path]
    assert error.metadata == {"count": "1", "indexes": "1"}
    assert list(admin.list_devices(depot)) == []
    assert admin.get_profile(depot).device_count == 0


@pytest.mark.parametrize("twin", [(IMEI, ""), ("", IMEI)])
def test_a_device_that_is_on_the_roll_is_refused_even_if_equal(
    admin: AdminClient, depot: str, twin: tuple[str, str]
) -> None:
    (there,) = admin.create_devices(depot, [DeviceRow(IMEI)])
    with pytest.raises(InvalidArgumentError, match=there.device_id):
        admin.create_devices(depot, [DeviceRow(*twin)])


def test_five_hundred_bad_ones_among_a_thousand_are_all_named(
    admin: AdminClient, depot: str
) -> None:
    rows = [DeviceRow(imei(n) if n % 2 else "broken \u20ac\U0001f600") for n in range(1000)]
    with pytest.raises(InvalidArgumentError) as caught:
        admin.create_devices(depot, rows)
    error = caught.value
    assert error.metadata["count"] == "500"
    assert [int(index) for index in error.metadata["indexes"].split(",")] == [*range(0, 1000, 2)]
    assert "devices[0].imei" in error.fields
    assert admin.get_profile(depot).device_count == 0


def test_runs_of_bad_ones_are_told_in_short(wire: Wire, depot: str) -> None:
    bad = {0, 3, *range(7, 13)}
    rows = [new(imei="x" if n in bad else imei(n)) for n in range(20)]
    error = wire.failure("CreateDevices", profile_id=depot, devices=rows)
    assert error.metadata == {"count": "8", "indexes": "0,3,7-12"}


def test_one_call_takes_a_thousand_devices_and_no_more(
    wire: Wire, admin: AdminClient, depot: str
) -> None:
    rows = [new(imei=imei(n)) for n in range(1001)]
    error = wire.failure("CreateDevices", profile_id=depot, devices=rows)
    assert (error.reason, error.metadata) == (
        "TOO_MANY_DEVICES",
        {"count": "1001", "limit": "1000"},
    )
    assert len(wire.call("CreateDevices", profile_id=depot, devices=rows[:1000]).devices) == 1000
    assert admin.get_profile(depot).pending_count == 1000


def test_a_call_without_devices_or_profile_is_refused(wire: Wire, depot: str) -> None:
    error = wire.failure("CreateDevices", profile_id=depot)
    assert (error.reason, list(error.fields)) == ("FIELD_INVALID", ["devices"])
    for unknown in ("", "prf-unknown", "a\0b"):
        error = wire.failure("CreateDevices", profile_id=unknown, devices=[new(imei=IMEI)])
        assert error.reason == "PROFILE_NOT_FOUND"


def test_the_same_request_id_creates_once(wire: Wire, admin: AdminClient, depot: str) -> None:
    request_id, rows = str(uuid4()), [new(imei=IMEI)]
    fields = {"profile_id": depot, "request_id": request_id}
    first = wire.call("CreateDevices", devices=rows, **fields)
    assert wire.call("CreateDevices", devices=rows, **fields) == first
    error = wire.failure("CreateDevices", devices=[new(imei=IMEI2)], **fields)
    assert error.reason == "REQUEST_ID_REUSED"
    error = wire.failure("CreateDevices", devices=rows, profile_id=depot, request_id="mine")
    assert error.reason == "REQUEST_ID_INVALID"
    assert admin.get_profile(depot).device_count == 1


def test_what_does_not_fit_an_answer_is_not_created(
    wire: Wire, admin: AdminClient, depot: str
) -> None:
    rows = [new(imei=imei(n), attributes={"a": "x" * 4096, "b": "x" * 45}) for n in range(1000)]
    error = wire.failure("CreateDevices", profile_id=depot, devices=rows)
    assert error.reason == "TOO_MANY_DEVICES"
    assert admin.get_profile(depot).device_count == 0


def test_devices_of_a_discarded_upload_are_not_in_the_way(admin: AdminClient, depot: str) -> None:
    upload = admin.upload_rows(depot, [DeviceRow(IMEI)])
    admin.discard_upload(upload.upload_id)
    (made,) = admin.create_devices(depot, [DeviceRow(IMEI)])
    assert [device.device_id for device in admin.list_devices(depot)] == [made.device_id]
    assert made.state is DeviceState.PENDING
