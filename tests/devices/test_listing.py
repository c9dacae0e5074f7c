"""ListDevices: filters, pages, and a prefix that is no pattern."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.calls import Wire, imei
from rollbook import DeviceRow, DeviceState
from rollbook_server.storage import device_lists
from rollbook_server.storage.prefixes import successor

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rollbook import AdminClient, Device, EnrollmentAgent
    from running import Server

pytestmark = pytest.mark.both_engines

AWKWARD = "aAbß%_*?[]\\ é\u0301\ud7ff\ue000\U0010ffff\U0001f600-9."
SERIALS = [
    *("a%b", "a_b", "axb", "A%b", "a*", "a?", "a[b]", "ab", "é", "e", "é1", "\ud7ff1", "\ue0001"),
    *("\U0010ffff", "\U0010ffff\U0010ffffz", "\U0001f600x", "35", "35-1", "99A", "ß", "SS", "b c"),
]
IMEIS = ["35000000000001", "35000000000010", "99000000000001", "A1000000000001", "35100000000001"]


@pytest.fixture
def shelf(admin: AdminClient, depot: str) -> list[Device]:
    """Give devices with awkward identifiers."""
    by_serial = [DeviceRow(serial_number=text, manufacturer="Acme") for text in SERIALS]
    by_imei = [DeviceRow(imei(n), core) for n, core in enumerate(IMEIS, 500_000)]
    made = [*admin.create_devices(depot, by_serial), *admin.create_devices(depot, by_imei)]
    assert [device.serial_number for device in made[: len(SERIALS)]] == SERIALS
    return made


def naively(devices: list[Device], prefix: str) -> list[Device]:
    serial = unicodedata.normalize("NFC", prefix.strip())
    digits = "".join(sign for sign in prefix.upper() if sign not in " -._")
    return [
        device
        for device in devices
        if (device.serial_number.startswith(serial) and device.serial_number)
        or (digits and (device.imei.startswith(digits) or device.imei2.startswith(digits)))
    ]


@pytest.mark.parametrize("looked_up", [10_000, 0])
def test_a_prefix_finds_what_begins_so_and_no_character_is_a_wildcard(
    admin: AdminClient, shelf: list[Device], monkeypatch: pytest.MonkeyPatch, looked_up: int
) -> None:
    monkeypatch.setattr(device_lists, "LOOKED_UP", looked_up)

    @given(st.text(AWKWARD, min_size=1, max_size=4) | st.sampled_from([*SERIALS, *IMEIS]))
    def hold(prefix: str) -> None:
        if prefix.strip():
            assert list(admin.list_devices(identifier_prefix=prefix)) == naively(shelf, prefix)

    hold()


@given(st.text(min_size=1, max_size=4), st.text(max_size=4))
def test_what_begins_so_lies_before_the_successor(prefix: str, rest: str) -> None:
    behind = successor(prefix)
    if behind is None:
        assert set(prefix) == {"\U0010ffff"}
        return
    assert prefix + rest < behind
    assert (prefix + rest).encode() < behind.encode()
    assert not behind.startswith(prefix)


SPELLINGS = [
    "35-693803-5",
    " 35 6938035",
    "\uff13\uff15693803",
    "356938035643809",
    "3569380356438017",
]


@pytest.mark.parametrize("prefix", SPELLINGS)
def test_an_imei_is_found_in_any_spelling(admin: AdminClient, depot: str, prefix: str) -> None:
    rows = [DeviceRow("356938035643809"), DeviceRow(imei(1), "A1000000000001")]
    one, two = admin.create_devices(depot, rows)
    assert list(admin.list_devices(identifier_prefix=prefix)) == [one]
    assert list(admin.list_devices(identifier_prefix="a100")) == [two]


@pytest.mark.parametrize("prefix", ["x" * 129, "9" * 600, "a\0", "\x07", "S\u202e"])
def test_what_begins_no_identifier_is_refused(wire: Wire, prefix: str) -> None:
    error = wire.failure("ListDevices", identifier_prefix=prefix)
    assert (error.reason, list(error.fields)) == ("FIELD_INVALID", ["identifier_prefix"])


@pytest.fixture
def mixed(admin: AdminClient, agent: EnrollmentAgent) -> tuple[str, str, str, str]:
    """Give two tokenless profiles and an upload into each: six devices, two of them registered."""
    ids = [admin.create_profile(name, tokenless=True).profile_id for name in ("One", "Two")]
    rows = [[DeviceRow(imei(3 * n + m)) for m in range(3)] for n in range(2)]
    uploads = [admin.upload_rows(*pair).upload_id for pair in zip(ids, rows, strict=True)]
    for number in (0, 4):
        agent.enroll_device(imeis=[imei(number)])
    return ids[0], ids[1], uploads[0], uploads[1]


def numbers(devices: Iterator[Device]) -> list[int]:
    return [int(device.imei[2:]) for device in devices]


def test_filters_hold_together(admin: AdminClient, mixed: tuple[str, str, str, str]) -> None:
    one, two, of_one, of_two = mixed
    pending, registered = DeviceState.PENDING, DeviceState.REGISTERED
    admin.create_devices(one, [DeviceRow(imei(6))])
    assert numbers(admin.list_devices()) == [0, 1, 2, 3, 4, 5, 6]
    assert numbers(admin.list_devices(one)) == [0, 1, 2, 6]
    assert numbers(admin.list_devices(one, state=registered)) == [0]
    assert numbers(admin.list_devices(state=pending)) == [1, 2, 3, 5, 6]
    assert numbers(admin.list_devices(upload_id=of_one)) == [0, 1, 2]
    assert numbers(admin.list_devices(one, upload_id=of_two)) == []
    found = admin.list_devices(
        two, upload_id=of_two, state=pending, identifier_prefix=imei(5)[:13], page_size=1
    )
    assert numbers(found) == [3, 5]


def test_an_upload_is_followed_to_the_devices_it_changed(admin: AdminClient, depot: str) -> None:
    admin.create_devices(depot, [DeviceRow(imei(1)), DeviceRow(imei(2))])
    rows = [DeviceRow(imei(3)), DeviceRow(imei(1), attributes={"a": "b"})]
    admin.upload_rows(depot, rows, upload_id="u1", on_conflict="UPDATE")  # type: ignore[arg-type]
    assert numbers(admin.list_devices(upload_id="u1")) == [1, 3]


@pytest.mark.usefixtures("mixed")
@pytest.mark.parametrize("size", [1, 2, 3, 4, 1000])
def test_pages_give_every_device_once_and_in_order(wire: Wire, size: int) -> None:
    found, token = [], ""
    while True:
        page = wire.call("ListDevices", page_size=size, page_token=token, identifier_prefix="35")
        assert len(page.devices) <= size
        found += [int(device.imei[2:]) for device in page.devices]
        if not (token := page.next_page_token):
            break
    assert found == [0, 1, 2, 3, 4, 5]


def test_a_page_token_belongs_to_its_filters(wire: Wire, mixed: tuple[str, str, str, str]) -> None:
    token = wire.call("ListDevices", page_size=1, profile_id=mixed[0]).next_page_token
    for other in ({"profile_id": mixed[1]}, {"profile_id": mixed[0], "state": 1}, {}):
        error = wire.failure("ListDevices", page_token=token, **other)
        assert error.reason == "PAGE_TOKEN_INVALID"
    assert wire.failure("ListDevices", page_token="x\0").reason == "PAGE_TOKEN_INVALID"


def test_bad_filters_are_refused(wire: Wire) -> None:
    assert wire.failure("ListDevices", profile_id="prf-x").reason == "PROFILE_NOT_FOUND"
    assert wire.failure("ListDevices", upload_id="x\0").reason == "UPLOAD_NOT_FOUND"
    assert list(wire.failure("ListDevices", page_size=-1).fields) == ["page_size"]
    assert list(wire.failure("ListDevices", state=77).fields) == ["state"]


def test_a_page_of_devices_with_long_attributes_fits_a_message(
    admin: AdminClient, depot: str
) -> None:
    attributes = {f"a{n}": "\U0001f600" * 4000 for n in range(30)}  # 480 KB of UTF-8
    for n in range(10):
        admin.create_devices(depot, [DeviceRow(imei(n), attributes=attributes)])
    assert numbers(admin.list_devices(depot, page_size=1000)) == [*range(10)]


def test_devices_that_go_between_two_pages_move_nothing_else(
    server: Server, admin: AdminClient, depot: str
) -> None:
    made = admin.create_devices(depot, [DeviceRow(imei(n)) for n in range(6)])
    found = admin.list_devices(depot, page_size=2)
    seen = [next(found).device_id, next(found).device_id]
    with server.admin() as other:
        other.delete_devices([made[0].device_id, made[1].device_id, made[3].device_id])
    assert seen + [device.device_id for device in found] == [
        made[n].device_id for n in (0, 1, 2, 4, 5)
    ]
