"""`rollbook token`, `qr`, `template` and `enroll`."""

from __future__ import annotations

import re
import stat
from typing import TYPE_CHECKING

import pytest

from cli.memory_roll import SECRET
from rollbook import EnrollOutcome, QrCodeFormat
from rollbook.cli.exit_codes import ExitCode

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from cli.memory_roll import Ended, Roll

IMEI = "356938035643809"


@pytest.mark.usefixtures("roll")
def test_a_token_is_shown_without_its_value(cli: Callable[..., Ended]) -> None:
    assert SECRET not in cli("token", "show", "Depot").out
    shown = cli("token", "show", "Depot", "--output", "json").document
    assert (shown["state"], shown["obfuscated_value"]) == ("ACTIVE", "7K3M-****")


@pytest.mark.usefixtures("roll")
def test_a_revealed_token_stands_alone_on_stdout(cli: Callable[..., Ended]) -> None:
    assert cli("token", "reveal", "Depot").out == f"{SECRET}\n"
    assert cli("token", "reveal", "Depot", "--output", "json").document == {"value": SECRET}


@pytest.mark.usefixtures("roll")
def test_a_qr_code_is_drawn_where_there_is_no_terminal(cli: Callable[..., Ended]) -> None:
    ended = cli("qr", "Depot")
    assert ended.out.splitlines() == ["\u2588\u2580\u2588", "\u2588 \u2588", "[2J"]
    assert "Warning: wifi_ssid is missing[2J" in ended.err


@pytest.mark.usefixtures("roll")
def test_a_qr_code_on_a_terminal_is_white_on_black_and_obeyed_in_nothing_else(
    cli: Callable[..., Ended], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "2")
    drawn = cli("qr", "Depot").out
    assert drawn.count("\n") == 3
    assert set(re.findall(r"\x1b\[[0-9;]*.", drawn)) == {"\x1b[38;5;231;48;5;16m", "\x1b[0m"}


@pytest.mark.parametrize("suffix", ["png", "svg", "pdf", "PNG"])
def test_a_qr_code_goes_into_a_private_file(
    cli: Callable[..., Ended], roll: Roll, tmp_path: Path, suffix: str
) -> None:
    picture = tmp_path / f"depot.{suffix}"
    ended = cli("qr", "Depot", "--out", picture, "--scale", "4", "--output", "json")
    assert roll.asked["format"] is QrCodeFormat(suffix.upper())
    assert roll.asked["scale"] == 4
    assert stat.S_IMODE(picture.stat().st_mode) == 0o600
    assert ended.document["file"] == str(picture)


@pytest.mark.usefixtures("roll")
def test_a_qr_code_has_one_of_three_forms(cli: Callable[..., Ended]) -> None:
    ended = cli("qr", "Depot", "--out", "depot.gif")
    assert ended.code == ExitCode.USAGE
    assert ".png, .svg, .pdf" in ended.err


@pytest.mark.usefixtures("roll")
def test_a_template_goes_to_stdout_or_a_file(cli: Callable[..., Ended], tmp_path: Path) -> None:
    assert cli("template", "--profile", "Depot").out.strip().endswith("IMEI,p1")
    out = tmp_path / "devices.csv"
    assert f"rollbook upload PROFILE {out}" in cli("template", "--out", out).err
    assert out.read_bytes() == "\ufeffIMEI,\r\n".encode()
    assert cli("template", "--output", "json").document == {"data": "IMEI,\r\n", "file": None}


@pytest.mark.parametrize(
    ("outcome", "code"),
    [
        (EnrollOutcome.REGISTERED, 0),
        (EnrollOutcome.NOT_REGISTERED, 6),
        (EnrollOutcome.SIGN_IN_REQUIRED, 7),
    ],
)
def test_the_outcome_is_the_exit_code(
    cli: Callable[..., Ended], roll: Roll, outcome: EnrollOutcome, code: int
) -> None:
    roll.outcome = outcome
    ended = cli("enroll", "--imei", IMEI)
    assert ended.code == code
    assert outcome in ended.out
    assert cli("enroll", "--imei", IMEI, "--output", "json").document["outcome"] == outcome


def test_a_device_presents_all_it_has(cli: Callable[..., Ended], roll: Roll) -> None:
    identifiers = ("--imei", IMEI, "--imei", "2", "--serial", "S1", "--manufacturer", "Acme")
    ended = cli("enroll", "--token", SECRET, *identifiers)
    assert roll.asked == {
        "token": SECRET,
        "imeis": (IMEI, "2"),
        "serial_number": "S1",
        "manufacturer": "Acme",
    }
    assert "Hall 3" in ended.out


@pytest.mark.parametrize("presented", [(), ("--serial", "S1"), ("--manufacturer", "Acme")])
def test_a_device_presents_something(
    cli: Callable[..., Ended], roll: Roll, presented: tuple[str, ...]
) -> None:
    assert cli("enroll", *presented).code == ExitCode.USAGE
    assert roll.asked == {}
