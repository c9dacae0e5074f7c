"""What an uploader puts into cells reaches other people's terminals as text, and nothing else."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

import pytest

from rollbook import DeviceRow, OnConflict, RollbookError
from uploads.wire import imei

if TYPE_CHECKING:
    from pathlib import Path

    from cli.ended import Cli
    from rollbook import AdminClient

EVIL = {
    "title of the window": "\x1b]0;owned\x07",
    "colours": "\x1b[31mred\x1b[0m",
    "8-bit escapes": "\x9b31mred",
    "cursor": "a\b\b\bx\rover",
    "other direction": "\u202edetsiger\u202c",
    "markup": "[link=https://example.com]x[/link]",
    "formula": '=HYPERLINK("https://example.com","x")',
    "new lines": "x\n2026-11-28  admin  DONE",
}
READING = [
    *("profile list", "profile show Depot", "device list", "device list Depot", "uploads Depot"),
    *("device explain --imei 350000000000015", "audit", "audit list --all", "user list"),
    *("key list", "token show Depot"),
]


@pytest.fixture(params=[*EVIL.values()], ids=[*EVIL])
def evil(request: pytest.FixtureRequest, admin: AdminClient, depot: str) -> str:
    """Put a text everywhere where the server takes it."""
    text = str(request.param)
    for place in (
        lambda: admin.create_devices(depot, [DeviceRow(imei(1), attributes={"note": text})]),
        lambda: admin.create_devices(depot, [DeviceRow(imei(2), attributes={text: "note"})]),
        lambda: admin.create_devices(depot, [DeviceRow(imei(3), "", text, text)]),
        lambda: admin.create_user("ada", display_name=text),
        lambda: admin.create_user(text),
        lambda: admin.create_profile(text, description=text),
        lambda: admin.create_api_key(text, rights=[]),
    ):
        try:
            place()
        except RollbookError:
            continue  # refused: the better for everybody
    return text


def acting(shown: str) -> set[str]:
    """Give the characters that a terminal would not show but obey."""
    return {
        each for each in shown if unicodedata.category(each) in {"Cc", "Cf"} and each not in "\n\t"
    }


@pytest.mark.usefixtures("evil")
def test_no_command_that_shows_what_is_stored_lets_it_act(cli: Cli) -> None:
    for command in READING:
        ended = cli(*command.split())
        assert ended.code in (0, 3), (command, ended.err)
        assert acting(ended.out + ended.err) == set(), command
        assert "\n2026-11-28  admin  DONE" not in ended.out, command


def test_nor_does_a_refused_row(cli: Cli, evil: str, tmp_path: Path) -> None:
    path = tmp_path / "devices.csv"
    cell = evil.replace('"', '""')
    path.write_text(f'IMEI,Serial Number,"{cell}"\n"{cell}",,x\n,"{cell}",y\n', newline="")
    for options in ((), ("--on-conflict", OnConflict.UPDATE.lower())):
        ended = cli("upload", "Depot", path, *options)
        assert ended.code != 0
        assert acting(ended.out + ended.err) == set()


@pytest.mark.parametrize("mark", ["\u200f", "\u202e"], ids=["right-to-left mark", "override"])
def test_a_suggested_command_means_the_profile_whatever_cannot_be_seen_of_its_name(
    cli: Cli, admin: AdminClient, mark: str
) -> None:
    told = [cli("profile", "create", f"x{mark}y"), cli("token", "revoke", f"x{mark}y", "--yes")]
    profile_id = next(admin.list_profiles()).profile_id
    assert f"Next: rollbook upload {profile_id} FILE.csv" in told[0].err
    assert f"A new token: rollbook token refresh {profile_id}\n" in told[1].err
