"""`rollbook profile`: what is shown, and which profile is meant."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from cli.memory_roll import NOON, make_profile
from rollbook import ProfileOrigin
from rollbook.cli.exit_codes import ExitCode

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from cli.memory_roll import Ended, Roll

COLUMNS = [
    "Profile Name",
    "Description",
    "Last modified",
    "TYPE",
    "No of Devices",
    "Associated User",
]


def test_a_list_has_the_columns_of_the_page(cli: Callable[..., Ended], roll: Roll) -> None:
    roll.profiles = [make_profile(description="Hall 3", user_id="user-7", device_count=200_000)]
    head, _, row = cli("profile", "list").out.splitlines()
    assert [title for title in COLUMNS if title in head] == COLUMNS
    assert [cell.strip() for cell in row.split("  ") if cell.strip()][0:2] == ["Depot", "Hall 3"]
    assert "Self Maintained" in row
    assert "user-7" in row
    assert "200,000" in row


def test_a_list_in_json_is_an_array_of_profiles(cli: Callable[..., Ended], roll: Roll) -> None:
    roll.profiles = [make_profile(), make_profile("p2", "Lager")]
    listed = cli("profile", "list", "--output", "json").document
    assert [one["name"] for one in listed] == ["Depot", "Lager"]
    assert listed[0]["create_time"] == NOON.isoformat().replace("+00:00", "Z")
    assert listed[0]["type"] == "SELF_MAINTAINED"
    assert listed[0]["devices_update_time"] is None


def test_an_empty_list_is_an_empty_array(cli: Callable[..., Ended], roll: Roll) -> None:
    roll.profiles = []
    assert cli("--output", "json", "profile", "list").document == []
    assert "profile create NAME" in cli("profile", "list").err


def test_a_table_obeys_no_server(cli: Callable[..., Ended], roll: Roll) -> None:
    roll.profiles = [make_profile(name="\x1b[31mred\x07\u202e [bold]x[/bold] :smile:\nnext")]
    shown = cli("profile", "list").out
    assert "[31mred [bold]x[/bold] :smile: next" in shown
    assert not {"\x1b", "\x07", "\u202e"} & set(shown)


def test_json_keeps_every_character(cli: Callable[..., Ended], roll: Roll) -> None:
    roll.profiles = [make_profile(name="Käfer\u202e")]
    assert cli("profile", "list", "--output", "json").document[0]["name"] == "Käfer\u202e"


def test_a_row_stays_a_line_where_there_is_no_terminal(
    cli: Callable[..., Ended], roll: Roll
) -> None:
    roll.profiles = [make_profile(description="long " * 100)]
    assert len(cli("profile", "list").out.splitlines()) == 3


@pytest.mark.parametrize("meant", ["p1", "Depot", "dEPOT", " depot "])
def test_a_profile_is_meant_by_id_or_name(
    cli: Callable[..., Ended], roll: Roll, meant: str
) -> None:
    roll.profiles.append(make_profile("p2", "Depot South"))
    shown = cli("profile", "show", meant, "--output", "json").document
    assert shown["profile_id"] == "p1"


def test_a_part_of_a_name_is_not_enough(cli: Callable[..., Ended], roll: Roll) -> None:
    assert roll
    ended = cli("profile", "show", "Dep", "--output", "json")
    assert ended.code == ExitCode.REFUSED
    assert ended.error["reason"] == "PROFILE_NOT_FOUND"
    assert "'Dep'" in ended.error["message"]
    assert "profile list" in ended.error["next_step"]


def test_show_tells_counts_and_token(cli: Callable[..., Ended], roll: Roll) -> None:
    assert roll
    shown = cli("profile", "show", "Depot").out
    for name, value in (("registered", "1"), ("pending", "2"), ("Token State", "Active")):
        assert [name, value] in [line.strip().split("  ", 1) for line in _tight(shown)]


def _tight(shown: str) -> list[str]:
    """Give the lines with two spaces between name and value."""
    parts = ([part for part in line.split("  ") if part.strip()] for line in shown.splitlines())
    return ["  ".join(part.strip() for part in line) for line in parts]


def test_show_in_json_has_the_token_or_null(cli: Callable[..., Ended], roll: Roll) -> None:
    roll.profiles.append(make_profile("p2", "Open", tokenless=True))
    assert cli("profile", "show", "p1", "--output", "json").document["token"]["use_count"] == 4
    assert cli("profile", "show", "p2", "--output", "json").document["token"] is None
    assert "matched by their identifiers" in cli("profile", "show", "p2").out


def test_create_passes_on_what_was_asked(
    cli: Callable[..., Ended], roll: Roll, tmp_path: Path
) -> None:
    keys = tmp_path / "keys.json"
    keys.write_text(json.dumps({"system_extras": {"wifi_ssid": "Depot"}}))
    options = ("--description", "Hall 3", "--single-device", "--tokenless", "--user", "user-7")
    ended = cli("profile", "create", "New", *options, "--configuration", keys)
    assert ended.code == ExitCode.DONE
    made = roll.profiles[-1]
    assert (made.name, made.description, made.user_id) == ("New", "Hall 3", "user-7")
    assert (made.origin, made.tokenless) == (ProfileOrigin.SINGLE_DEVICE, True)
    assert made.configuration.system_extras == {"wifi_ssid": "Depot"}
    assert "Next: rollbook upload New FILE.csv" in ended.err


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("{", "Expecting"),
        ("[]", "not a JSON object"),
        ('{"wifi": {}}', "no group 'wifi'"),
        ('{"vendor_keys": 7}', "not a JSON object"),
        ('{"system_extras": {"wifi_sid": "x"}}', "wifi_ssid"),
        ("[" * 100_000, "recursion"),
        (" " * 1_000_001, "too large"),
    ],
)
def test_a_wrong_configuration_is_a_mistake_of_usage(
    cli: Callable[..., Ended], roll: Roll, tmp_path: Path, text: str, complaint: str
) -> None:
    keys = tmp_path / "keys.json"
    keys.write_text(text)
    ended = cli("profile", "create", "New", "--configuration", keys)
    assert ended.code == ExitCode.USAGE
    assert complaint in ended.err
    assert len(roll.profiles) == 1
