"""`rollbook qr --sheet`: pages that an independent reader and an independent decoder understand."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pypdfium2
import pytest
import zxingcpp

from rollbook import QrCodeFormat, Right
from rollbook.cli.exit_codes import ExitCode

if TYPE_CHECKING:
    from pathlib import Path

    from cli.ended import Cli
    from rollbook import AdminClient
    from running import Server

# Points, as PDF counts: 210 by 297 mm, and 8.5 by 11 inches.
PAPERS = {"a4": (595, 842), "letter": (612, 792)}
# What a printer prints: 150 dots an inch are a poor one.
DOTS_A_POINT = 150 / 72
SCRIPTS = {
    "Cyrillic": "Склад Север",
    "Greek": "Αποθήκη",
    "Arabic": "مستودع الشمال",
    "Devanagari": "उत्तर डिपो",
    "Chinese": "北方仓库",
}


class Printed:
    """A sheet as a reader and a scanner see it."""

    def __init__(self, path: Path) -> None:
        with pypdfium2.PdfDocument(path) as document:
            self.sizes = [tuple(map(round, page.get_size())) for page in document]
            self.texts = [page.get_textpage().get_text_bounded() for page in document]
            pictures = [page.render(scale=DOTS_A_POINT).to_pil() for page in document]
        # Among all kinds, one page in hundreds has a Codabar in the pattern of a QR code.
        kind = zxingcpp.BarcodeFormats([zxingcpp.BarcodeFormat.QRCode])
        found = [zxingcpp.read_barcodes(one, formats=kind) for one in pictures]
        self.codes = [[code.text for code in codes] for codes in found]


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "profiles.pdf"


def payload(admin: AdminClient, profile_id: str) -> str:
    return admin.generate_qr_code(profile_id, format=QrCodeFormat.PNG).payload


def expiry(admin: AdminClient, profile_id: str) -> str:
    end = admin.get_token(profile_id).expire_time
    assert end is not None
    return end.strftime("Expires %Y-%m-%d %H:%M UTC")


@pytest.mark.parametrize("name", ["codes.png", "codes", "-"])
def test_a_sheet_is_a_pdf_by_its_name_too(
    alone: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    ended = alone("qr", "--sheet", name)
    assert ended.code == ExitCode.USAGE
    assert f"{name} does not end in .pdf" in ended.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("paper", PAPERS)
def test_every_code_of_a_sheet_is_read_with_its_name_and_expiry(
    cli: Cli, admin: AdminClient, out: Path, paper: str
) -> None:
    made = [admin.create_profile(f"Depot {number}").profile_id for number in range(1, 9)]
    ended = cli("qr", "--sheet", out, "--paper", paper)
    assert ended.code == ExitCode.DONE
    assert f"Wrote {out}: 8 codes on 2 pages." in ended.err
    printed = Printed(out)
    assert printed.sizes == [PAPERS[paper]] * 2
    assert [len(codes) for codes in printed.codes] == [6, 2]
    assert {*printed.codes[0], *printed.codes[1]} == {payload(admin, each) for each in made}
    for number, profile_id in enumerate(made, start=1):
        text = printed.texts[(number - 1) // 6]
        for written in (f"Depot {number}", expiry(admin, profile_id), profile_id):
            assert written in text


def test_the_file_is_for_its_owner_and_over_no_other(cli: Cli, depot: str, out: Path) -> None:
    assert cli("qr", depot, "--sheet", out).code == ExitCode.DONE
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    before = out.read_bytes()
    refused = cli("qr", depot, "--sheet", out, "--output", "json")
    assert (refused.code, refused.error["reason"]) == (ExitCode.REFUSED, "FILE_EXISTS")
    assert out.read_bytes() == before


def test_only_those_that_are_named_are_printed(cli: Cli, admin: AdminClient, out: Path) -> None:
    ids = [admin.create_profile(name).profile_id for name in ("One", "Two", "Three")]
    told = cli("qr", "three", ids[0], "THREE", "--sheet", out, "--output", "json").document
    assert [code["name"] for code in told["codes"]] == ["Three", "One"]
    assert (told["page_count"], told["left_out"]) == (1, [])


def test_what_nobody_could_enroll_with_is_left_out_and_told(
    cli: Cli, server: Server, admin: AdminClient, out: Path
) -> None:
    expired = admin.create_profile("Expired")
    server.clock.turn(days=8)
    revoked = admin.create_profile("Revoked").profile_id
    admin.revoke_token(revoked)
    admin.create_profile("Open", tokenless=True)
    good = admin.create_profile("Good").profile_id
    ended = cli("qr", "--sheet", out)
    assert ended.code == ExitCode.DONE
    assert Printed(out).codes == [[payload(admin, good)]]
    for line in (
        "Left out Expired: its token is expired (",
        "rollbook token extend Expired --days N",
        "Left out Revoked: its token is revoked",
        "rollbook token refresh Revoked",
        "Left out Open: it has no token, for it is tokenless",
    ):
        assert line in ended.err
    told = cli("qr", "--sheet", out, "--force", "--output", "json").document
    assert {(one["name"], one["reason"]) for one in told["left_out"]} == {
        ("Expired", "TOKEN_IS_EXPIRED"),
        ("Revoked", "TOKEN_IS_REVOKED"),
        ("Open", "PROFILE_IS_TOKENLESS"),
    }
    assert expired.profile_id in {one["profile_id"] for one in told["left_out"]}


def test_a_payload_that_fits_no_code_keeps_the_others(
    cli: Cli, admin: AdminClient, out: Path
) -> None:
    admin.create_profile("Good")
    cli("profile", "create", "Large")
    for part in ("a", "b", "c"):
        cli("profile", "configure", "Large", "--set", f"vendor_keys.{part}={part * 1000}")
    told = cli("qr", "--sheet", out, "--output", "json").document
    assert [code["name"] for code in told["codes"]] == ["Good"]
    assert [one["reason"] for one in told["left_out"]] == ["QR_PAYLOAD_TOO_LARGE"]


@pytest.mark.parametrize("profiles", [[], ["Open"]])
def test_a_sheet_without_codes_is_not_written(cli: Cli, out: Path, profiles: list[str]) -> None:
    for name in profiles:
        cli("profile", "create", name, "--tokenless")
    ended = cli("qr", "--sheet", out, "--output", "json")
    assert (ended.code, ended.error["reason"]) == (ExitCode.REFUSED, "SHEET_EMPTY")
    assert not out.exists()


def test_a_key_without_the_right_gets_no_sheet(
    cli: Cli, admin: AdminClient, depot: str, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = admin.create_api_key("Viewer", rights=[Right.VIEW]).value
    monkeypatch.setenv("ROLLBOOK_API_KEY", key)
    ended = cli("qr", depot, "--sheet", out, "--output", "json")
    assert (ended.code, ended.error["reason"]) == (ExitCode.REFUSED, "RIGHT_MISSING")
    assert not out.exists()


@pytest.mark.parametrize("options", [("--out", "x.png"), ("--payload",)])
def test_a_sheet_is_no_picture(cli: Cli, depot: str, out: Path, options: tuple[str, ...]) -> None:
    assert cli("qr", depot, "--sheet", out, *options).code == ExitCode.USAGE


def test_a_picture_is_of_one_profile(cli: Cli) -> None:
    assert "--sheet FILE.pdf" in cli("qr").err
    assert "Name one PROFILE" in cli("qr", "One", "Two").err


def test_a_long_name_stays_in_its_place(cli: Cli, admin: AdminClient, out: Path) -> None:
    names = ["A name of many words that tells all " * 3, "W" * 128]
    made = [admin.create_profile(name.strip()).profile_id for name in names]
    assert cli("qr", "--sheet", out).code == ExitCode.DONE
    printed = Printed(out)
    assert {*printed.codes[0]} == {payload(admin, each) for each in made}
    assert "many words that tells all" in printed.texts[0].replace("\r\n", " ")


def fonts_or_skip(text: str) -> None:
    """Require a font for the text: in CI it has to be there."""
    asked = f":charset={ord(text[0]):x}"
    found = shutil.which("fc-list") and subprocess.check_output(["fc-list", asked], text=True)
    if not found:
        if os.environ.get("CI"):
            pytest.fail(f"no font has {text}: .ci/run has to install one")
        pytest.skip(f"no font has {text}: apt-get install fontconfig fonts-noto-core")


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_name_of_another_script_is_written(
    cli: Cli, admin: AdminClient, out: Path, script: str
) -> None:
    name = SCRIPTS[script]
    fonts_or_skip(name)
    profile_id = admin.create_profile(name).profile_id
    admin.create_profile("Depot")
    told = cli("qr", "--sheet", out, "--output", "json").document
    assert [code["replaced_characters"] for code in told["codes"]] == ["", ""]
    printed = Printed(out)
    assert len(printed.codes[0]) == 2
    assert expiry(admin, profile_id) in printed.texts[0]
    if script in {"Cyrillic", "Greek", "Chinese"}:  # the others are shaped: no text comes back
        assert name in printed.texts[0]
        assert "Depot" in printed.texts[0]


def test_what_no_font_has_is_replaced_and_told(
    cli: Cli, admin: AdminClient, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    profile_id = admin.create_profile("北 Depot é").profile_id
    ended = cli("qr", "--sheet", out)
    assert ended.code == ExitCode.DONE
    assert "no font here has 北, so ? stands for it" in ended.err
    assert "--font FILE.ttf" in ended.err
    text = Printed(out).texts[0]
    assert "? Depot é" in text
    assert profile_id in text


def test_a_font_can_be_named(
    cli: Cli, admin: AdminClient, out: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    fonts_or_skip(SCRIPTS["Cyrillic"])
    file = subprocess.check_output(["fc-match", "-f", "%{file}", ":charset=414"], text=True)
    monkeypatch.setenv("PATH", "")
    admin.create_profile(SCRIPTS["Cyrillic"])
    admin.create_profile("Depot")
    told = cli("qr", "--sheet", out, "--font", file, "--output", "json").document
    assert {code["replaced_characters"] for code in told["codes"]} == {""}
    assert SCRIPTS["Cyrillic"] in Printed(out).texts[0]
    bad = tmp_path / "bad.ttf"
    bad.write_text("no font")
    refused = cli("qr", "--sheet", out, "--force", "--font", bad)
    assert refused.code == ExitCode.REFUSED
    assert f"{bad}" in refused.err
    assert "bug" not in refused.err


@pytest.mark.parametrize("missing", ["fpdf", "fontTools"])
def test_a_missing_extra_is_named_before_anything_is_asked(
    alone: Cli, out: Path, monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    for name in [each for each in sys.modules if each.startswith("rollbook.cli.sheet")]:
        monkeypatch.delitem(sys.modules, name)
    broken: dict[str, Any] = {missing: None}
    for name in [each for each in sys.modules if each.startswith(f"{missing}.")]:
        broken[name] = None
    for name, value in broken.items():
        monkeypatch.setitem(sys.modules, name, value)
    ended = alone("qr", "--sheet", out, "--output", "json")
    assert (ended.code, ended.error["reason"]) == (ExitCode.REFUSED, "EXTRA_MISSING")
    assert "pip install '.[sheet]'" in ended.error["message"]
