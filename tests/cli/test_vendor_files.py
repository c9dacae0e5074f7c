"""`rollbook upload` tells how a file was understood and what is certain about its damage."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

from rollbook.cli.exit_codes import ExitCode

if TYPE_CHECKING:
    from pathlib import Path

    from cli.ended import Cli

ZERO_TOUCH = "modemtype,modemid,serial,model,manufacturer,profiletype,owner\n"
ROW = "IMEI,356938035643809,R5,Pixel,Google,ZERO_TOUCH,77\n"


def test_the_dialect_and_the_mapping_of_a_file_are_shown(
    cli: Cli, depot: str, tmp_path: Path
) -> None:
    file = tmp_path / "devices.csv"
    file.write_text(ZERO_TOUCH + ROW)
    dry = cli("upload", depot, file, "--dry-run")
    assert dry.code == ExitCode.DONE
    assert "zero-touch-reseller" in dry.out
    assert "modemid: imei" in " ".join(dry.out.split())
    real = cli("upload", depot, file, "--output", "json").document
    assert (real["dialect"], real["created_count"]) == ("zero-touch-reseller", 1)
    assert {"column": "modemid", "field": "imei"} in real["columns"]


def test_columns_that_nobody_knows_are_mapped_by_hand(cli: Cli, depot: str, tmp_path: Path) -> None:
    file = tmp_path / "devices.csv"
    file.write_text("Nummer,Ort\n356938035643809,Bern\n")
    assert "--map COLUMN=FIELD" in cli("upload", depot, file).err
    ended = cli("upload", depot, file, "--map", "Nummer=imei", "--map", "Ort=ignored")
    assert ended.code == ExitCode.DONE
    assert "Nummer: imei, Ort: ignored" in " ".join(ended.out.split())


def test_a_certain_repair_is_shown_and_uploads_as_it_is(
    cli: Cli, depot: str, tmp_path: Path
) -> None:
    file, errors = tmp_path / "devices.csv", tmp_path / "errors.csv"
    damaged = ['"356,938,035,643,809"', "3.56938E+14", "1327001234563"]
    file.write_text("imei\n" + "".join(f"{cell}\n" for cell in damaged))
    ended = cli("upload", depot, file, "--errors", errors)
    assert ended.code == ExitCode.ROWS_REJECTED
    assert "write 356938035643809" in " ".join(ended.out.split())
    with errors.open(encoding="utf-8-sig", newline="") as lines:
        told = [row["Rollbook Error"] for row in csv.DictReader(lines)]
    repairs = [text.rpartition("; write ")[2] for text in told if "; write " in text]
    assert repairs[0] == "356938035643809"
    assert told[1].startswith("SPREADSHEET_EXPONENT")
    assert "; write " not in told[1]
    file.write_text("imei\n" + "".join(f"{cell}\n" for cell in repairs))
    assert cli("upload", depot, file).code == ExitCode.DONE
