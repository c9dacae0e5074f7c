"""The command against a real server, over a real connection."""

from __future__ import annotations

import csv
import os
import shlex
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from rollbook.cli.exit_codes import ExitCode

if TYPE_CHECKING:
    from cli.ended import Cli, Ended
    from running import Server

IMEIS = ["356938035643809", "490154203237518", "353918052355563"]
MISTYPED = "356938035643808"
WRONG_TOKEN = "7K3M-Q9XT-2AV4"
ROLLBOOK = [sys.executable, "-c", "import sys; from rollbook.cli import main; sys.exit(main())"]


@pytest.fixture
def there(cli: Cli, depot: str) -> Cli:
    """Give the command where there is a profile named Depot."""
    assert depot
    return cli


def write(path: Path, *imeis: str) -> Path:
    path.write_text("".join(f"{cell}\n" for cell in ("IMEI", *imeis)))
    return path


def test_the_key_of_this_machine_is_found(there: Cli) -> None:
    assert [one["name"] for one in there("profile", "list", "--output", "json").document] == [
        "Depot"
    ]


def test_a_wrong_key_is_refused(there: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROLLBOOK_API_KEY", "rbk_wrong")
    ended = there("profile", "list", "--output", "json")
    assert ended.code == ExitCode.REFUSED
    assert ended.error["reason"] == "API_KEY_INVALID"


@pytest.mark.parametrize("meant", ["nobody", "no/body at all", "x" * 300, "ü\u202e", ""])
def test_an_unknown_profile_is_not_found(there: Cli, meant: str) -> None:
    ended = there("profile", "show", meant, "--output", "json")
    assert (ended.code, ended.error["reason"]) == (ExitCode.REFUSED, "PROFILE_NOT_FOUND")


def test_a_name_is_taken_in_any_case(there: Cli) -> None:
    ended = there("profile", "create", "DEPOT", "--output", "json")
    assert (ended.code, ended.error["reason"]) == (ExitCode.REFUSED, "PROFILE_NAME_TAKEN")


def test_from_a_file_with_a_mistake_to_a_registered_device(there: Cli, tmp_path: Path) -> None:
    bad = tmp_path / "bad.csv"
    first = there(
        "upload", "depot", write(tmp_path / "a.csv", *IMEIS[:2], MISTYPED), "--errors", bad
    )
    assert first.code == ExitCode.ROWS_REJECTED
    assert "IMEI_CHECK_DIGIT" in first.out
    bad.write_text(bad.read_text(encoding="utf-8").replace(MISTYPED, IMEIS[2]))
    assert there("upload", "depot", bad).code == ExitCode.DONE
    token = there("token", "reveal", "depot").out.strip()
    assert there("enroll", "--token", token.lower(), "--imei", IMEIS[2]).code == 0
    assert there("enroll", "--token", token, "--imei", "352099001761481").code == 6
    assert there("enroll", "--token", WRONG_TOKEN, "--imei", IMEIS[0]).code == 7
    shown = there("profile", "show", "depot", "--output", "json").document
    assert (shown["registered_count"], shown["pending_count"]) == (1, 2)


def test_the_suggested_command_gives_the_rejected_rows_later(
    there: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    first = there("upload", "depot", write(Path("a.csv"), IMEIS[0], MISTYPED), "--no-errors")
    assert suggested(there, first, "CSV file: ").code == ExitCode.ROWS_REJECTED
    with Path("rejected.csv").open(encoding="utf-8-sig", newline="") as file:
        assert [row["IMEI"] for row in csv.DictReader(file)] == [MISTYPED]


def suggested(there: Cli, ended: Ended, after: str) -> Ended:
    """Run the command that was suggested after these words."""
    (line,) = (line for line in ended.err.splitlines() if after in line)
    return there(*shlex.split(line.partition(after)[2])[1:])


def test_a_failed_strict_upload_leaves_nothing_and_can_be_told_again(
    there: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    first = there(
        "upload", "depot", write(Path("a.csv"), IMEIS[0], MISTYPED), "--strict", "--no-errors"
    )
    assert first.code == ExitCode.ROWS_REJECTED
    assert "nothing of it was kept" in first.out
    assert there("profile", "show", "depot", "--output", "json").document["device_count"] == 0
    assert suggested(there, first, "CSV file: ").code == ExitCode.ROWS_REJECTED
    assert MISTYPED in Path("rejected.csv").read_text(encoding="utf-8")


def test_a_dry_run_keeps_nothing(there: Cli, tmp_path: Path) -> None:
    ended = there("upload", "depot", write(tmp_path / "a.csv", *IMEIS), "--dry-run")
    assert ended.code == ExitCode.DONE
    assert "would be created" in ended.out
    assert there("profile", "show", "depot", "--output", "json").document["device_count"] == 0
    assert suggested(there, ended, "for real: ").code == ExitCode.DONE


def test_a_file_that_is_no_roll_is_refused(there: Cli, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("Colour\nred\n")
    ended = there("upload", "depot", path, "--output", "json")
    assert (ended.code, ended.error["reason"]) == (ExitCode.REFUSED, "CSV_NO_IDENTIFIER_COLUMN")


def test_a_column_can_be_named(there: Cli, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(f"Thing\n{IMEIS[0]}\n")
    assert there("upload", "depot", path, "--map", "Thing=imei").code == ExitCode.DONE


def test_a_template_can_be_uploaded_once_a_device_stands_in_place_of_its_example(
    there: Cli, tmp_path: Path
) -> None:
    out = tmp_path / "template.csv"
    assert there("template", "--profile", "depot", "--out", out).code == ExitCode.DONE
    unchanged = there("upload", "depot", out, "--dry-run", "--output", "json")
    assert unchanged.document["rejected_by_reason"] == {"EXAMPLE_ROW": 1}
    cells = out.read_text("utf-8-sig").splitlines()[1]
    out.write_text(out.read_text("utf-8-sig").replace(cells, IMEIS[1]))
    assert there("upload", "depot", out, "--dry-run").code == ExitCode.DONE


def test_qr_codes_are_pictures_and_text(there: Cli, tmp_path: Path) -> None:
    for suffix, begins in (("png", b"\x89PNG"), ("svg", b"<"), ("pdf", b"%PDF")):
        out = tmp_path / f"depot.{suffix}"
        assert there("qr", "depot", "--out", out).code == ExitCode.DONE
        assert out.read_bytes().startswith(begins)
    lines = there("qr", "depot").out.splitlines()
    assert len(lines) > 10
    assert len({len(line) for line in lines if line}) == 1


def test_a_tokenless_profile_has_neither_token_nor_picture(there: Cli) -> None:
    assert there("profile", "create", "Open", "--tokenless").code == ExitCode.DONE
    for command in (("token", "show"), ("token", "reveal"), ("qr",)):
        ended = there(*command, "Open", "--output", "json")
        assert (ended.code, ended.error["reason"]) == (1, "PROFILE_IS_TOKENLESS")


def test_after_ctrl_c_the_printed_command_completes_the_upload(there: Cli, tmp_path: Path) -> None:
    path = tmp_path / "large.csv"
    rows = (f"S{number:06},Acme,{'x' * 200}\n" for number in range(100_000))
    path.write_text("Serial Number,Manufacturer,Note\n" + "".join(rows))
    command = [*ROLLBOOK, "upload", "depot", str(path)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=os.environ) as process:
        assert process.stderr is not None
        assert " %, " in process.stderr.readline()
        process.send_signal(signal.SIGINT)
        said = process.stderr.read()
    assert process.returncode == ExitCode.INTERRUPTED, said
    resume = said.partition("Go on with it: ")[2].splitlines()[0]
    assert there(*shlex.split(resume)[1:]).code == ExitCode.DONE
    shown = there("profile", "show", "depot", "--output", "json").document
    assert shown["device_count"] == 100_000


def test_a_closed_pipe_is_no_failure_to_talk_about(there: Cli) -> None:
    assert there("profile", "list").code == ExitCode.DONE
    reading, writing = os.pipe()
    os.close(reading)
    command = [*ROLLBOOK, "profile", "list"]
    done = subprocess.run(
        command, stdout=writing, stderr=subprocess.PIPE, env=os.environ, check=False
    )
    os.close(writing)
    assert done.stderr == b""


def test_a_key_file_that_was_typed_goes_before_the_environment(
    there: Cli, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ROLLBOOK_API_KEY", "rbk_wrong")
    typed = tmp_path / "typed.key"
    typed.write_text(server.api_key)
    assert there("--api-key-file", str(typed), "profile", "list").code == ExitCode.DONE
    monkeypatch.setenv("ROLLBOOK_API_KEY_FILE", str(typed))
    assert there("profile", "list").code == ExitCode.REFUSED
