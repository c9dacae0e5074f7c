"""`rollbook upload` where connections break: what was asked, progress, how to go on."""

from __future__ import annotations

import os
import shlex
import signal
from dataclasses import dataclass
from threading import Event
from typing import TYPE_CHECKING, Any

import pytest

from client.conftest import FakeTime
from client.faults import Fault
from rollbook.cli import upload_progress
from rollbook.cli.exit_codes import ExitCode
from rollbook.v1 import upload_pb2

if TYPE_CHECKING:
    from pathlib import Path
    from typing import NoReturn

    from cli.ended import Cli
    from client.fake_server import Running


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Give a file of eleven chunks."""
    path = tmp_path / "my devices.csv"
    path.write_bytes(b"IMEI,Note\n" + b"356938035643809,x\n" * 160_000)
    return path


@pytest.fixture
def small(tmp_path: Path) -> Path:
    path = tmp_path / "my devices.csv"
    path.write_text("IMEI\n356938035643809\n")
    return path


def test_options_are_passed_on(alone: Cli, scripted: Running, small: Path) -> None:
    options = ("--strict", "--dry-run", "--on-conflict", "move", "--map", "Ger\u00e4t=1=imei")
    alone("upload", "p1", small, *options)
    ((first, *_),) = scripted.fake.streams()
    assert first.open.on_invalid_row == upload_pb2.ON_INVALID_ROW_FAIL
    assert first.open.on_conflict == upload_pb2.ON_CONFLICT_MOVE
    assert first.open.validate_only
    assert dict(first.open.column_mapping) == {"Ger\u00e4t=1": "imei"}
    assert first.open.file_name == "my devices.csv"


@pytest.mark.usefixtures("scripted")
def test_plain_progress_ends_with_all_of_it(alone: Cli, file: Path) -> None:
    lines = [line for line in alone("upload", "p1", file).err.splitlines() if "my devices" in line]
    assert lines[-2:] == ["my devices.csv: 100 %, 2.9 MB", "my devices.csv: uploaded"]


@pytest.mark.usefixtures("scripted")
def test_a_small_file_needs_few_lines(alone: Cli, small: Path) -> None:
    assert alone("upload", "p1", small).err.count("my devices.csv:") == 2


@pytest.mark.usefixtures("scripted")
def test_a_terminal_gets_a_bar_without_a_speed_that_means_nothing(
    alone: Cli, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upload_progress, "_UNSETTLED_SECONDS", 3600)  # however slow it is here
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    monkeypatch.setenv("COLUMNS", "120")
    drawn = alone("upload", "p1", file.rename(file.with_name("[red]x.csv"))).err
    assert "[red]x.csv, the server is checking rows" in drawn
    assert "2.9/2.9 MB" in drawn
    assert "/s" not in drawn
    assert "[red]x.csv: uploaded" not in drawn


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the time between streams pass at once."""
    fake_time = FakeTime()
    monkeypatch.setattr("rollbook._calls.Patience", fake_time.patience)
    monkeypatch.setattr("rollbook._blocking.sleep", fake_time.pass_by)


@pytest.mark.usefixtures("quick")
def test_an_incomplete_upload_names_the_command_that_resumes_it(
    alone: Cli, scripted: Running, small: Path
) -> None:
    options = ("--address", scripted.address)
    upload = ("upload", "p1", str(small), "--on-conflict", "keep")
    scripted.fake.stream_faults.append(Fault(after=2, answers=True))
    scripted.fake.stream_faults.extend(Fault(after=1) for _ in range(100))
    ended = alone(*options, *upload)
    (upload_id,) = scripted.fake.uploads
    assert ended.code == ExitCode.INCOMPLETE
    assert "The upload broke off after 2 rows" in ended.err
    resume = shlex.join(["rollbook", *options, *upload, "--resume", upload_id])
    assert f"Go on with it: {resume}\n" in ended.err
    scripted.fake.stream_faults.clear()
    assert alone(*shlex.split(resume)[1:]).code == ExitCode.DONE


@pytest.mark.usefixtures("quick")
def test_a_server_that_went_away_leaves_an_upload_to_resume(
    alone: Cli, scripted: Running, small: Path
) -> None:
    scripted.fake.stream_faults.extend(Fault() for _ in range(100))
    ended = alone("upload", "p1", small, "--output", "json")
    assert ended.code == ExitCode.INCOMPLETE
    assert ended.error["code"] == "UNAVAILABLE"
    upload_id = ended.error["metadata"]["upload_id"]
    assert ended.error["metadata"]["resume_command"].endswith(f"--resume {upload_id}")


@dataclass(frozen=True)
class CtrlC(Fault):
    """Interrupts this process, and lets the client wait until it has hung up."""

    def raise_in(self, context: Any) -> NoReturn:
        hung_up = Event()
        context.add_callback(hung_up.set)
        os.kill(os.getpid(), signal.SIGINT)
        hung_up.wait()
        super().raise_in(context)


def test_ctrl_c_names_the_command_that_resumes(alone: Cli, scripted: Running, small: Path) -> None:
    scripted.fake.stream_faults.append(CtrlC(after=2))
    ended = alone("upload", "p1", small, "--output", "json")
    (upload_id,) = scripted.fake.uploads
    assert ended.code == ExitCode.INTERRUPTED
    assert ended.error["metadata"]["upload_id"] == upload_id
    assert ended.error["metadata"]["resume_command"].endswith(f"--resume {upload_id}")
