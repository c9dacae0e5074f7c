"""Files that commands write: one rule for all of them."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

import pytest

from rollbook.cli.errors import CommandError
from rollbook.cli.exit_codes import ExitCode
from rollbook.cli.new_files import NewFile
from uploads.wire import imei

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from cli.ended import Cli

WRITERS = {
    "template": ("--out", "a.csv"),
    "inventory Depot": ("--out", "a.csv"),
    "qr Depot": ("--out", "a.png"),
    "upload Depot bad.csv": ("--errors", "a.csv"),
    "key create Key --role viewer": ("--out", "a.key"),
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in a folder with a file to be uploaded, of which every row is rejected."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bad.csv").write_text("IMEI\n12\n")
    return tmp_path


@pytest.mark.usefixtures("depot")
@pytest.mark.parametrize("command", WRITERS)
def test_a_file_is_overwritten_by_force_alone(cli: Cli, folder: Path, command: str) -> None:
    option, name = WRITERS[command]
    (folder / name).write_text("mine")
    ended = cli(*command.split(), option, name)
    assert (ended.code, (folder / name).read_text()) == (ExitCode.REFUSED, "mine")
    assert ended.err.splitlines()[-2:] == [
        f"Error: {name} is there already, and was left as it is.",
        f"Name another file with {option}, or add --force to overwrite it.",
    ]
    assert cli(*command.split(), option, name, "--force").code in (0, ExitCode.ROWS_REJECTED)
    assert (folder / name).read_bytes() != b"mine"
    assert {path.name for path in folder.iterdir()} - {"nothing", "data"} == {"bad.csv", name}


@pytest.mark.parametrize("command", WRITERS)
def test_what_cannot_be_written_is_told_before_anything_is_done(
    alone: Cli, folder: Path, command: str
) -> None:
    option, name = WRITERS[command]
    ended = alone(*command.split(), option, f"no/{name}", "--output", "json")
    assert (ended.code, ended.error["reason"]) == (ExitCode.REFUSED, "FILE_UNUSABLE")
    assert ended.error["message"] == "There is no directory no."
    (folder / name).write_text("mine")
    ended = alone(*command.split(), option, name, "--output", "json")
    assert (ended.code, ended.error["reason"]) == (ExitCode.REFUSED, "FILE_EXISTS")


# A picture is of the kind that its ending tells, so that none is named so anyway.
@pytest.mark.parametrize("command", [each for each in WRITERS if each != "qr Depot"])
def test_no_file_gets_the_name_of_stdout(alone: Cli, folder: Path, command: str) -> None:
    option, _ = WRITERS[command]
    ended = alone(*command.split(), option, "-", "--output", "json")
    assert (ended.code, ended.error["reason"]) == (ExitCode.REFUSED, "FILE_UNUSABLE")
    assert ended.error["message"] == f"{option} - would write a file of that name, not to stdout."
    assert ended.error["next_step"] == f"Name another file with {option}."
    assert not (folder / "-").exists()


def fill(new: NewFile, meanwhile: Callable[[], object]) -> None:
    with new.writing() as file:
        file.write(b"ours")
        meanwhile()


def full() -> None:
    raise OSError("full")


def test_a_write_that_fails_leaves_the_old_file_and_no_other(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("old")
    with pytest.raises(OSError, match="full"):
        fill(NewFile(path, "--out", force=True), full)
    assert path.read_text() == "old"
    assert [*tmp_path.iterdir()] == [path]


def test_a_file_that_came_meanwhile_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    with pytest.raises(CommandError):
        fill(NewFile(path, "--out"), lambda: path.write_text("theirs"))
    assert path.read_text() == "theirs"
    assert [*tmp_path.iterdir()] == [path]


def test_a_link_leads_to_the_file_that_is_overwritten(tmp_path: Path) -> None:
    path, link = tmp_path / "a.csv", tmp_path / "link.csv"
    path.write_text("old")
    link.symlink_to(path)
    with NewFile(link, "--out", force=True).writing(private=True) as file:
        file.write(b"new")
    assert (path.read_text(), link.is_symlink()) == ("new", True)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.usefixtures("depot")
def test_the_file_to_be_uploaded_is_not_overwritten_with_its_errors(cli: Cli, folder: Path) -> None:
    ended = cli("upload", "Depot", "bad.csv", "--errors", "./bad.csv", "--force")
    assert (ended.code, (folder / "bad.csv").read_text()) == (ExitCode.USAGE, "IMEI\n12\n")


@pytest.mark.usefixtures("depot")
def test_nothing_is_discarded_for_an_upload_that_is_refused(cli: Cli, folder: Path) -> None:
    (folder / "a.csv").write_text(f"IMEI\n{imei(1)}\n")
    first = cli("upload", "Depot", "a.csv", "--output", "json").document["upload_id"]
    ended = cli("upload", "Depot", "a.csv", "--replace", first, "--yes", "--errors", "bad.csv")
    assert ended.code == ExitCode.REFUSED
    assert cli("profile", "show", "Depot", "--output", "json").document["device_count"] == 1
