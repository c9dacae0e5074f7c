"""The command `rollbook demo`: the main job from a CSV file to registered devices."""

from __future__ import annotations

import json
import tempfile
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich import box
from rich.table import Table

from rollbook import AdminClient, EnrollmentAgent
from rollbook.cli.errors import CommandError
from rollbook.cli.exit_codes import ExitCode
from rollbook.cli.output import show_json
from rollbook.cli.session import Session, with_session
from rollbook_server.demo.devices import Devices, write_scanners
from rollbook_server.demo.enrollments import Result, enroll_all
from rollbook_server.demo.sample_csv import LEAST_ROWS, MOST_ROWS, SampleSummary, write_sample
from rollbook_server.demo.scenarios import LEGEND
from rollbook_server.demo.stage import Stage

if TYPE_CHECKING:
    from collections.abc import Sequence

PROFILE = "Autumn tablets"
TOKENLESS = "Warehouse scanners"
ERROR_LINES_SHOWN = 5
_WIDE = 150

# What a device policy controller's maker publishes; this one is made up.
CONFIGURATION = {
    "vendor_keys": {"quickStart": True},
    "system_extras": {
        "device_admin_component_name": "com.example.agent/com.example.agent.AdminReceiver",
        "device_admin_package_download_location": "https://downloads.example.com/agent.apk",
        "device_admin_signature_checksum": "H2IxQHNSEQDujQ7aEQUzvl43Ngik_w9AGHExJhhWELE",
        "leave_all_system_apps_enabled": True,
    },
}


@click.command()
@click.option(
    "--rows",
    type=click.IntRange(LEAST_ROWS, MOST_ROWS),
    default=200_000,
    show_default=True,
    help="Rows of the CSV file.",
)
@click.option(
    "--dir",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    help="Empty or new folder for all files.  [default: a new temporary one]",
)
@with_session
def demo(session: Session, /, rows: int, folder: Path | None) -> None:
    """Show the main job: make a CSV file, serve, upload, and enroll devices.

    Exits with 1 if any device is told something else than it should be.
    """
    stage = Stage(_fresh(folder), silent=session.wants_json)
    stage.say(f"Rollbook demo in {stage.folder}", style="bold")
    summary = _write_files(stage, rows)
    with stage.served():
        _set_up(stage)
        results, problems = _switch_on(stage, summary)
        stage.run("profile", "list")
    _tell_files(stage)
    if session.wants_json:
        show_json(_document(stage, summary, results))
    if problems:
        raise CommandError("; ".join(problems), reason="DEMO_DIFFERS")
    stage.say("Every outcome is as it should be.", style="green")


def _fresh(folder: Path | None) -> Path:
    if folder is None:
        return Path(tempfile.mkdtemp(prefix="rollbook-demo-"))
    folder = folder.absolute()
    if folder.exists() and any(folder.iterdir()):
        raise click.UsageError(f"{folder} is not empty; name a new folder.")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _write_files(stage: Stage, rows: int) -> SampleSummary:
    (stage.folder / "configuration.json").write_text(json.dumps(CONFIGURATION, indent=2))
    write_scanners(stage.folder / "scanners.csv")
    summary = write_sample(stage.folder / "devices.csv", rows=rows)
    stage.say(f"devices.csv: {summary.rows:,} rows, {summary.bad_rows} of them bad on purpose.")
    return summary


def _set_up(stage: Stage) -> None:
    """Run the commands that come before a device switches on."""
    stage.run("profile", "create", PROFILE, "--configuration", "configuration.json")
    bad = ("upload", PROFILE, "devices.csv", "--errors", "errors.csv")
    stage.run(*bad, expected=(ExitCode.ROWS_REJECTED,))
    _show_errors(stage)
    stage.run("token", "show", PROFILE)
    # A terminal that is too narrow for the picture is told so; the file has it.
    stage.run("qr", PROFILE, expected=(ExitCode.DONE, ExitCode.REFUSED))
    stage.run("qr", PROFILE, "--out", "qr.png")
    stage.run("profile", "create", TOKENLESS, "--tokenless")
    stage.run("upload", TOKENLESS, "scanners.csv")


def _show_errors(stage: Stage) -> None:
    stage.say("\nThe first lines of errors.csv, to be mended and uploaded again:", style="bold")
    with (stage.folder / "errors.csv").open(newline="", encoding="utf-8-sig") as file:
        for line in islice(file, ERROR_LINES_SHOWN):
            stage.say(f"  {_shortened(line.strip())}")


def _shortened(line: str) -> str:
    """Leave the middle of a long line out: what is wrong stands at its end."""
    return line if len(line) <= _WIDE else f"{line[: _WIDE // 2]} … {line[-_WIDE // 2 :]}"


def _switch_on(stage: Stage, summary: SampleSummary) -> tuple[list[Result], list[str]]:
    """Enroll devices and show what they are told; gives also what is not as it should be."""
    with (
        AdminClient(stage.address, api_key=stage.api_key) as admin,
        EnrollmentAgent(stage.address) as agent,
    ):
        (profile,) = admin.list_profiles(name_contains=PROFILE)
        devices = Devices.of(stage.folder / "devices.csv", summary.bad_row_numbers)
        results = list(enroll_all(agent, admin.reveal_token(profile.profile_id), devices))
    stage.say("\nDevices switch on:", style="bold")
    stage.console.print(_table(results))
    return results, _wrong_count(profile.device_count, summary) + _wrong_outcomes(results)


def _wrong_count(count: int, summary: SampleSummary) -> list[str]:
    """Hold the profile's count against what is known of the file."""
    good = summary.rows - summary.bad_rows
    return [] if count == good else [f"{count} devices are on the roll, not {good}"]


def _wrong_outcomes(results: Sequence[Result]) -> list[str]:
    wrong = [each.scenario.title for each in results if not each.is_right]
    return [f"the outcome differs for: {', '.join(wrong)}"] if wrong else []


def _table(results: Sequence[Result]) -> Table:
    columns = ("Device", "Token", "IMEI", "S/N", "Mfr", "Expected", "Actual", "")
    table = Table(*columns, box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), caption=LEGEND)
    for each in results:
        mark = "[green]✓[/green]" if each.is_right else "[red]✗[/red]"
        table.add_row(each.scenario.title, *each.scenario[1:6], each.actual, mark)
    return table


def _tell_files(stage: Stage) -> None:
    stage.say(f"\nRejected rows, to be mended: {stage.folder / 'errors.csv'}")
    stage.say(f"QR code for a tablet:        {stage.folder / 'qr.png'}")
    stage.say(f"Everything else is in        {stage.folder}")


def _document(stage: Stage, summary: SampleSummary, results: Sequence[Result]) -> dict[str, object]:
    """Give what a program wants to know of the demo."""
    return {
        "folder": stage.folder,
        "errors_file": stage.folder / "errors.csv",
        "qr_file": stage.folder / "qr.png",
        "rows": summary.rows,
        "bad_rows": summary.bad_rows,
        "scenarios": [
            {"title": each.scenario.title, "expected": each.scenario.expected}
            | {"actual": each.actual, "right": each.is_right}
            for each in results
        ],
    }
