"""Every sentence of the seed on the details of a profile, from its inventory on.

The seed is the description of the system that Rollbook is modelled on; its words are
kept in the names of the tests. The rows in depth are in the tests of their rooms.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from cli.office import IMEI, OTHER_IMEI, Office, reason
from png_pixels import read_png
from rollbook import (
    EnrollOutcome,
    TokenState,
)
from rollbook.cli.exit_codes import ExitCode
from test_qr import decode

# 11 Download Existing Inventory


def test_the_inventory_is_downloaded_and_uploads_to_an_equal_roll(office: Office) -> None:
    content = f'imei,serial,manufacturer,note\n{IMEI},S1,Acme,"=1+1"\n,-S2,Sharp,"a, ""b"""\n'
    office.run("upload", "Tablets", office.file(content))
    path = office.folder / "inventory.csv"
    office.run("inventory", "Tablets", "--out", path)
    assert "'=1+1" in path.read_text("utf-8-sig")

    before = [_content(device) for device in office.admin.list_devices(office.profile_id)]
    office.run("profile", "create", "Copy")
    office.run("upload", "Copy", path, "--on-conflict", "move")
    copy = office.document("profile", "show", "Copy")["profile_id"]
    assert [_content(device) for device in office.admin.list_devices(copy)] == before


def _content(device: Any) -> tuple[object, ...]:
    return (device.imei, device.serial_number, device.manufacturer, device.attributes)


# 12 View, View Profile details


def test_the_details_show_registered_and_pending_devices_and_the_token(office: Office) -> None:
    office.run("upload", "Tablets", office.file(f"imei\n{IMEI}\n{OTHER_IMEI}\n"))
    office.run("enroll", "--token", office.token(), "--imei", IMEI)
    shown = office.document("profile", "show", "Tablets")
    assert (shown["registered_count"], shown["pending_count"]) == (1, 1)
    assert shown["token"]["state"] == TokenState.ACTIVE
    assert shown["token"]["expire_time"]


@pytest.mark.parametrize("prefix", ["3569", "35-6938", "356938035643809", "S1"])
def test_devices_are_found_by_the_beginning_of_any_identifier(office: Office, prefix: str) -> None:
    content = f"imei,serial,manufacturer\n{IMEI},S123,Acme\n{OTHER_IMEI},X9,Acme\n"
    office.run("upload", "Tablets", office.file(content))
    (found,) = office.document("device", "list", "Tablets", "--prefix", prefix)
    assert found["serial_number"] == "S123"


# 13 Edit, available only when single device option is selected


def test_edit_is_available_only_with_the_single_device_option(office: Office) -> None:
    office.run("profile", "create", "One", "--single-device")
    office.run("profile", "edit", "One", "--name", "Two", "--description", "Hall 4")
    assert office.document("profile", "show", "Two")["description"] == "Hall 4"
    ended = office.cli("profile", "edit", "Tablets", "--name", "Two", "--output", "json")
    assert ended.error["reason"] == "PROFILE_NOT_EDITABLE"


# 14 Delete the profile, with confirmation


def test_a_profile_is_deleted_only_when_that_is_confirmed(office: Office) -> None:
    assert office.cli("profile", "delete", "Tablets").code == ExitCode.USAGE
    assert reason(lambda: office.admin.delete_profile(office.profile_id)) == "ETAG_MISSING"
    office.run("profile", "delete", "Tablets", "--yes")
    assert list(office.admin.list_profiles()) == []


# 15 The wrong token redirects to ID and password


def test_with_the_wrong_token_the_user_signs_in_with_id_and_password(office: Office) -> None:
    office.run("upload", "Tablets", office.file(f"imei,depot\n{IMEI},North\n"))
    user = office.admin.create_user("ada", password="correct horse")
    wrong = office.cli("enroll", "--token", "7K3MQ-9XT2A", "--imei", IMEI)
    assert wrong.code == ExitCode.SIGN_IN_REQUIRED
    assert "sign-in" in wrong.err
    signed_in = office.agent.sign_in_device(user_name="ADA", password="correct horse", imeis=[IMEI])
    assert signed_in.outcome is EnrollOutcome.REGISTERED
    assert signed_in.user is not None
    assert signed_in.user.user_id == user.user_id
    assert office.counts() == (1, 1, 0)


# 16 Add More Devices


def test_more_devices_are_added_all_or_nothing(office: Office) -> None:
    added = ["--imei", IMEI, "--manufacturer", "Acme", "--serial", "S1", "--attribute", "depot=N"]
    office.run("device", "add", "Tablets", *added)
    rows = [{"imei": OTHER_IMEI}, {"imei": IMEI}, {"serial_number": "S9"}]
    path = office.file(json.dumps(rows), "rows.json")
    ended = office.cli("device", "add", "Tablets", "--file", path, "--output", "json")
    assert ended.error["reason"] == "DEVICES_INVALID"
    assert ended.error["metadata"]["indexes"] == "1-2"
    assert office.counts() == (1, 0, 1)


# 17 Modify Configuration: vendor keys, Pre-Defined Android System Extras, custom keys


def test_the_three_groups_of_the_configuration_are_modified(office: Office) -> None:
    keys = ["vendor_keys.quickStart=true", "system_extras.wifi_ssid=Depot"]
    keys += ["custom_system_keys.com.example.KEY=on"]
    options = [word for key in keys for word in ("--set", key)]
    office.run("profile", "configure", "Tablets", *options)
    office.run("profile", "configure", "Tablets", "--set", "system_extras.wifi_security_type=WPA")
    given = office.admin.get_profile(office.profile_id).configuration
    assert given.vendor_keys == {"quickStart": True}
    assert given.system_extras == {"wifi_ssid": "Depot", "wifi_security_type": "WPA"}
    assert given.custom_system_keys == {"com.example.KEY": "on"}


def test_the_predefined_extras_are_listed_and_a_wrong_one_is_refused(office: Office) -> None:
    listed = office.run("profile", "configure", "--keys").out
    assert "wifi_security_type" in listed
    assert "NONE, WPA, WEP, EAP" in listed
    wrong = "system_extras.wifi_security_type=WPA2"
    assert office.cli("profile", "configure", "Tablets", "--set", wrong).code != ExitCode.DONE


# 18 Generate QR code


@pytest.mark.parametrize("form", ["png", "svg", "pdf"])
def test_a_qr_code_is_generated(office: Office, form: str) -> None:
    path = office.folder / f"code.{form}"
    made = office.document("qr", "Tablets", "--out", path, "--scale", 4)
    assert office.token() in made["payload"]
    assert path.stat().st_size
    if form == "png":
        assert decode(read_png(path.read_bytes())) == made["payload"]


def test_the_qr_code_is_shown_on_the_terminal_and_its_payload_as_text(office: Office) -> None:
    assert "\u2588" in office.run("qr", "Tablets").out
    payload = json.loads(office.run("qr", "Tablets", "--payload").out)
    bundle = payload["android.app.extra.PROVISIONING_ADMIN_EXTRAS_BUNDLE"]
    assert bundle["rollbook.token"] == office.token()


# 19 Refresh Token from the details page


def test_the_details_say_how_to_refresh_and_extend_the_token(office: Office) -> None:
    told = office.run("profile", "show", "Tablets").err
    assert "rollbook token refresh Tablets" in told
    assert "rollbook token extend Tablets" in told


# 20 Delete and Edit devices, after selecting some


def test_selected_devices_are_edited_and_deleted(office: Office) -> None:
    office.run("upload", "Tablets", office.file(f"imei\n{IMEI}\n{OTHER_IMEI}\n"))
    chosen = [device.device_id for device in office.admin.list_devices(office.profile_id)]
    office.run("device", "edit", *chosen, "--attribute", "depot=South")
    attributes = [device.attributes for device in office.admin.list_devices(office.profile_id)]
    assert attributes == [{"depot": "South"}] * 2
    assert office.cli("device", "delete", *chosen).code == ExitCode.USAGE
    office.run("device", "delete", *chosen, "--yes")
    assert office.counts() == (0, 0, 0)


def test_one_device_that_is_not_there_spares_the_others(office: Office) -> None:
    office.run("upload", "Tablets", office.file(f"imei\n{IMEI}\n"))
    (device,) = office.admin.list_devices(office.profile_id)
    assert reason(lambda: office.admin.delete_devices([device, "dev-999"])) == "DEVICE_NOT_FOUND"
    office.run("device", "edit", device.device_id, "--attribute", "depot=South")
    assert reason(lambda: office.admin.delete_devices([device])) == "ETAG_MISMATCH"
    assert office.counts() == (1, 0, 1)
