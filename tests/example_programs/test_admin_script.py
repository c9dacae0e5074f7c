"""The admin script leads from a file to a QR code, and can be run again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from devices.calls import imei
from example_programs.programs import Program

if TYPE_CHECKING:
    from pathlib import Path

    from rollbook import AdminClient
    from running import Server


@pytest.fixture
def script(server: Server, tmp_path: Path) -> Program:
    return Program("admin_script.py", server, tmp_path)


def write(folder: Path, *imeis: str) -> Path:
    path = folder / "devices.csv"
    path.write_text("\n".join(("IMEI", *imeis, "")))
    return path


def test_it_ends_with_a_qr_code_and_can_be_run_again(
    script: Program, admin: AdminClient, tmp_path: Path
) -> None:
    file = write(tmp_path, imei(1), imei(2))
    first = script.run("Spring tablets", file, "--qr", "spring.png")
    assert (first.returncode, first.stderr) == (0, "")
    assert first.stdout.splitlines() == [
        "2 devices are new, 0 were there",
        "spring.png enrolls them for 30 days",
    ]
    assert (tmp_path / "spring.png").read_bytes().startswith(b"\x89PNG")
    picture = script.folder / "spring.png"
    assert picture.stat().st_mode & 0o077 == 0, "others must not read the token"
    again = script.run("Spring tablets", file, "--qr", "spring.png")
    assert again.stdout.startswith("0 devices are new, 2 were there\n")
    (profile,) = admin.list_profiles()
    assert (profile.name, profile.device_count) == ("Spring tablets", 2)


def test_rows_to_mend_are_written_down_and_nothing_goes_onto_the_roll(
    script: Program, admin: AdminClient, tmp_path: Path
) -> None:
    done = script.run("Spring tablets", write(tmp_path, imei(1), "12345"))
    assert done.returncode == 1
    assert "1 of 2 rows have to be mended" in done.stdout
    assert "12345" in (tmp_path / "devices-errors.csv").read_text(encoding="utf-8-sig")
    (profile,) = admin.list_profiles()
    assert profile.device_count == 0


def test_a_failure_is_a_sentence(script: Program, tmp_path: Path) -> None:
    done = script.run("Spring tablets", write(tmp_path, imei(1)), ROLLBOOK_API_KEY="wrong")
    assert done.returncode == 1
    assert "(API_KEY_INVALID)" in done.stderr
    assert "Traceback" not in done.stderr
    assert "No such file" in script.run("Spring tablets", "none.csv").stderr
    assert script.run("x", "y", ROLLBOOK_API_KEY="").stderr == "ROLLBOOK_API_KEY is not set\n"
