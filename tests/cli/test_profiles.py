"""`rollbook profile`: what is shown, and which profile is meant."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING

import pytest

from rollbook import DeviceRow, ProfileOrigin
from rollbook.cli.exit_codes import ExitCode
from rollbook.v1 import profile_pb2
from uploads.wire import imei

if TYPE_CHECKING:
    from pathlib import Path

    from cli.ended import Cli
    from client.fake_server import Running
    from rollbook import AdminClient

COLUMNS = [
    "Profile Name",
    "Description",
    "Last modified",
    "TYPE",
    "No of Devices",
    "Associated User",
]
NAME_OF_EVIL = "\x1b[31mred\x07\u202e [bold]x[/bold] :smile:\nnext"


@pytest.fixture
def warehouse(scripted: Running) -> None:
    """Give a server with a profile that this version of ours cannot have yet."""
    profile = profile_pb2.Profile(
        profile_id="p1",
        name=NAME_OF_EVIL,
        description="Hall 3 " * 30,
        type=profile_pb2.PROFILE_TYPE_SELF_MAINTAINED,
        device_count=200_000,
        user_id="user-7",
        user_name="walter",
    )
    profile.update_time.FromJsonString("2026-11-23T12:00:00Z")
    scripted.fake.profiles.append(profile)


@pytest.mark.usefixtures("warehouse")
def test_a_list_has_the_columns_of_the_page(alone: Cli) -> None:
    head, _, row = alone("profile", "list").out.splitlines()
    assert [title for title in COLUMNS if title in head] == COLUMNS
    for cell in ("Hall 3 Hall 3", "Self Maintained", "walter", "200,000"):
        assert cell in row


@pytest.mark.usefixtures("warehouse")
def test_a_narrow_terminal_shortens_text_and_tears_no_word(
    alone: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (("TTY_COMPATIBLE", "1"), ("NO_COLOR", "1"), ("COLUMNS", "80")):
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("TERM", "dumb")
    lines = alone("profile", "list").out.splitlines()
    shown = " ".join(lines)
    assert all(len(line) <= 80 for line in lines)
    for word in ("Description", "Associated", "Devices", "Maintained", "200,000", "walter"):
        assert word in shown
    assert "2026-11-23 " in shown
    assert "Hall 3 Hal\u2026" in shown


@pytest.mark.parametrize("columns", [30, 40, 60, 80, 100])
def test_no_terminal_is_too_narrow_for_a_name(
    cli: Cli, admin: AdminClient, monkeypatch: pytest.MonkeyPatch, columns: int
) -> None:
    name = "Tablets of the warehouse in the north"
    admin.create_profile(name, description="x" * 1000)
    terminal = {"TTY_COMPATIBLE": "1", "NO_COLOR": "1", "COLUMNS": str(columns), "TERM": "dumb"}
    for variable, value in terminal.items():
        monkeypatch.setenv(variable, value)
    lines = cli("profile", "list").out.splitlines()
    assert all(len(line) <= columns for line in lines)
    assert all(any(word in line for line in lines) for word in name.split())
    assert any("2026-11-23" in line for line in lines)


def test_nothing_is_cut_or_padded_where_there_is_no_terminal(
    cli: Cli, admin: AdminClient, depot: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    attributes = {f"note {number}": "x" * 1000 for number in range(12)}
    admin.create_devices(depot, [DeviceRow(imei=imei(1), attributes=attributes)])
    admin.create_devices(depot, [DeviceRow(imei=imei(2))])
    shown = cli("device", "list").out
    assert shown.count("x" * 1000) == 12
    assert all(line == line.rstrip() for line in shown.splitlines())


@pytest.mark.usefixtures("warehouse")
def test_a_table_obeys_no_server(alone: Cli) -> None:
    shown = alone("profile", "list").out
    assert "[31mred [bold]x[/bold] :smile: next" in shown
    assert not {"\x1b", "\x07", "\u202e"} & set(shown)


@pytest.mark.usefixtures("warehouse")
def test_json_keeps_every_character(alone: Cli) -> None:
    assert alone("profile", "list", "--output", "json").document[0]["name"] == NAME_OF_EVIL


def test_a_list_in_json_is_an_array_of_profiles(cli: Cli, admin: AdminClient) -> None:
    made = [admin.create_profile(name) for name in ("Depot", "Lager")]
    listed = cli("profile", "list", "--output", "json").document
    assert [one["name"] for one in listed] == ["Depot", "Lager"]
    assert datetime.fromisoformat(listed[0]["create_time"]) == made[0].create_time
    assert listed[0]["create_time"].endswith("Z")
    assert listed[0]["type"] == "SELF_MAINTAINED"
    assert listed[0]["devices_update_time"] is None


def test_an_empty_list_is_an_empty_array(cli: Cli) -> None:
    assert cli("--output", "json", "profile", "list").document == []
    assert "profile create NAME" in cli("profile", "list").err


def test_a_row_stays_a_line_where_there_is_no_terminal(cli: Cli, admin: AdminClient) -> None:
    admin.create_profile("Depot", description="long " * 100)
    assert len(cli("profile", "list").out.splitlines()) == 3


@pytest.mark.parametrize("meant", ["Depot", "dEPOT", " depot "])
def test_a_profile_is_meant_by_id_or_name(
    cli: Cli, depot: str, admin: AdminClient, meant: str
) -> None:
    admin.create_profile("Depot South")
    for wanted in (meant, depot):
        shown = cli("profile", "show", wanted, "--output", "json").document
        assert shown["profile_id"] == depot


@pytest.mark.parametrize("name", ["Depot", "north-1"])
def test_a_name_makes_no_failed_call_unless_it_looks_like_an_id(
    cli: Cli, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    cli("profile", "create", name)
    caplog.set_level("WARNING", "rollbook_server.access")
    caplog.clear()
    assert cli("profile", "show", name).code == ExitCode.DONE
    assert bool(caplog.messages) == (name == "north-1")


@pytest.mark.usefixtures("depot")
def test_a_part_of_a_name_is_not_enough(cli: Cli) -> None:
    ended = cli("profile", "show", "Dep", "--output", "json")
    assert ended.code == ExitCode.REFUSED
    assert ended.error["reason"] == "PROFILE_NOT_FOUND"
    assert "'Dep'" in ended.error["message"]
    assert "profile list" in ended.error["next_step"]


def test_show_tells_counts_and_token(cli: Cli, depot: str, admin: AdminClient) -> None:
    imeis = ("356938035643809", "490154203237518", "353918052355563")
    admin.upload_rows(depot, [DeviceRow(imei=one) for one in imeis])
    token = admin.reveal_token(depot)
    assert cli("enroll", "--token", token, "--imei", imeis[0]).code == ExitCode.DONE
    shown = _facts(cli("profile", "show", "Depot").out)
    assert (shown["registered"], shown["pending"], shown["No of Devices"]) == ("1", "2", "3")
    assert (shown["Token State"], shown["Tokenless"]) == ("Active", "no")


def _facts(shown: str) -> dict[str, str]:
    """Give name and value of each line."""
    lines = (line.strip().partition("  ") for line in shown.splitlines())
    return {name: value.strip() for name, _, value in lines}


def test_show_in_json_has_the_token_or_null(cli: Cli, depot: str, admin: AdminClient) -> None:
    admin.create_profile("Open", tokenless=True)
    assert cli("profile", "show", depot, "--output", "json").document["token"]["use_count"] == 0
    assert cli("profile", "show", "Open", "--output", "json").document["token"] is None
    shown = _facts(cli("profile", "show", "Open").out)
    assert shown["Tokenless"] == "yes"
    assert "matched by their identifiers" in shown["Enrollment Token"]


def test_create_passes_on_what_was_asked(cli: Cli, admin: AdminClient, tmp_path: Path) -> None:
    keys = tmp_path / "keys.json"
    keys.write_text(json.dumps({"system_extras": {"wifi_ssid": "Depot"}}), encoding="utf-8-sig")
    options = ("--description", "Hall 3", "--single-device", "--tokenless")
    ended = cli("profile", "create", "New", *options, "--configuration", keys)
    assert ended.code == ExitCode.DONE
    assert _facts(ended.out)["Tokenless"] == "yes"
    (made,) = admin.list_profiles()
    assert (made.name, made.description) == ("New", "Hall 3")
    assert (made.origin, made.tokenless) == (ProfileOrigin.SINGLE_DEVICE, True)
    assert admin.get_profile(made.profile_id).configuration.system_extras == {"wifi_ssid": "Depot"}


def test_a_file_is_the_next_step_only_where_files_are(cli: Cli) -> None:
    ended = cli("profile", "create", "New tablets")
    assert "Next: rollbook upload 'New tablets' FILE.csv" in ended.err
    assert cli("profile", "create", "One", "--single-device").err == ""


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (b'{"a":\n x}', "is not JSON in UTF-8: Expecting value, line 2, column 2"),
        (b'{"a":\n "\xe4"}', "is not JSON in UTF-8: byte 0xe4, line 2, column 3"),
        ('{"a": 1}'.encode("utf-16"), "is not JSON in UTF-8: byte 0xff, line 1, column 1"),
        (b"[]", "not a JSON object"),
        (b'{"wifi": {}}', "group 'wifi'"),
        (b'{"vendor_keys": 7}', "not a JSON object"),
        (b'{"system_extras": {"wifi_sid": "x"}}', "wifi_ssid"),
        (b"[" * 100_000, "nested too deeply"),
        (b" " * 1_000_001, "too large"),
    ],
)
def test_a_wrong_configuration_is_a_mistake_of_usage(
    alone: Cli, tmp_path: Path, text: bytes, complaint: str
) -> None:
    keys = tmp_path / "keys.json"
    keys.write_bytes(text)
    ended = alone("profile", "create", "New", "--configuration", keys)
    assert ended.code == ExitCode.USAGE
    assert complaint in ended.err
