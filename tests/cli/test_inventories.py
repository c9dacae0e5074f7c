"""`rollbook inventory`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollbook import DeviceRow
from rollbook.cli.exit_codes import ExitCode
from rollbook.cli.export_progress import CsvCount
from uploads.wire import imei

if TYPE_CHECKING:
    from pathlib import Path

    from cli.ended import Cli
    from rollbook import AdminClient

_AWKWARD = {"note": 'two\r\nlines, and a "quote"\r\n'}


@pytest.fixture
def inventory(admin: AdminClient, depot: str) -> bytes:
    """Put two devices into Depot, and give its inventory."""
    rows = [DeviceRow(imei=imei(n), attributes=_AWKWARD) for n in (1, 2)]
    admin.upload_rows(depot, rows)
    return b"".join(admin.export_devices(depot))


def test_an_inventory_goes_to_stdout(cli: Cli, inventory: bytes) -> None:
    ended = cli("inventory", "Depot")
    assert (ended.code, ended.out.encode()) == (ExitCode.DONE, inventory)


def test_an_inventory_goes_into_a_file_that_can_be_uploaded(
    cli: Cli, inventory: bytes, tmp_path: Path
) -> None:
    out = tmp_path / "depot.csv"
    ended = cli("inventory", "depot", "--out", out)
    assert (ended.code, ended.out, out.read_bytes()) == (ExitCode.DONE, "", inventory)
    assert f"Wrote {out}: 2 devices, {len(inventory):,} bytes." in ended.err
    assert cli("upload", "Depot", out, "--output", "json").document["unchanged_count"] == 2
    assert [path.name for path in tmp_path.glob("*.csv*")] == ["depot.csv"]


def test_a_program_is_told_how_much_it_is(cli: Cli, inventory: bytes, tmp_path: Path) -> None:
    out = tmp_path / "depot.csv"
    told = cli("inventory", "Depot", "--out", out, "--output", "json").document
    assert told == {"file": str(out), "bytes": len(inventory), "devices": 2}
    ended = cli("inventory", "Depot", "--output", "json")
    assert ended.code == ExitCode.USAGE
    assert "--out" in ended.error["message"]


def test_a_broken_export_leaves_no_file(
    cli: Cli, inventory: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, admin: AdminClient
) -> None:
    def broken(*_: object) -> object:
        yield inventory[:30]
        admin.get_profile("nothing")

    monkeypatch.setattr("rollbook.AdminClient.export_devices", broken)
    folder = tmp_path / "out"
    folder.mkdir()
    ended = cli("inventory", "Depot", "--out", folder / "depot.csv")
    assert ended.code == ExitCode.REFUSED
    assert [*folder.iterdir()] == []


def test_an_unknown_profile_is_told(cli: Cli) -> None:
    ended = cli("inventory", "Nowhere")
    assert (ended.code, ended.out) == (ExitCode.REFUSED, "")
    assert "profile list" in ended.err


pieces = st.lists(st.sampled_from([b"a", b'"', b"\r", b"\n", b"\r\n", b",", b'""']), max_size=9)


@given(st.lists(pieces, max_size=6))
def test_devices_are_counted_however_the_file_is_cut(cells: list[list[bytes]]) -> None:
    quoted = [b'"' + b"".join(cell).replace(b'"', b'""') + b'"' for cell in cells]
    data = b"header\r\n" + b"".join(cell + b"\r\n" for cell in quoted)
    counted = CsvCount(lambda _devices: None)
    for place in range(len(data)):
        counted.add(data[place : place + 1])
    whole = CsvCount(lambda _devices: None)
    whole.add(data)
    assert counted.devices == whole.devices == len(cells)
    assert counted.size == len(data)
