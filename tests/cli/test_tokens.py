"""`rollbook token`, `qr`, `template` and `enroll`."""

from __future__ import annotations

import re
import stat
from typing import TYPE_CHECKING

import pytest

from rollbook import DeviceRow
from rollbook.cli.exit_codes import ExitCode
from rollbook.cli.output import words
from rollbook.v1 import enrollment_service_pb2

if TYPE_CHECKING:
    from pathlib import Path

    from cli.ended import Cli
    from client.fake_server import Running
    from rollbook import AdminClient
    from running import Server

IMEI = "356938035643809"
OTHER_IMEI = "490154203237518"
WRONG_TOKEN = "7K3M-Q9XT-2AV4"


def test_a_token_is_shown_without_its_value(cli: Cli, depot: str, admin: AdminClient) -> None:
    secret = admin.reveal_token(depot)
    assert secret not in cli("token", "show", "Depot").out
    shown = cli("token", "show", "Depot", "--output", "json").document
    assert shown["state"] == "ACTIVE"
    assert shown["obfuscated_value"] == admin.get_token(depot).obfuscated_value
    assert secret not in str(shown)


def test_a_revealed_token_stands_alone_on_stdout(cli: Cli, depot: str, admin: AdminClient) -> None:
    secret = admin.reveal_token(depot)
    assert cli("token", "reveal", "Depot").out == f"{secret}\n"
    told = cli("token", "reveal", "Depot", "--output", "json").document
    assert {"value": secret, "state": "ACTIVE"}.items() <= told.items()
    assert (
        told["expire_time"]
        == cli("token", "show", "Depot", "--output", "json").document["expire_time"]
    )


@pytest.mark.parametrize("state", ["revoked", "expired"])
@pytest.mark.parametrize("command", ["show", "reveal"])
def test_a_token_that_opens_nothing_says_so(
    cli: Cli, depot: str, admin: AdminClient, server: Server, state: str, command: str
) -> None:
    secret = admin.reveal_token(depot)
    if state == "revoked":
        admin.revoke_token(depot)
    else:
        server.clock.turn(days=7)
    ended = cli("token", command, "Depot")
    assert f"Warning: This token is {state} (" in ended.err
    assert words(admin.get_token(depot).expire_time) in ended.err
    assert "New token: rollbook token refresh Depot" in ended.err
    assert ("token extend" in ended.err) == (state == "expired")
    if command == "reveal":
        assert ended.out == f"{secret}\n"
    told = cli("token", command, "Depot", "--output", "json")
    assert (told.document["state"], told.err) == (state.upper(), "")


@pytest.fixture
def evil_picture(scripted: Running) -> None:
    """Give a server whose picture and warning hold what a terminal obeys."""
    picture = "\x1b[38;5;231m\u2588\u2580\u2588\x1b[0m\n\u2588 \u2588\n\x1b[2J"
    scripted.fake.qr_code.image = picture.encode()
    scripted.fake.qr_code.warnings[:] = ["wifi_ssid is missing\x1b[2J"]


@pytest.mark.usefixtures("evil_picture")
def test_a_qr_code_is_drawn_where_there_is_no_terminal(alone: Cli) -> None:
    ended = alone("qr", "p1")
    assert ended.out.splitlines() == ["\u2588\u2580\u2588", "\u2588 \u2588", "[2J"]
    assert "Warning: wifi_ssid is missing[2J" in ended.err


@pytest.mark.usefixtures("evil_picture")
def test_a_qr_code_on_a_terminal_is_white_on_black_and_obeyed_in_nothing_else(
    alone: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "3")
    drawn = alone("qr", "p1").out
    assert drawn.count("\n") == 3
    assert set(re.findall(r"\x1b\[[0-9;]*.", drawn)) == {"\x1b[38;5;231;48;5;16m", "\x1b[0m"}


@pytest.mark.usefixtures("evil_picture")
def test_a_qr_code_that_would_be_torn_is_not_drawn(
    alone: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "2")
    ended = alone("qr", "p1")
    assert (ended.code, ended.out) == (ExitCode.REFUSED, "")
    assert "needs 3 columns and this terminal has 2" in ended.err
    assert "--out FILE.png" in ended.err


@pytest.mark.usefixtures("depot")
@pytest.mark.parametrize("suffix", ["png", "svg", "pdf", "PNG"])
def test_a_qr_code_goes_into_a_private_file(cli: Cli, tmp_path: Path, suffix: str) -> None:
    picture = tmp_path / f"depot.{suffix}"
    ended = cli("qr", "Depot", "--out", picture, "--scale", "4", "--output", "json")
    assert suffix.lower() in ended.document["media_type"]
    assert stat.S_IMODE(picture.stat().st_mode) == 0o600
    assert ended.document["file"] == str(picture)
    small = picture.read_bytes()
    assert cli("qr", "Depot", "--out", picture, "--scale", "8", "--force").code == ExitCode.DONE
    assert picture.read_bytes() != small


def test_a_qr_code_has_one_of_three_forms(alone: Cli) -> None:
    ended = alone("qr", "Depot", "--out", "depot.gif")
    assert ended.code == ExitCode.USAGE
    assert ".png, .svg, .pdf" in ended.err


def test_a_template_goes_to_stdout_or_a_file(
    cli: Cli, depot: str, admin: AdminClient, tmp_path: Path
) -> None:
    of_profile = admin.get_upload_template(depot).decode("utf-8")
    assert cli("template", "--profile", "Depot").out == of_profile
    out = tmp_path / "devices.csv"
    assert f"rollbook upload PROFILE {out}" in cli("template", "--out", out).err
    assert out.read_bytes() == admin.get_upload_template()
    told = cli("template", "--output", "json").document
    assert told == {"data": out.read_bytes().decode("utf-8-sig"), "file": None}


def test_the_outcome_is_the_exit_code(cli: Cli, depot: str, admin: AdminClient) -> None:
    admin.upload_rows(depot, [DeviceRow(imei=IMEI)])
    token = admin.reveal_token(depot)
    for outcome, code, presented in (
        ("REGISTERED", 0, ("--token", token, "--imei", IMEI)),
        ("NOT_REGISTERED", 6, ("--token", token, "--imei", OTHER_IMEI)),
        ("SIGN_IN_REQUIRED", 7, ("--token", WRONG_TOKEN, "--imei", IMEI)),
    ):
        ended = cli("enroll", *presented)
        assert (ended.code, outcome in ended.out) == (code, True)
        told = cli("enroll", *presented, "--output", "json").document
        assert told["outcome"] == outcome


def test_a_device_without_a_token_may_need_one(cli: Cli, depot: str, admin: AdminClient) -> None:
    admin.upload_rows(depot, [DeviceRow(imei=IMEI)])
    assert "No tokenless profile has this device; add --token" in cli("enroll", "--imei", IMEI).err
    ended = cli("enroll", "--token", admin.reveal_token(depot), "--imei", OTHER_IMEI)
    assert "The token's profile does not have this device." in ended.err


def test_a_device_presents_all_it_has(alone: Cli, scripted: Running) -> None:
    scripted.fake.enrollment.outcome = enrollment_service_pb2.ENROLL_OUTCOME_REGISTERED
    scripted.fake.enrollment.attributes["Site"] = "Hall 3"
    identifiers = ("--imei", IMEI, "--imei", "2", "--serial", "S1", "--manufacturer", "Acme")
    ended = alone("enroll", "--token", WRONG_TOKEN, *identifiers)
    asked = scripted.fake.requests[-1]
    assert (asked.token, [*asked.imeis]) == (WRONG_TOKEN, [IMEI, "2"])
    assert (asked.serial_number, asked.manufacturer) == ("S1", "Acme")
    assert "Hall 3" in ended.out


@pytest.mark.parametrize("presented", [(), ("--serial", "S1"), ("--manufacturer", "Acme")])
def test_a_device_presents_something(alone: Cli, presented: tuple[str, ...]) -> None:
    assert alone("enroll", *presented).code == ExitCode.USAGE
