"""`rollbook upload`: progress, summary, and how to go on after every end."""

from __future__ import annotations

import shlex
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from cli.memory_roll import make_profile, make_row_error, make_upload
from rollbook import (
    FailedPreconditionError,
    InvalidArgumentError,
    OnConflict,
    OnInvalidRow,
    UnavailableError,
    UploadIncompleteError,
    UploadState,
)
from rollbook.cli.exit_codes import ExitCode

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from cli.memory_roll import Ended, Roll


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "my devices.csv"
    path.write_text("IMEI\n356938035643809\n")
    return path


@pytest.fixture
def rejected(roll: Roll) -> Roll:
    """Five rows were rejected, of which the upload itself holds two."""
    reasons = ["IMEI_LENGTH", "IMEI_LENGTH", "IMEI_LENGTH", "DEVICE_ON_ROLL", "IMEI_CHECK_DIGIT"]
    roll.row_errors = [
        make_row_error(row, reason, f"sentence {row}") for row, reason in enumerate(reasons, 1)
    ]
    roll.upload = make_upload(rejected_count=5, row_count=7, errors=tuple(roll.row_errors[:2]))
    return roll


def test_a_good_upload_tells_its_counts_and_columns(
    cli: Callable[..., Ended], roll: Roll, file: Path
) -> None:
    ended = cli("upload", "depot", file)
    assert ended.code == ExitCode.DONE
    assert "generic" in ended.out
    assert "IMEI: imei" in ended.out
    assert "Next: rollbook qr depot" in ended.err
    assert roll.asked["upload_id"] in ended.out


def test_options_are_passed_on(cli: Callable[..., Ended], roll: Roll, file: Path) -> None:
    options = ("--strict", "--dry-run", "--on-conflict", "move", "--map", "Gerät=1=imei")
    cli("upload", "p1", file, *options)
    assert roll.asked["on_invalid_row"] is OnInvalidRow.FAIL
    assert roll.asked["on_conflict"] is OnConflict.MOVE
    assert roll.asked["validate_only"] is True
    assert roll.asked["column_mapping"] == {"Gerät=1": "imei"}
    assert roll.asked["file_name"] == "my devices.csv"


@pytest.mark.parametrize("wrong", ["imei", "=imei", "IMEI=number"])
def test_a_wrong_mapping_is_a_mistake_of_usage(
    cli: Callable[..., Ended], roll: Roll, file: Path, wrong: str
) -> None:
    assert cli("upload", "p1", file, "--map", wrong).code == ExitCode.USAGE
    assert roll.asked == {}


def test_plain_progress_is_a_line_every_ten_percent(
    cli: Callable[..., Ended], roll: Roll, file: Path
) -> None:
    roll.steps = list(range(0, 1001, 10))
    lines = [line for line in cli("upload", "p1", file).err.splitlines() if "my devices" in line]
    assert lines[0].startswith("my devices.csv: 10 %")
    assert lines[-1] == "my devices.csv: uploaded"
    assert len(lines) == 11


def test_a_small_file_needs_few_lines(cli: Callable[..., Ended], roll: Roll, file: Path) -> None:
    roll.steps = [1000, 1000]
    assert cli("upload", "p1", file).err.count("my devices.csv:") == 2


def test_a_terminal_gets_a_bar(
    cli: Callable[..., Ended], roll: Roll, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    monkeypatch.setenv("COLUMNS", "100")
    roll.steps = [250, 1000]
    drawn = cli("upload", "p1", file.rename(file.with_name("[red]x.csv"))).err
    assert "[red]x.csv" in drawn
    assert "1.0/1.0 kB" in drawn
    assert "[red]x.csv: uploaded" not in drawn


def test_json_is_one_document_with_the_upload(
    cli: Callable[..., Ended], rejected: Roll, file: Path
) -> None:
    rejected.steps = [500, 1000]
    ended = cli("upload", "p1", file, "--output", "json")
    assert ended.code == ExitCode.ROWS_REJECTED
    assert ended.err == ""
    assert ended.document["rejected_count"] == 5
    assert ended.document["rejected_by_reason"]["IMEI_LENGTH"] == 3
    assert ended.document["errors"][0]["values"] == ["123"]
    assert ended.document["errors_file"] is None


def test_reasons_are_counted_over_all_rejected_rows(
    cli: Callable[..., Ended], rejected: Roll, file: Path
) -> None:
    assert rejected
    shown = cli("upload", "p1", file).out
    assert shown.index("IMEI_LENGTH") < shown.index("DEVICE_ON_ROLL")
    examples = [line.strip() for line in shown.splitlines() if line.startswith("  line ")]
    assert examples == [
        "line 2, column IMEI: sentence 1",
        "line 5, column IMEI: sentence 4",
        "line 6, column IMEI: sentence 5",
    ]


def test_rejected_rows_can_still_be_had_as_a_file(
    cli: Callable[..., Ended], rejected: Roll, file: Path
) -> None:
    ended = cli("upload", "p1", file)
    resume = f"rollbook upload p1 '{file}' --resume {rejected.asked['upload_id']}"
    assert f"{resume} --errors rejected.csv" in ended.err


def test_rejected_rows_are_written_and_alone_uploaded_again(
    cli: Callable[..., Ended], rejected: Roll, file: Path, tmp_path: Path
) -> None:
    assert rejected
    out = tmp_path / "bad.csv"
    ended = cli("upload", "p1", file, "--errors", out)
    assert ended.code == ExitCode.ROWS_REJECTED
    assert out.read_bytes() == b"IMEI,Rollbook Error\r\n"
    assert f"Mend {out} and run: rollbook upload p1 {out}" in ended.err


def test_a_failed_strict_upload_has_the_same_summary(
    cli: Callable[..., Ended], rejected: Roll, file: Path, tmp_path: Path
) -> None:
    reason = "UPLOAD_HAS_INVALID_ROWS"
    rejected.upload = replace(
        rejected.upload, state=UploadState.FAILED, failure_reason=reason, created_count=2
    )
    rejected.failure = FailedPreconditionError("5 rows", reason=reason, code="FAILED_PRECONDITION")
    ended = cli("upload", "p1", file, "--strict", "--errors", tmp_path / "bad.csv")
    assert ended.code == ExitCode.ROWS_REJECTED
    assert "nothing of it was kept" in ended.out
    assert "would be created" in ended.out
    assert f"Mend {file} and run: rollbook upload p1 '{file}' --strict" in ended.err


def test_a_good_dry_run_names_the_command_for_real(
    cli: Callable[..., Ended], roll: Roll, file: Path
) -> None:
    roll.upload = make_upload(validate_only=True)
    ended = cli("upload", "p1", file, "--dry-run")
    assert "would be created" in ended.out
    assert f"Next, for real: rollbook upload p1 '{file}'\n" in ended.err


def test_a_tokenless_profile_has_no_qr_code_to_go_on_with(
    cli: Callable[..., Ended], roll: Roll, file: Path
) -> None:
    roll.profiles = [make_profile(tokenless=True)]
    assert "rollbook qr" not in cli("upload", "p1", file).err


def test_an_incomplete_upload_names_the_command_that_resumes_it(
    cli: Callable[..., Ended], roll: Roll, file: Path
) -> None:
    cause = UnavailableError("cannot reach it", code="UNAVAILABLE")
    roll.failure = UploadIncompleteError("gave up", upload_id="u1", upload=None, cause=cause)
    address = ("--address", "localhost:7443")
    ended = cli(*address, "upload", "p1", file, "--on-conflict", "keep", "--resume", "u1")
    assert ended.code == ExitCode.INCOMPLETE
    words = ["rollbook", *address, "upload", "p1", str(file), "--on-conflict", "keep"]
    assert f"Go on with it: {shlex.join([*words, '--resume', 'u1'])}\n" in ended.err
    assert roll.asked["upload_id"] == "u1"


def test_a_server_that_went_away_leaves_an_upload_to_resume(
    cli: Callable[..., Ended], roll: Roll, file: Path
) -> None:
    roll.failure = UnavailableError("cannot reach it", code="UNAVAILABLE")
    ended = cli("upload", "p1", file)
    assert ended.code == ExitCode.INCOMPLETE
    assert f"--resume {roll.asked['upload_id']}" in ended.err


def test_ctrl_c_names_the_command_that_resumes(
    cli: Callable[..., Ended], roll: Roll, file: Path
) -> None:
    roll.failure = KeyboardInterrupt()
    ended = cli("upload", "p1", file, "--output", "json")
    assert ended.code == ExitCode.INTERRUPTED
    upload_id = roll.asked["upload_id"]
    assert ended.error["metadata"]["upload_id"] == upload_id
    assert ended.error["metadata"]["resume_command"].endswith(f"--resume {upload_id}")


def test_a_place_in_the_file_is_mended_and_the_upload_goes_on(
    cli: Callable[..., Ended], roll: Roll, file: Path
) -> None:
    roll.failure = InvalidArgumentError(
        "line 9: never closed", reason="CSV_UNCLOSED_QUOTE", metadata={"row": "8", "line": "9"}
    )
    ended = cli("upload", "p1", file)
    assert ended.code == ExitCode.REFUSED
    assert f"--resume {roll.asked['upload_id']}" in ended.err


def test_the_uploaded_file_is_never_the_error_file(
    cli: Callable[..., Ended], roll: Roll, file: Path
) -> None:
    assert cli("upload", "p1", file, "--errors", file).code == ExitCode.USAGE
    assert cli("upload", "p1", file, "--errors", file.parent / "no" / "x.csv").code == 2
    assert roll.asked == {}
