"""`rollbook demo` as a new user runs it: a process of its own, whatever the environment says."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from rollbook import EnrollOutcome
from rollbook.cli.entry import run
from rollbook_server.demo import enrollments
from rollbook_server.demo.sample_csv import LEAST_ROWS
from rollbook_server.demo.scenarios import SCENARIOS
from running import unset_environment

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

ROLLBOOK = (sys.executable, "-c", "import sys; from rollbook.cli import main; sys.exit(main())")
# Makes a module that cannot be imported, before the command begins.
WITHOUT = "import sys; sys.modules[{!r}] = None; from rollbook.cli import main; sys.exit(main())"

RICH = {"FORCE_COLOR": "1", "NO_COLOR": "", "TERM": "xterm"}
PLAIN = {**RICH, "NO_COLOR": "1"}


def demo(
    folder: Path,
    *options: object,
    program: tuple[str, ...] = ROLLBOOK,
    environment: Mapping[str, str] | None = None,
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*program, "demo", "--dir", str(folder), *map(str, options)],
        env={**unset_environment(), **(environment or {})},
        capture_output=True,
        text=True,
        check=False,
    )


def table_row(title: str) -> re.Pattern[str]:
    """Match a scenario whose expected and actual outcome are one and the same."""
    return re.compile(rf"^ {title} .* ([A-Z_]+) +\1 +✓ *$", re.MULTILINE)


@pytest.mark.parametrize("rows", [LEAST_ROWS, 2000])
def test_every_scenario_ends_as_it_should_in_samples_of_any_size(tmp_path: Path, rows: int) -> None:
    done = demo(tmp_path / "demo", "--rows", rows)

    assert done.returncode == 0, (done.stdout[-2000:], done.stderr)
    assert [each.title for each in SCENARIOS if not table_row(each.title).search(done.stdout)] == []
    for name in ("errors.csv", "qr.png"):
        assert str(tmp_path / "demo" / name) in done.stdout
        assert (tmp_path / "demo" / name).stat().st_size
    assert "$ rollbook upload 'Warehouse scanners' scanners.csv" in done.stdout


def test_settings_of_a_real_server_are_kept_out(tmp_path: Path) -> None:
    theirs = {
        "ROLLBOOK_DATABASE": f"sqlite:///{tmp_path / 'theirs.db'}",
        "ROLLBOOK_DATA_DIR": str(tmp_path / "their-data"),
        "ROLLBOOK_SEALING_KEY_FILE": str(tmp_path / "their-sealing.key"),
        "ROLLBOOK_MAX_ROWS": "5",
        "ROLLBOOK_PUBLIC_ADDRESS": "enroll.example.com:443",
        "ROLLBOOK_LISTEN": "192.0.2.1:1",
        "ROLLBOOK_ADDRESS": "192.0.2.1:1",
        "ROLLBOOK_API_KEY": "theirs",
    }
    done = demo(tmp_path / "demo", "--rows", LEAST_ROWS, environment={**theirs, **PLAIN})

    assert done.returncode == 0, (done.stdout[-2000:], done.stderr)
    assert "enroll.example.com" not in done.stdout + done.stderr
    assert "\nDevices switch on:\n" in done.stdout, "no colour means no bold either"
    assert [path.name for path in tmp_path.iterdir()] == ["demo"]


def test_a_program_gets_one_document_and_nothing_else(tmp_path: Path) -> None:
    done = demo(tmp_path / "demo", "--rows", LEAST_ROWS, "--output", "json")

    told = json.loads(done.stdout)
    assert (done.returncode, done.stderr) == (0, "")
    assert [each["title"] for each in told["scenarios"]] == [each.title for each in SCENARIOS]
    assert all(each["right"] for each in told["scenarios"])
    assert told["errors_file"] == str(tmp_path / "demo" / "errors.csv")


def test_headlines_are_bold_where_there_is_colour(tmp_path: Path) -> None:
    shown = demo(tmp_path / "demo", "--rows", LEAST_ROWS, environment=RICH).stdout
    (line,) = (line for line in shown.splitlines() if "Devices switch on" in line)
    assert line.startswith("\x1b[1m")


@pytest.mark.parametrize("form", ["table", "json"])
def test_a_wrong_outcome_is_a_failure(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, form: str
) -> None:
    wrong = SCENARIOS[0]._replace(expected=EnrollOutcome.SIGN_IN_REQUIRED)
    monkeypatch.setattr(enrollments, "SCENARIOS", (wrong, *SCENARIOS[1:]))
    rows = ("--rows", str(LEAST_ROWS))

    assert run(["demo", "--dir", str(tmp_path / "demo"), *rows, "--output", form]) == 1
    shown, said = capsys.readouterr()
    assert "the outcome differs for: Seed 1" in said
    assert "Every outcome is as it should be" not in shown
    if form == "json":
        assert json.loads(said)["error"]["reason"] == "DEMO_DIFFERS"
        assert [each["right"] for each in json.loads(shown)["scenarios"]].count(False) == 1


def test_the_first_command_that_fails_ends_it_and_is_named(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr("rollbook_server.demo.command.PROFILE", "x" * 1000)
    folder = tmp_path / "demo"

    assert run(["demo", "--dir", str(folder), "--rows", str(LEAST_ROWS)]) == 1
    shown, said = capfd.readouterr()
    assert "Error: `rollbook profile create xxx" in said
    assert "ended with 1 instead of 0" in said
    assert shown.count("$ rollbook") == 1


def test_without_the_server_it_does_nothing_and_names_the_extra(tmp_path: Path) -> None:
    program = (sys.executable, "-c", WITHOUT.format("peewee"))
    done = demo(tmp_path / "demo", program=program)

    assert done.returncode == 1
    assert re.fullmatch(r"Error: .*\bdemo\b.*\[server\].*\n", done.stderr)
    assert not (tmp_path / "demo").exists()


def test_a_folder_that_holds_something_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    done = demo(tmp_path)

    assert done.returncode == 2
    assert "is not empty" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
