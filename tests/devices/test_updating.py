"""UpdateDevices and DeleteDevices: all or none, etags honoured."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from devices.calls import deletion, imei, update
from rollbook import (
    AbortedError,
    DeviceRow,
    DeviceUpdate,
    InvalidArgumentError,
    NotFoundError,
    OnConflict,
)
from rollbook_server.domain.luhn import check_digit

if TYPE_CHECKING:
    from devices.calls import Wire
    from rollbook import AdminClient, Device, EnrollmentAgent
    from running import Server


@pytest.fixture
def pair(admin: AdminClient, depot: str) -> list[Device]:
    """Give two devices of a profile."""
    rows = [
        DeviceRow(imei(1), imei(2), "S1", "Acme", {"site": "North"}),
        DeviceRow(imei(3), "", "S2", "Acme"),
    ]
    return admin.create_devices(depot, rows)


def content(device: Device) -> tuple[str, str, str, str, dict[str, str]]:
    attributes = dict(device.attributes)
    return device.imei, device.imei2, device.serial_number, device.manufacturer, attributes


MASKS: list[tuple[list[str] | None, dict[str, Any], tuple[Any, ...]]] = [
    (None, {"imei": imei(7)}, (imei(7), imei(2), "S1", "Acme", {"site": "North"})),
    ([], {"imei": imei(7)}, (imei(7), imei(2), "S1", "Acme", {"site": "North"})),
    (["imei2"], {"imei": imei(7)}, (imei(1), "", "S1", "Acme", {"site": "North"})),
    (["imei"], {}, (imei(2), "", "S1", "Acme", {"site": "North"})),
    (["attributes"], {"imei": imei(7)}, (imei(1), imei(2), "S1", "Acme", {})),
    (None, {"attributes": {"a": "b"}}, (imei(1), imei(2), "S1", "Acme", {"a": "b"})),
    (["serial_number", "manufacturer"], {}, (imei(1), imei(2), "", "", {"site": "North"})),
    (["*"], {"imei": imei(7)}, (imei(7), "", "", "", {})),
    (
        ["manufacturer"],
        {"manufacturer": "ACME"},
        (imei(1), imei(2), "S1", "ACME", {"site": "North"}),
    ),
    (["imei", "imei"], {"imei": imei(7)}, (imei(7), imei(2), "S1", "Acme", {"site": "North"})),
]


@pytest.mark.parametrize(("paths", "fields", "expected"), MASKS)
def test_a_mask_says_what_changes(
    server: Server,
    wire: Wire,
    admin: AdminClient,
    pair: list[Device],
    *,
    paths: list[str] | None,
    fields: dict[str, Any],
    expected: tuple[Any, ...],
) -> None:
    before = pair[0]
    server.clock.turn(hours=1)
    wire.call("UpdateDevices", updates=[update(before.device_id, paths, **fields)])
    after = admin.get_device(before.device_id)
    assert content(after) == expected
    assert after.etag != before.etag
    assert (after.create_time, after.update_time) == (before.create_time, server.clock.now)
    assert admin.get_profile(after.profile_id).devices_update_time == server.clock.now
    assert admin.get_profile(after.profile_id).device_count == 2


@pytest.mark.parametrize("paths", [None, ["imei", "attributes"]])
def test_an_update_that_changes_nothing_leaves_the_etag(
    server: Server, wire: Wire, admin: AdminClient, pair: list[Device], paths: list[str] | None
) -> None:
    server.clock.turn(hours=1)
    same = {"imei": imei(1), "attributes": {"site": "North"}}
    wire.call("UpdateDevices", updates=[update(pair[0].device_id, paths, **same)])
    assert admin.get_device(pair[0].device_id) == pair[0]
    assert admin.get_profile(pair[0].profile_id).devices_update_time == pair[0].create_time


BAD: list[tuple[list[str] | None, dict[str, Any], str, str]] = [
    (None, {"imei": "12"}, "updates[1].device.imei", "2 digits"),
    (["imei"], {"imei": "10000000000007"}, "", ""),
    (["*"], {}, "updates[1].device", "identifies no device"),
    (["*"], {"manufacturer": "A"}, "updates[1].device.serial_number", "alone identifies no"),
    (None, {"imei": imei(1)}, "updates[1].device.imei", "updates[0] has this IMEI already"),
    (None, {"imei": imei(2)}, "updates[1].device.imei", "updates[0] has this IMEI already"),
    (None, {"imei2": imei(1)}, "updates[1].device.imei2", "updates[0] has this second IMEI"),
    (None, {"imei2": imei(3)}, "updates[1].device.imei2", "the same IMEI"),
    (None, {"serial_number": "S1"}, "updates[1].device.serial_number", "updates[0] has this"),
    (None, {"imei": imei(4)}, "updates[1].device.imei", "of profile"),
    (None, {"attributes": {"a": "\0"}}, "updates[1].device.attributes", "NUL"),
]


@pytest.mark.parametrize(("paths", "fields", "path", "text"), BAD)
def test_a_bad_update_is_named_and_the_good_one_is_not_made(
    wire: Wire,
    admin: AdminClient,
    pair: list[Device],
    *,
    paths: list[str] | None,
    fields: dict[str, Any],
    path: str,
    text: str,
) -> None:
    admin.create_devices(admin.create_profile("Other").profile_id, [DeviceRow(imei(5), imei(4))])
    updates = [
        update(pair[0].device_id, attributes={"a": "b"}),
        update(pair[1].device_id, paths, **fields),
    ]
    if not path:
        wire.call("UpdateDevices", updates=updates)
        return
    error = wire.failure("UpdateDevices", updates=updates)
    assert error.reason == "DEVICES_INVALID"
    assert (list(error.fields), error.metadata) == ([path], {"count": "1", "indexes": "1"})
    assert text in error.fields[path]
    assert list(admin.list_devices(pair[0].profile_id)) == pair


def test_devices_exchange_their_identifiers(admin: AdminClient, pair: list[Device]) -> None:
    one, two = pair
    crossed = [
        DeviceUpdate(one.device_id, two.imei, two.imei2, two.serial_number),
        DeviceUpdate(two.device_id, one.imei2, one.imei, one.serial_number, "aCME"),
    ]
    first, second = admin.update_devices(crossed)
    assert content(first)[:4] == (imei(3), "", "S2", "Acme")
    assert content(second)[:4] == (imei(2), imei(1), "S1", "aCME")


def test_of_two_that_want_one_key_the_later_is_bad(admin: AdminClient, pair: list[Device]) -> None:
    both = [DeviceUpdate(device.device_id, imei(7)) for device in pair]
    with pytest.raises(InvalidArgumentError, match=r"updates\[0\] has this IMEI") as caught:
        admin.update_devices(both)
    assert caught.value.metadata["indexes"] == "1"


def test_a_core_that_looks_like_a_lost_zero_can_stay(admin: AdminClient, depot: str) -> None:
    core = next(
        digits for digits in (f"1200000000000{n}" for n in range(10)) if check_lost_zero(digits)
    )
    whole = core + check_digit(core)
    (device,) = admin.create_devices(depot, [DeviceRow(whole)])
    assert device.imei == core
    changes = [DeviceUpdate(device.device_id, core, attributes={"a": "b"})]
    assert admin.update_devices(changes)[0].attributes == {"a": "b"}
    (moved,) = admin.update_devices([DeviceUpdate(device.device_id, imei(1), whole)])
    assert (moved.imei, moved.imei2) == (imei(1), core)


def check_lost_zero(digits: str) -> bool:
    return check_digit("0" + digits[:13]) == digits[13]


def test_a_registered_device_stays_registered_and_keeps_its_provenance(
    admin: AdminClient, agent: EnrollmentAgent
) -> None:
    profile_id = admin.create_profile("Open", tokenless=True).profile_id
    upload = admin.upload_rows(profile_id, [DeviceRow(imei(1), source_line=9)])
    agent.enroll_device(imeis=[imei(1)])
    (before,) = admin.list_devices(profile_id)
    (after,) = admin.update_devices([DeviceUpdate(before.device_id, attributes={"a": "b"})])
    assert (after.state, after.register_time) == ("REGISTERED", before.register_time)
    assert (after.upload_id, after.source_line) == (upload.upload_id, 9)
    assert admin.get_profile(profile_id).registered_count == 1
    assert agent.enroll_device(imeis=[imei(1)]).attributes == {"a": "b"}
    again = admin.upload_rows(
        profile_id, [DeviceRow(imei(1), attributes={"c": "d"})], on_conflict=OnConflict.UPDATE
    )
    assert again.updated_count == 1


@pytest.mark.parametrize("paths", [["state"], ["imei", "etag"], ["attributes.site"], [""], ["a\0"]])
def test_a_mask_with_an_unknown_path_is_refused(
    wire: Wire, pair: list[Device], paths: list[str]
) -> None:
    error = wire.failure("UpdateDevices", updates=[update(pair[0].device_id, paths)])
    assert (error.reason, list(error.fields)) == ("FIELD_INVALID", ["updates[0].update_mask"])


def test_a_mask_is_looked_at_once_the_device_is_there_and_as_it_was_read(
    wire: Wire, pair: list[Device]
) -> None:
    for wrong, reason in (
        (update("dev-777", ["state"]), "DEVICE_NOT_FOUND"),
        (update(pair[0].device_id, ["state"], etag="stale"), "ETAG_MISMATCH"),
    ):
        assert wire.failure("UpdateDevices", updates=[wrong]).reason == reason


def test_an_etag_must_be_current_and_every_stale_one_is_named(
    wire: Wire, admin: AdminClient, pair: list[Device]
) -> None:
    one, two = pair
    wire.call("UpdateDevices", updates=[update(one.device_id, imei=imei(7), etag=one.etag)])
    for method, field, changes in (
        (
            "UpdateDevices",
            "updates[1].device.etag",
            [
                update(two.device_id, imei=imei(8), etag=two.etag),
                update(one.device_id, imei=imei(9), etag=one.etag),
            ],
        ),
        (
            "DeleteDevices",
            "devices[1].etag",
            [
                deletion(two.device_id, two.etag),
                deletion(one.device_id, one.etag),
            ],
        ),
    ):
        name = "updates" if method == "UpdateDevices" else "devices"
        error = wire.failure(method, **{name: changes})
        assert (error.reason, error.code) == ("ETAG_MISMATCH", "ABORTED")
        assert (list(error.fields), error.metadata["indexes"]) == ([field], "1")
    assert admin.get_device(two.device_id) == two


@pytest.mark.parametrize(
    "unknown", ["", "dev-999", "dev-01", "dev--1", "1", "dev-9" + "9" * 40, "\0"]
)
def test_an_unknown_device_is_not_found_and_every_one_is_named(
    wire: Wire, admin: AdminClient, pair: list[Device], unknown: str
) -> None:
    known = pair[0].device_id
    updates = [update(known, imei=imei(7)), update(unknown, imei=imei(8)), update("dev-777")]
    deletions = [deletion(known), deletion(unknown), deletion("dev-777")]
    for error in (
        wire.failure("UpdateDevices", updates=updates),
        wire.failure("DeleteDevices", devices=deletions),
    ):
        assert (error.reason, error.code) == ("DEVICE_NOT_FOUND", "NOT_FOUND")
        assert error.metadata == {"count": "2", "indexes": "1-2"}
    assert wire.failure("GetDevice", device_id=unknown).reason == "DEVICE_NOT_FOUND"
    assert list(admin.list_devices()) == pair


def test_a_device_is_named_once(wire: Wire, admin: AdminClient, pair: list[Device]) -> None:
    one = pair[0].device_id
    error = wire.failure("UpdateDevices", updates=[update(one), update(one)])
    assert (error.reason, list(error.fields)) == ("FIELD_INVALID", ["updates[1].device.device_id"])
    assert "the same device as updates[0]" in error.message
    error = wire.failure("DeleteDevices", devices=[deletion(one), deletion(one)])
    assert (error.reason, list(error.fields)) == ("FIELD_INVALID", ["devices[1].device_id"])
    assert list(admin.list_devices()) == pair


@pytest.mark.parametrize(
    ("method", "field", "kind"),
    [
        ("UpdateDevices", "updates", update),
        ("DeleteDevices", "devices", deletion),
    ],
)
def test_a_call_changes_one_to_a_thousand_devices(
    wire: Wire, method: str, field: str, kind: Any
) -> None:
    error = wire.failure(method)
    assert (error.reason, list(error.fields)) == ("FIELD_INVALID", [field])
    many = [kind(f"dev-{n}") for n in range(1001)]
    assert wire.failure(method, **{field: many}).reason == "TOO_MANY_DEVICES"


def test_the_same_request_id_changes_once(
    wire: Wire, admin: AdminClient, pair: list[Device]
) -> None:
    fields: dict[str, Any] = {
        "updates": [update(pair[0].device_id, imei=imei(7), etag=pair[0].etag)],
        "request_id": str(uuid4()),
    }
    assert wire.call("UpdateDevices", **fields) == wire.call("UpdateDevices", **fields)
    fields = {"devices": [deletion(pair[1].device_id)], "request_id": str(uuid4())}
    assert wire.call("DeleteDevices", **fields).deleted_count == 1
    assert wire.call("DeleteDevices", **fields).deleted_count == 1
    assert admin.get_profile(pair[0].profile_id).device_count == 1


def test_deletion_counts_in_every_profile_and_state(
    admin: AdminClient, agent: EnrollmentAgent, depot: str
) -> None:
    open_id = admin.create_profile("Open", tokenless=True).profile_id
    mine = admin.create_devices(depot, [DeviceRow(imei(n)) for n in range(3)])
    others = admin.create_devices(open_id, [DeviceRow(imei(n)) for n in range(3, 7)])
    for number in (3, 4):
        agent.enroll_device(imeis=[imei(number)])
    gone = [mine[0].device_id, others[0].device_id, others[2].device_id]
    assert admin.delete_devices(gone) == 3
    depot_now, open_now = admin.get_profile(depot), admin.get_profile(open_id)
    assert (depot_now.pending_count, depot_now.registered_count) == (2, 0)
    assert (open_now.pending_count, open_now.registered_count) == (1, 1)
    with pytest.raises(NotFoundError):
        admin.get_device(gone[0])
    admin.create_devices(open_id, [DeviceRow(imei(0)), DeviceRow(imei(3))])


def test_a_device_value_is_deleted_only_as_it_was_read(
    admin: AdminClient, pair: list[Device]
) -> None:
    admin.update_devices([DeviceUpdate(pair[0].device_id, imei(7))])
    with pytest.raises(AbortedError):
        admin.delete_devices(pair)
    assert admin.delete_devices(device.device_id for device in pair) == 2


def test_devices_of_a_failed_upload_cannot_be_seen(admin: AdminClient, depot: str) -> None:
    upload = admin.upload_rows(depot, [DeviceRow(imei(1)), DeviceRow(imei(2))])
    (one, _) = admin.list_devices(depot)
    admin.discard_upload(upload.upload_id)
    assert list(admin.list_devices()) == []
    assert list(admin.list_devices(identifier_prefix="35")) == []
    assert list(admin.list_devices(upload_id=upload.upload_id)) == []
    assert admin.explain_match(imeis=[imei(1)]).near_misses == ()
    for attempt in (
        lambda: admin.get_device(one.device_id),
        lambda: admin.delete_devices([one.device_id]),
        lambda: admin.update_devices([DeviceUpdate(one.device_id, imei(7))]),
    ):
        with pytest.raises(NotFoundError):
            attempt()
