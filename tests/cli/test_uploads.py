"""`rollbook upload` at a real server: summary, rejected rows, and the next step."""

from __future__ import annotations

import csv
import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from rollbook import DeviceRow
from rollbook.cli.exit_codes import ExitCode

if TYPE_CHECKING:
    from cli.ended import Cli
    from rollbook import AdminClient

GOOD, OTHER, ON_ROLL = "356938035643809", "490154203237518", "353918052355563"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return write(tmp_path / "my devices.csv", GOOD, OTHER)


@pytest.fixture
def rejected(depot: str, admin: AdminClient, tmp_path: Path) -> Path:
    """Give a file of which five rows will be rejected: three, one and one for a reason."""
    admin.upload_rows(depot, [DeviceRow(imei=ON_ROLL, attributes={"Hall": "3"})])
    path = tmp_path / "my devices.csv"
    imeis = (GOOD, "1", "2", "3", ON_ROLL, "356938035643808", OTHER)
    path.write_text("".join(f"{line}\n" for line in ("IMEI,Hall", *(f"{one},4" for one in imeis))))
    return path


def write(path: Path, *imeis: str) -> Path:
    path.write_text("".join(f"{cell}\n" for cell in ("IMEI", *imeis)))
    return path


@pytest.mark.usefixtures("depot")
def test_a_good_upload_tells_its_counts_and_columns(cli: Cli, file: Path) -> None:
    ended = cli("upload", "depot", file)
    assert ended.code == ExitCode.DONE
    assert "generic" in ended.out
    assert "IMEI: imei" in ended.out
    assert "Next: rollbook qr depot" in ended.err


def test_a_file_whose_name_is_no_text_is_uploaded(
    cli: Cli, depot: str, admin: AdminClient, tmp_path: Path
) -> None:
    file = write(Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.csv")), GOOD, "1")
    assert cli("upload", "depot", file).code == ExitCode.ROWS_REJECTED
    (upload,) = admin.list_uploads(depot)
    assert (upload.file_name, upload.created_count) == ("caf\ufffd.csv", 1)
    assert len([*tmp_path.glob("*.rejected.csv")]) == 1


@pytest.mark.usefixtures("depot")
@pytest.mark.parametrize("wrong", ["imei", "=imei", "IMEI=number"])
def test_a_wrong_mapping_is_a_mistake_of_usage(cli: Cli, file: Path, wrong: str) -> None:
    assert cli("upload", "depot", file, "--map", wrong).code == ExitCode.USAGE


def test_json_is_one_document_with_the_upload(cli: Cli, depot: str, rejected: Path) -> None:
    ended = cli("upload", depot, rejected, "--output", "json")
    assert ended.code == ExitCode.ROWS_REJECTED
    assert ended.err == ""
    assert (ended.document["rejected_count"], ended.document["created_count"]) == (5, 2)
    assert ended.document["rejected_by_reason"]["IMEI_LENGTH"] == 3
    assert ended.document["errors"][0]["values"] == ["1", "4"]
    assert ended.document["errors_file"] is None


def test_reasons_stand_in_order_and_each_has_an_example(cli: Cli, rejected: Path) -> None:
    shown = cli("upload", "depot", rejected).out
    assert _in_order(shown, "IMEI_LENGTH", "DEVICE_ON_ROLL", "IMEI_CHECK_DIGIT")
    lines = [line.split(",")[0].strip() for line in shown.splitlines() if line.startswith("  line")]
    assert lines == ["line 3", "line 6", "line 7"]


def _in_order(text: str, *words: str) -> bool:
    places = [text.index(word) for word in words]
    return places == sorted(places)


@pytest.mark.usefixtures("depot")
def test_every_rejected_row_is_counted(cli: Cli, tmp_path: Path) -> None:
    file = write(tmp_path / "a.csv", *["1"] * 150)
    ended = cli("upload", "depot", file, "--output", "json")
    assert len(ended.document["errors"]) == 100
    assert ended.document["rejected_by_reason"] == {"IMEI_LENGTH": 150}


def test_devices_on_the_roll_lead_to_the_option(cli: Cli, rejected: Path) -> None:
    assert "--on-conflict update" in cli("upload", "depot", rejected).err
    cli("profile", "create", "Other")
    assert "--on-conflict move" in cli("upload", "other", rejected).err
    again = cli("upload", "depot", rejected, "--on-conflict", "update")
    assert "Devices on the roll" not in again.err


def test_rejected_rows_can_still_be_had_as_a_file(cli: Cli, rejected: Path) -> None:
    ended = cli("upload", "depot", rejected, "--no-errors")
    (line,) = (line for line in ended.err.splitlines() if "CSV file: " in line)
    words = shlex.split(line.partition("CSV file: ")[2])
    assert words[:5] == ["rollbook", "upload", "depot", str(rejected), "--resume"]
    assert words[6:] == ["--errors", "rejected.csv"]


def test_rejected_rows_are_written_and_alone_uploaded_again(
    cli: Cli, rejected: Path, tmp_path: Path
) -> None:
    out = tmp_path / "bad.csv"
    ended = cli("upload", "depot", rejected, "--errors", out)
    assert ended.code == ExitCode.ROWS_REJECTED
    assert out.read_bytes().startswith(b"\xef\xbb\xbfIMEI,Hall,Rollbook Error\r\n")
    assert f"5 rejected rows are in {out}." in ended.err
    again = shlex.join(["rollbook", "upload", "depot", str(out)])
    next_errors = tmp_path / "bad-2.csv"
    assert f"Mend {out} and run: {again} --errors {next_errors}\n" in ended.err
    assert cli("upload", "depot", out, "--errors", next_errors).code == ExitCode.ROWS_REJECTED
    with next_errors.open(encoding="utf-8-sig", newline="") as file:
        assert next(csv.DictReader(file))["IMEI"] == "1"


@pytest.mark.usefixtures("depot")
def test_one_rejected_row_is_one(cli: Cli, tmp_path: Path) -> None:
    out = tmp_path / "bad.csv"
    ended = cli("upload", "depot", write(tmp_path / "a.csv", "1"), "--errors", out)
    assert f"1 rejected row is in {out}." in ended.err


def test_a_failed_strict_upload_has_the_same_summary(
    cli: Cli, rejected: Path, tmp_path: Path
) -> None:
    ended = cli("upload", "depot", rejected, "--strict", "--errors", tmp_path / "bad.csv")
    assert ended.code == ExitCode.ROWS_REJECTED
    assert "nothing of it was kept" in ended.out
    assert "would be" not in ended.out
    assert f"Mend {rejected} and run: rollbook upload depot '{rejected}' --strict" in ended.err


@pytest.mark.usefixtures("depot")
def test_a_good_dry_run_names_the_command_for_real(cli: Cli, file: Path) -> None:
    ended = cli("upload", "depot", file, "--dry-run")
    assert "would be created" in ended.out
    assert f"Next, for real: rollbook upload depot '{file}'\n" in ended.err


def test_a_tokenless_profile_has_no_qr_code_to_go_on_with(cli: Cli, file: Path) -> None:
    cli("profile", "create", "Open", "--tokenless")
    assert "rollbook qr" not in cli("upload", "open", file).err


@pytest.mark.usefixtures("depot")
def test_a_place_in_the_file_is_mended_and_the_upload_goes_on(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text(f'IMEI\n{GOOD}\n"{OTHER}\n')
    ended = cli("upload", "depot", file)
    assert ended.code == ExitCode.REFUSED
    words = shlex.split(ended.err.partition("go on: ")[2].splitlines()[0])
    write(file, GOOD, OTHER)
    assert cli(*words[1:]).code == ExitCode.DONE


@pytest.mark.usefixtures("depot")
def test_an_upload_that_nobody_knows_is_not_resumed(cli: Cli, file: Path) -> None:
    ended = cli("upload", "depot", file, "--resume", "nope", "--output", "json")
    assert (ended.code, ended.error["reason"]) == (ExitCode.REFUSED, "UPLOAD_NOT_FOUND")
    anew = shlex.join(["rollbook", "upload", "depot", str(file)])
    assert ended.error["next_step"] == f"Begin a new upload: {anew}"
    assert cli("profile", "show", "depot", "--output", "json").document["device_count"] == 0


@pytest.mark.usefixtures("depot")
def test_another_beginning_is_told_by_its_options(cli: Cli, file: Path) -> None:
    first = cli("upload", "depot", file, "--output", "json").document["upload_id"]
    ended = cli("upload", "depot", file, "--resume", first, "--strict", "--map", "IMEI=imei2")
    assert ended.code == ExitCode.REFUSED
    assert "was begun with another --strict and --map: resume it with that of its" in ended.err
    assert "Begin a new upload: rollbook upload depot" in ended.err


@pytest.mark.usefixtures("depot")
def test_an_upload_that_ended_is_told_without_words_of_the_contract(cli: Cli, file: Path) -> None:
    upload = cli("upload", "depot", file, "--output", "json").document["upload_id"]
    cli("discard", upload, "--yes")
    ended = cli("upload", "depot", file, "--resume", upload)
    assert f"Error: Upload {upload} was discarded before; it cannot be gone on with." in ended.err
    assert "Begin a new upload: rollbook upload depot" in ended.err


def test_policies_are_told_as_options(cli: Cli, admin: AdminClient, tmp_path: Path) -> None:
    for name in ("depot", "other"):
        admin.create_profile(name)
    file = tmp_path / "a.csv"
    file.write_text(f"IMEI,Site\n{GOOD},1\n")
    cli("upload", "depot", file)
    file.write_text(f"IMEI,Site\n{GOOD},2\n")
    assert "upload with --on-conflict update or keep" in cli("upload", "depot", file).out
    assert "upload with --on-conflict move" in cli("upload", "other", file).out


@pytest.mark.usefixtures("depot")
def test_columns_are_spoken_of_in_words_of_the_command(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text(f"IMEI,imei\n{GOOD},{GOOD}\n")
    assert "--map COLUMN=FIELD" in cli("upload", "depot", file).err
    assert (
        "Error: --map: the file has no column 'Nope'"
        in cli("upload", "depot", file, "--map", "Nope=imei").err
    )
    file.write_text("Colour\nred\n")
    assert "rollbook template" in cli("upload", "depot", file).err


@pytest.mark.usefixtures("depot")
def test_an_error_file_destroys_nothing(cli: Cli, file: Path) -> None:
    kept = file.with_name("kept.csv")
    kept.write_text("mended by hand")
    for errors, code in (
        (kept, ExitCode.REFUSED),
        (file, ExitCode.REFUSED),
        (file.parent / "no" / "x.csv", ExitCode.REFUSED),
        (file.parent, ExitCode.USAGE),
    ):
        ended = cli("upload", "depot", file, "--errors", errors)
        assert (ended.code, "--errors" in ended.err) == (code, True)
    assert kept.read_text() == "mended by hand"
    assert cli("profile", "show", "depot", "--output", "json").document["device_count"] == 0
    assert cli("upload", "depot", file, "--errors", "/dev/null").code == ExitCode.DONE
