"""The command `rollbook demo`: the main job from a CSV file to registered devices."""

from __future__ import annotations

import csv
import json
import tempfile
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich import box
from rich.console import Console
from rich.table import Table

from rollbook import AdminClient, DeviceRow, EnrollmentAgent, UploadState
from rollbook_server.demo.enrollments import Result, enroll_all
from rollbook_server.demo.sample_csv import LEAST_ROWS, MOST_ROWS, SampleSummary, write_sample
from rollbook_server.demo.scenarios import LEGEND
from rollbook_server.demo.stage import Stage, staged

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

PROFILE = "Autumn tablets"
TOKENLESS = "Warehouse scanners"
DEVICES_SHOWN = 12
ERROR_LINES_SHOWN = 5
_WIDE = 150
_UPLOAD_WITH_REJECTED_ROWS = 3  # exit status of `rollbook upload`

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
def demo(rows: int, folder: Path | None) -> None:
    """Show the main job: make a CSV file, serve, upload, and enroll devices.

    Exits with 1 if any device is told something else than it should be.
    """
    folder = _fresh(folder)
    click.secho(f"Rollbook demo in {folder}", bold=True)
    summary = write_sample(folder / "devices.csv", rows=rows)
    click.echo(f"devices.csv: {summary.rows:,} rows, {summary.bad_rows} of them bad on purpose.")
    with staged(folder) as stage:
        problems = _play(stage, summary)
    click.echo(f"\nEverything is in {folder}")
    if problems:
        raise click.ClickException("; ".join(problems))
    click.secho("Every outcome is as it should be.", fg="green")


def _fresh(folder: Path | None) -> Path:
    if folder is None:
        return Path(tempfile.mkdtemp(prefix="rollbook-demo-"))
    folder = folder.absolute()
    if folder.exists() and any(folder.iterdir()):
        raise click.UsageError(f"{folder} is not empty; name a new folder.")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _play(stage: Stage, summary: SampleSummary) -> list[str]:
    """Run the commands; gives what did not go as it should."""
    (stage.folder / "configuration.json").write_text(json.dumps(CONFIGURATION, indent=2))
    statuses = [
        stage.run("profile", "create", PROFILE, "--configuration", "configuration.json"),
        stage.run("profile", "create", TOKENLESS, "--tokenless"),
    ]
    uploaded = stage.run("upload", PROFILE, "devices.csv", "--errors", "errors.csv")
    _show_errors(stage.folder / "errors.csv")
    statuses += [
        stage.run("token", "show", PROFILE),
        stage.run("qr", PROFILE),
        stage.run("qr", PROFILE, "--out", "qr.png"),
    ]
    problems = ["a command failed"] if any(statuses) else []
    if uploaded != _UPLOAD_WITH_REJECTED_ROWS:
        problems.append("the upload did not end well")
    with AdminClient(stage.address, api_key=stage.api_key) as admin:
        problems += _wrong_counts(admin, summary)
        problems += _wrong_outcomes(_enroll(admin, stage))
    stage.run("profile", "list")
    return problems


def _show_errors(path: Path) -> None:
    click.secho(f"\nThe first lines of {path.name}, to be mended and uploaded again:", bold=True)
    with path.open(newline="", encoding="utf-8-sig") as file:
        for line in islice(file, ERROR_LINES_SHOWN):
            click.echo(f"  {_shortened(line.strip())}")


def _shortened(line: str) -> str:
    """Leave the middle of a long line out: what is wrong stands at its end."""
    return line if len(line) <= _WIDE else f"{line[: _WIDE // 2]} … {line[-_WIDE // 2 :]}"


def _wrong_counts(admin: AdminClient, summary: SampleSummary) -> list[str]:
    """Hold the profile's count against what is known of the file."""
    (profile,) = admin.list_profiles(name_contains=PROFILE)
    good = summary.rows - summary.bad_rows
    if profile.device_count == good:
        return []
    return [f"{profile.device_count} devices are on the roll, not {good}"]


def _enroll(admin: AdminClient, stage: Stage) -> Iterator[Result]:
    profiles = {profile.name: profile for profile in admin.list_profiles()}
    scanners = _scanners()
    upload = admin.upload_rows(profiles[TOKENLESS].profile_id, scanners)
    assert upload.state is UploadState.FINISHED
    token = admin.reveal_token(profiles[PROFILE].profile_id)
    rejected = _rejected(stage.folder / "errors.csv")
    tablets = list(islice(_good_rows(stage.folder / "devices.csv", rejected), DEVICES_SHOWN))
    with EnrollmentAgent(stage.address) as agent:
        yield from enroll_all(agent, token, tablets, scanners)


def _good_rows(path: Path, rejected: Collection[tuple[str, ...]]) -> Iterator[DeviceRow]:
    """Give rows of the file that have every identifier and were not rejected."""
    with path.open(newline="", encoding="utf-8") as file:
        for cells in islice(csv.reader(file), 1, None):
            imei, imei2, serial_number, manufacturer = identifiers = tuple(cells[:4])
            if all(identifiers) and identifiers not in rejected:
                yield DeviceRow(imei, imei2, serial_number, manufacturer)


def _rejected(path: Path) -> set[tuple[str, ...]]:
    with path.open(newline="", encoding="utf-8-sig") as file:
        return {tuple(cells[:4]) for cells in csv.reader(file)}


def _scanners() -> list[DeviceRow]:
    """Give devices for the tokenless profile, from a TAC the sample does not use."""
    return [
        DeviceRow(imei=f"3500010000{number:04}", serial_number=f"WS-{number}", manufacturer="Zebra")
        for number in range(DEVICES_SHOWN)
    ]


def _wrong_outcomes(results: Iterator[Result]) -> list[str]:
    click.secho("\nDevices switch on:", bold=True)
    done = list(results)
    Console().print(_table(done))
    wrong = [each.scenario.title for each in done if not each.is_right]
    return [f"the outcome differs for: {', '.join(wrong)}"] if wrong else []


def _table(results: Sequence[Result]) -> Table:
    columns = ("Device", "Token", "IMEI", "S/N", "Mfr", "Expected", "Actual", "")
    table = Table(*columns, box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), caption=LEGEND)
    for scenario, actual, right in (
        (each.scenario, each.actual, each.is_right) for each in results
    ):
        mark = "[green]✓[/green]" if right else "[red]✗[/red]"
        table.add_row(scenario.title, *scenario[1:6], actual, mark)
    return table
