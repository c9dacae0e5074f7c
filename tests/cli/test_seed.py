"""Every sentence of the seed, from the command line to the roll: one section a row.

The seed is the description of the system that Rollbook is modelled on; its words are
kept in the names of the tests. The rows in depth are in the tests of their rooms.
"""

from __future__ import annotations

import csv
import io
import json
from dataclasses import dataclass
from datetime import timedelta
from itertools import product
from typing import TYPE_CHECKING, Any

import pytest

from png_pixels import read_png
from rollbook import (
    DeviceRow,
    EnrollOutcome,
    ProfileOrder,
    ResourceExhaustedError,
    RollbookError,
    TokenState,
)
from rollbook.cli.exit_codes import ExitCode
from rollbook_server.domain.luhn import check_digit
from rollbook_server.domain.upload_sessions import UploadLimits
from test_qr import decode

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from cli.ended import Cli, Ended
    from rollbook import AdminClient, EnrollmentAgent
    from running import Server

IMEI, OTHER_IMEI, UNKNOWN_IMEI = "356938035643809", "490154203237518", "353918058114894"


@dataclass
class Office:
    """An administrator at the command line, with a profile named Tablets."""

    cli: Cli
    admin: AdminClient
    agent: EnrollmentAgent
    server: Server
    folder: Path
    profile_id: str

    def file(self, text: str, name: str = "devices.csv") -> Path:
        path = self.folder / name
        path.write_text(text)
        return path

    def run(self, *words: object) -> Ended:
        """Run a command that must succeed."""
        ended = self.cli(*words)
        assert ended.code == ExitCode.DONE, (words, ended)
        return ended

    def document(self, *words: object) -> Any:
        return self.run(*words, "--output", "json").document

    def counts(self) -> tuple[int, int, int]:
        now = self.admin.get_profile(self.profile_id)
        return now.device_count, now.registered_count, now.pending_count

    def token(self) -> str:
        return self.admin.reveal_token(self.profile_id)


@pytest.fixture
def office(
    cli: Cli, admin: AdminClient, agent: EnrollmentAgent, server: Server, tmp_path: Path
) -> Office:
    made = cli("profile", "create", "Tablets", "--output", "json").document
    return Office(cli, admin, agent, server, tmp_path, made["profile_id"])


def reason(call: Callable[[], object]) -> str:
    with pytest.raises(RollbookError) as caught:
        call()
    return caught.value.reason


# 1 Download CSV Template


def test_the_csv_template_is_downloaded_edited_and_uploaded(office: Office) -> None:
    office.run("upload", "Tablets", office.file(f"imei,depot,asset\n{IMEI},North,7\n"))
    path = office.folder / "template.csv"
    office.run("template", "--out", path)
    header, example = csv.reader(io.StringIO(path.read_text("utf-8-sig")))
    assert header == ["IMEI", "IMEI2", "Serial Number", "Manufacturer", "depot", "asset"]
    assert len(example) == len(header)
    unchanged = office.cli("upload", "Tablets", path, "--output", "json").document
    assert unchanged["rejected_by_reason"] == {"EXAMPLE_ROW": 1}
    path.write_text(",".join(header) + "\n490154203237518,,,,South,8\n")
    assert office.document("upload", "Tablets", path)["created_count"] == 1


# 2 Profile Name, +Add description


def test_a_profile_has_a_name_and_optionally_a_description(office: Office) -> None:
    made = office.document("profile", "create", "Phones", "--description", "Hall 3")
    assert (made["name"], made["description"]) == ("Phones", "Hall 3")
    assert office.cli("profile", "create", "TABLETS").code == ExitCode.REFUSED
    longest = office.document("profile", "create", "x" * 128)
    assert len(longest["name"]) == 128
    for name in ("", " ", "x" * 129):
        ended = office.cli("profile", "create", name, "--output", "json")
        assert ended.error["reason"] == "PROFILE_NAME_INVALID"


# 3 Allows up to 200000 rows at a time


def test_200000_rows_are_the_default_limit() -> None:
    assert UploadLimits().max_rows == 200_000


def test_one_row_more_than_allowed_fails_the_upload_and_leaves_nothing(
    serve: Callable[..., Server], tmp_path: Path
) -> None:
    with serve(
        data_dir=tmp_path / "small", upload_limits=UploadLimits(max_rows=3)
    ).admin() as admin:
        profile_id = admin.create_profile("Tablets").profile_id
        path = tmp_path / "four.csv"
        cores = [f"3569380{number:07}" for number in range(4)]
        path.write_text("imei\n" + "".join(f"{c}{check_digit(c)}\n" for c in cores))
        with pytest.raises(ResourceExhaustedError):
            admin.upload_devices(profile_id, path)
        assert admin.get_profile(profile_id).device_count == 0
        assert list(admin.list_devices(profile_id)) == []


# 4 Rows with inadequate information may result in CSV upload failure

INADEQUATE = f"imei,serial,manufacturer\n{IMEI},,\n,S1,\n,,Acme\n"


def test_a_strict_upload_with_inadequate_rows_fails_and_nothing_remains(office: Office) -> None:
    ended = office.cli("upload", "Tablets", office.file(INADEQUATE), "--strict")
    assert ended.code == ExitCode.ROWS_REJECTED
    assert office.counts() == (0, 0, 0)
    enrolled = office.agent.enroll_device(token=office.token(), imeis=[IMEI])
    assert enrolled.outcome is EnrollOutcome.NOT_REGISTERED


def test_otherwise_the_adequate_rows_are_kept_and_the_others_are_reported(office: Office) -> None:
    ended = office.cli("upload", "Tablets", office.file(INADEQUATE), "--output", "json")
    assert ended.code == ExitCode.ROWS_REJECTED
    assert ended.document["rejected_by_reason"] == {
        "MANUFACTURER_MISSING": 1,
        "SERIAL_NUMBER_MISSING": 1,
    }
    assert office.counts() == (1, 0, 1)


# 5 'minus' icon, Choose a different file


def test_the_added_csv_file_is_removed(office: Office) -> None:
    done = office.document("upload", "Tablets", office.file(f"imei\n{IMEI}\n"))
    assert office.document("discard", done["upload_id"], "--yes")["removed_count"] == 1
    assert office.counts() == (0, 0, 0)


def test_a_different_file_is_chosen(office: Office) -> None:
    wrong = office.document("upload", "Tablets", office.file(f"imei\n{IMEI}\n"))["upload_id"]
    right = office.file(f"imei\n{OTHER_IMEI}\n", "right.csv")
    office.run("upload", "Tablets", right, "--replace", wrong, "--yes")
    (device,) = office.admin.list_devices(office.profile_id)
    assert device.imei == OTHER_IMEI[:14]


# 6 Assign custom attributes without token


def test_without_token_is_not_selected_by_default(office: Office) -> None:
    assert not office.admin.get_profile(office.profile_id).tokenless


@pytest.mark.parametrize(
    "command", ["token show", "token reveal", "token refresh", "token extend", "token revoke", "qr"]
)
def test_a_profile_without_token_answers_every_call_about_one_so(
    office: Office, command: str
) -> None:
    office.run("profile", "create", "Open", "--tokenless")
    more = {"token extend": ["--days", "9"], "token refresh": ["--yes"], "token revoke": ["--yes"]}
    ended = office.cli(*command.split(), "Open", *more.get(command, []), "--output", "json")
    assert ended.error["reason"] == "PROFILE_IS_TOKENLESS"


# 7 The scenarios on the outcome, by attribute value combination

SCENARIOS = [
    ("Correct", "Incorrect", "Incorrect", True),
    ("Incorrect", "Correct", "Correct", True),
    ("Incorrect", "Incorrect", "Correct", False),
    ("Incorrect", "Correct", "Incorrect", False),
]
VALUES = {"Correct": (IMEI, "S1", "ACME"), "Incorrect": (UNKNOWN_IMEI, "S2", "Sharp")}


@pytest.mark.parametrize("tokenless", [False, True], ids=["with token", "without token"])
@pytest.mark.parametrize(("imei", "serial", "maker", "registered"), SCENARIOS)
def test_the_device_is_registered_or_not_as_the_table_says(
    office: Office, imei: str, serial: str, maker: str, *, registered: bool, tokenless: bool
) -> None:
    options = ["--tokenless"] if tokenless else []
    office.run("profile", "create", "Depot", *options)
    office.run("upload", "Depot", office.file(f"imei,serial,manufacturer\n{IMEI},S1,Acme\n"))
    device = ["--imei", VALUES[imei][0], "--serial", VALUES[serial][1]]
    device += ["--manufacturer", VALUES[maker][2]]
    if not tokenless:
        device += ["--token", office.run("token", "reveal", "Depot").out.strip()]

    explained = office.document("device", "explain", *device)
    ended = office.cli("enroll", *device)

    assert ended.code == (ExitCode.DONE if registered else ExitCode.NOT_REGISTERED)
    assert explained["outcome"] == ("REGISTERED" if registered else "NOT_REGISTERED")


# 8 Select User, Associated User, Modify User


def test_a_user_is_selected_modified_and_cleared(office: Office) -> None:
    for name in ("ada", "bob"):
        office.run("user", "create", name, "--no-password")
    office.run("profile", "create", "Phones", "--user", "ada")
    shown = office.run("profile", "list", "--user", "ada").out
    assert "Phones" in shown
    assert "Tablets" not in shown
    office.run("profile", "assign-user", "Phones", "bob")
    assert "bob" in office.run("profile", "list").out
    office.run("profile", "assign-user", "Phones", "--none")
    assert "bob" not in office.run("profile", "list").out
    assert office.cli("profile", "assign-user", "Phones", "nobody").code == ExitCode.REFUSED


# 9 Enrollment Token, Token Expiry, Refresh, Extend


def test_the_default_token_expiry_is_seven_days(office: Office) -> None:
    token = office.admin.get_token(office.profile_id)
    assert token.create_time is not None
    assert token.expire_time == token.create_time + timedelta(days=7)


@pytest.mark.parametrize("days", [7, 99])
def test_the_expiry_is_extended_by_7_to_99_days(office: Office, days: int) -> None:
    office.run("token", "extend", "Tablets", "--days", days)
    expected = office.server.clock.now + timedelta(days=days)
    assert office.admin.get_token(office.profile_id).expire_time == expected


def test_other_numbers_of_days_and_a_revoked_token_have_reasons_of_their_own(
    office: Office,
) -> None:
    def refusal(days: int) -> str:
        return reason(lambda: office.admin.extend_token(office.profile_id, days))

    told = [refusal(days) for days in (6, 100, 0, -1)]
    office.run("token", "revoke", "Tablets", "--yes")
    told.append(refusal(30))
    assert told == [
        "TOKEN_DAYS_TOO_FEW",
        "TOKEN_DAYS_TOO_MANY",
        "TOKEN_DAYS_MISSING",
        "TOKEN_DAYS_NEGATIVE",
        "TOKEN_IS_REVOKED",
    ]


def test_to_refresh_the_token_voids_the_old_one(office: Office) -> None:
    office.run("upload", "Tablets", office.file(f"imei\n{IMEI}\n"))
    old = office.token()
    office.run("token", "refresh", "Tablets", "--yes")
    assert office.cli("enroll", "--token", old, "--imei", IMEI).code == ExitCode.SIGN_IN_REQUIRED
    assert office.cli("enroll", "--token", office.token(), "--imei", IMEI).code == ExitCode.DONE


# 10 The table in the Bulk Enrollment Profiles page


def test_the_profiles_are_displayed_in_a_table_with_these_columns(office: Office) -> None:
    office.run("upload", "Tablets", office.file(f"imei\n{IMEI}\n"))
    head, _, row = office.run("profile", "list").out.splitlines()
    columns = ["Profile Name", "Description", "Last modified", "TYPE", "No of Devices"]
    assert [name for name in (*columns, "Associated User") if name in head] == [
        *columns,
        "Associated User",
    ]
    assert "Self Maintained" in row
    assert row.split()[-2] == "1"


def test_the_table_is_paged_filtered_and_ordered(office: Office) -> None:
    for number in range(5):
        office.server.clock.turn(seconds=1)
        office.admin.create_profile(f"Hall {number}")
    listed = office.admin.list_profiles(
        name_contains="hall", order=ProfileOrder.NEWEST, page_size=2
    )
    assert [one.name for one in listed] == [f"Hall {number}" for number in (4, 3, 2, 1, 0)]


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


# The rule behind the table, against a naive model, over every combination

ROLL: dict[str, dict[str, Any]] = {
    "mine": {"imei": IMEI, "imei2": OTHER_IMEI, "serial_number": "S1", "manufacturer": "Acme"},
    "theirs": {
        "imei": "353918052355563",
        "imei2": "012345678901237",
        "serial_number": "S2",
        "manufacturer": "Sharp",
    },
}
WRONG = {
    "imei": UNKNOWN_IMEI,
    "imei2": "860461024091163",
    "serial_number": "S3",
    "manufacturer": "Nobody",
}
FIELDS = tuple(WRONG)


def _value(field: str, word: str) -> str:
    if word == "missing":
        return ""
    return WRONG[field] if word == "wrong" else ROLL[word][field]


def _expected(words: dict[str, str], token: str, *, open_to_all: set[str]) -> str:
    """Say in the seed's words what happens, with a roll that is a plain dictionary."""
    if token == "wrong":
        return "SIGN_IN_REQUIRED"
    by_imei = {words[f] for f in ("imei", "imei2")} & set(ROLL)
    by_serial = {words["serial_number"]} & {words["manufacturer"]} & set(ROLL)
    found = by_imei or by_serial
    if len(found) != 1:
        return "NOT_REGISTERED"
    (owner,) = found
    opened = {token} if token in ROLL else open_to_all
    return "REGISTERED" if owner in opened else "NOT_REGISTERED"


@pytest.mark.parametrize(
    "open_to_all", [set(), {"theirs"}, {"mine", "theirs"}], ids=["none", "theirs", "both"]
)
def test_matching_agrees_with_a_naive_model_over_every_combination(
    admin: AdminClient, agent: EnrollmentAgent, open_to_all: set[str]
) -> None:
    tokens = {"missing": "", "wrong": "7K3MQ-9XT2A-V4D0B-HZ8WN-C61RE-JP5YG"}
    for owner, device in ROLL.items():
        made = admin.create_profile(owner, tokenless=owner in open_to_all)
        admin.create_devices(made.profile_id, [DeviceRow(**device)])
        if owner not in open_to_all:
            tokens[owner] = admin.reveal_token(made.profile_id)

    wrong = []
    for *chosen, token in product(*[(*ROLL, "wrong", "missing")] * len(FIELDS), tokens):
        words = dict(zip(FIELDS, chosen, strict=True))
        presented = {field: _value(field, word) for field, word in words.items()}
        imeis = [presented.pop("imei"), presented.pop("imei2")]
        outcome = agent.enroll_device(token=tokens[token], imeis=imeis, **presented).outcome
        if outcome != _expected(words, token, open_to_all=open_to_all):
            wrong.append((words, token, outcome))
    assert wrong == []
