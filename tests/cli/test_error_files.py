"""The file of rejected rows that `rollbook upload` writes unasked, and what it is for."""

from __future__ import annotations

import csv
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from cli.terminal import pipe
from rollbook.cli.exit_codes import ExitCode
from uploads.wire import imei

if TYPE_CHECKING:
    from cli.ended import Cli
    from rollbook import AdminClient

GOOD = [imei(number) for number in range(1, 6)]
LOST, SHORT, LETTERS = "3.56938E+14", "1234", "35693803564380X"


@pytest.fixture
def file(tmp_path: Path, depot: str) -> Path:
    """Give a file with good rows among bad ones of three kinds, most of them short."""
    assert depot
    path = tmp_path / "Spring order.csv"
    rows = [GOOD[0], SHORT, LOST, GOOD[1], "12", LETTERS]
    path.write_text("IMEI,Hall\n" + "".join(f"{row},4\n" for row in rows))
    return path


def left(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob("*.csv"))


def test_a_bad_file_ends_with_reasons_examples_and_the_file(cli: Cli, file: Path) -> None:
    ended = cli("upload", "depot", file)
    assert ended.code == ExitCode.ROWS_REJECTED
    reasons, examples = ended.out.split("Rejected because of")[1].split("For example:")
    assert [line.split()[-1] for line in reasons.strip().splitlines()[2:]] == ["2", "1", "1"]
    assert len(examples.strip().splitlines()) == 3
    written = file.with_name("Spring order.rejected.csv")
    again = shlex.join(["rollbook", "upload", "depot", str(written)])
    assert ended.err.endswith(
        f"4 rejected rows are in {written}.\nMend {written} and run: {again}\n"
    )
    with written.open(encoding="utf-8-sig", newline="") as rows:
        assert [row["IMEI"] for row in csv.DictReader(rows)] == [SHORT, LOST, "12", LETTERS]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_it_parts_its_cells_as_the_file_did(
    cli: Cli, file: Path, delimiter: str, encoding: str
) -> None:
    header = delimiter.join(("IMEI", '"Halle, Tor; Etage"', "Größe"))
    file.write_text(f"{header}\n{delimiter.join((SHORT, '4', 'x'))}\n", encoding=encoding)
    assert cli("upload", "depot", file).code == ExitCode.ROWS_REJECTED
    written = file.with_name("Spring order.rejected.csv")
    with written.open(encoding="utf-8-sig", newline="") as rows:
        (row,) = csv.DictReader(rows, delimiter=delimiter)
    assert (row["IMEI"], row["Halle, Tor; Etage"], row["Größe"]) == (SHORT, "4", "x")
    assert cli("upload", "depot", written).code == ExitCode.ROWS_REJECTED  # it is understood


BEGINNINGS = {
    "sep": ("sep=;\r\nIMEI;depot\r\n12;N, x\r\n", ";"),
    "sep behind a blank line": ('\r\n;;\r\n"sep=;"\r\nIMEI;depot\r\n12;N\r\n', ";"),
    "sep with a tab": ("sep=\t\nIMEI\tdepot\n12\tN\n", "\t"),
    "a blank line": ("\nIMEI;depot\n12;N, x\n", ";"),
    "a line break": ('IMEI;"de\n\npot"\n12;N\n', ";"),
    "a guarded formula": ("IMEI;'=depot\n12;N\n", ";"),
    "decomposed letters": ("IMEI;Gro\u0308ße\n12;N\n", ";"),
    "as many cells with commas": ("IMEI;depot, hall\n12;N\n", ";"),
    "as many cells with semicolons": ("IMEI,depot; hall\n12,N\n", ","),
    "no break of CSV's in a name": ("de\u2028pot;IMEI\nN;12\n", ";"),
    "no header": (f"{GOOD[0]};x\n{GOOD[0]};y\n", ";"),
}


@pytest.mark.parametrize("case", BEGINNINGS)
def test_it_parts_its_cells_so_however_the_file_begins(cli: Cli, file: Path, case: str) -> None:
    text, delimiter = BEGINNINGS[case]
    file.write_bytes(text.encode())
    assert cli("upload", "depot", file).code == ExitCode.ROWS_REJECTED
    written = file.with_name("Spring order.rejected.csv")
    with written.open(encoding="utf-8-sig", newline="") as rows:
        header, row = csv.reader(rows, delimiter=delimiter)
    assert (len(header), len(row)) == (3, 3)
    assert cli("upload", "depot", written).code == ExitCode.ROWS_REJECTED  # it is understood


def test_mending_that_file_and_uploading_it_finishes_the_job(
    cli: Cli, admin: AdminClient, depot: str, file: Path
) -> None:
    first = cli("upload", "depot", file)
    written = file.with_name("Spring order.rejected.csv")
    mended = written.read_text(encoding="utf-8-sig")
    for wrong, right in zip((SHORT, LOST, LETTERS), GOOD[2:5], strict=True):
        mended = mended.replace(f"{wrong},", f"{right},")
    written.write_text(mended, encoding="utf-8")
    (line,) = (line for line in first.err.splitlines() if line.startswith("Mend"))
    second = cli(*shlex.split(line.partition(": ")[2])[1:])
    assert second.code == ExitCode.ROWS_REJECTED  # one was forgotten: it has a file in its turn
    last = file.with_name("Spring order.rejected-2.csv")
    assert f"1 rejected row is in {last}." in second.err
    last.write_text(last.read_text(encoding="utf-8-sig").replace("12,", f"{imei(9)},"))
    assert cli("upload", "depot", last).code == ExitCode.DONE
    found = {device.imei for device in admin.list_devices(depot)}
    assert found == {number[:14] for number in (*GOOD, imei(9))}
    assert {device.attributes["Hall"] for device in admin.list_devices(depot)} == {"4"}
    assert not any("Rollbook" in name for name in next(admin.list_devices(depot)).attributes)


def test_no_file_is_written_over(cli: Cli, file: Path) -> None:
    taken = file.with_name("Spring order.rejected.csv")
    taken.write_text("mended by hand")
    cli("upload", "depot", file)
    assert taken.read_text() == "mended by hand"
    assert "Spring order.rejected-2.csv" in left(file.parent)


@pytest.mark.parametrize(
    "options", [("--no-errors",), ("--dry-run",), ("--output", "json")], ids=" ".join
)
def test_nobody_who_did_not_want_one_gets_a_file(
    cli: Cli, file: Path, options: tuple[str, ...]
) -> None:
    assert cli("upload", "depot", file, *options).code == ExitCode.ROWS_REJECTED
    assert left(file.parent) == [file.name]


def test_a_good_file_leaves_none(cli: Cli, file: Path) -> None:
    file.write_text(f"IMEI\n{GOOD[0]}\n")
    assert cli("upload", "depot", file).code == ExitCode.DONE
    assert left(file.parent) == [file.name]


def test_rows_of_a_pipe_are_kept_in_the_present_directory(
    cli: Cli, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipe(monkeypatch, file.read_bytes())
    ended = cli("upload", "depot", "-")
    assert "4 rejected rows are in rejected.csv." in ended.err
    assert Path("rejected.csv").exists()


def test_where_none_can_be_written_the_command_for_it_is_told(cli: Cli, file: Path) -> None:
    long = file.rename(file.with_name("x" * 245 + ".csv"))
    ended = cli("upload", "depot", long)
    assert ended.code == ExitCode.ROWS_REJECTED
    assert "The rejected rows as a CSV file: rollbook upload depot" in ended.err
    assert left(file.parent) == [long.name]


@pytest.mark.parametrize("options", [(), ("--strict",)], ids=" ".join)
def test_a_named_file_that_cannot_be_written_hides_no_upload(
    cli: Cli, file: Path, tmp_path: Path, options: tuple[str, ...]
) -> None:
    full = ("--errors", "/dev/full", *options)
    shown = cli("upload", "depot", file, *full)
    assert shown.code == ExitCode.REFUSED
    assert ("rejected" in shown.out, "Rejected because of" in shown.out) == (True, True)
    assert "could not be written to /dev/full: No space left on device\n" in shown.err
    told = cli("upload", "depot", file, *full, "--output", "json")
    assert (told.document["rejected_count"], told.document["errors_file"]) == (4, None)
    upload_id, error = told.document["upload_id"], told.error
    assert (error["reason"], error["metadata"]["upload_id"]) == ("FILE_UNUSABLE", upload_id)
    words = shlex.split(error["next_step"].partition("run: ")[2])
    out = tmp_path / "bad.csv"
    again = cli(*(out if word == "/dev/full" else word for word in words[1:]))
    assert (again.code, out.exists()) == (ExitCode.ROWS_REJECTED, True)


def test_the_two_options_exclude_each_other(cli: Cli, file: Path) -> None:
    ended = cli("upload", "depot", file, "--errors", "x.csv", "--no-errors")
    assert ended.code == ExitCode.USAGE


def test_a_large_file_tells_how_far_it_is(cli: Cli, file: Path) -> None:
    file.write_text("IMEI\n" + "12\n" * 4_000)
    ended = cli("upload", "depot", file)
    told = [f"Spring order.rejected.csv: {share} %" for share in (25, 50, 75)]
    assert [line.split(",")[0] for line in ended.err.splitlines() if "rejected.csv: " in line] == [
        *told
    ]
    with file.with_name("Spring order.rejected.csv").open(encoding="utf-8-sig") as rows:
        assert sum(1 for _ in rows) == 4_001
    programs = cli("upload", "depot", file, "--errors", "x.csv", "--output", "json")
    assert (programs.err, programs.document["rejected_count"]) == ("", 4_000)
