"""Every sentence of the seed on making profiles and their list, one section a row.

The seed is the description of the system that Rollbook is modelled on; its words are
kept in the names of the tests. The rows in depth are in the tests of their rooms.
"""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from cli.office import IMEI, OTHER_IMEI, Office, reason
from rollbook import (
    EnrollOutcome,
    ProfileOrder,
    ResourceExhaustedError,
)
from rollbook.cli.exit_codes import ExitCode
from rollbook_server.domain.luhn import check_digit
from rollbook_server.domain.upload_limits import UploadLimits

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from running import Server


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
