"""`rollbook upload` of what can be read only once: stdin and pipes."""

from __future__ import annotations

import os
from threading import Thread
from typing import TYPE_CHECKING

import pytest

from cli.terminal import pipe
from client.conftest import FakeTime
from client.faults import Fault
from rollbook.cli.exit_codes import ExitCode

if TYPE_CHECKING:
    from pathlib import Path

    from cli.ended import Cli
    from client.fake_server import Running

CONTENT = b"IMEI\n" + b"356938035643809\n" * 40_000  # three chunks


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the time between streams pass at once."""
    fake_time = FakeTime()
    monkeypatch.setattr("rollbook._calls.Patience", fake_time.patience)
    monkeypatch.setattr("rollbook._blocking.sleep", fake_time.pass_by)


def copies(folder: Path) -> list[Path]:
    return list(folder.glob("rollbook-*"))


def test_stdin_arrives_whole_though_the_connection_breaks(
    alone: Cli, scripted: Running, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    pipe(monkeypatch, CONTENT)
    scripted.fake.stream_faults.append(Fault(after=2))
    ended = alone("upload", "p1", "-")
    assert ended.code == ExitCode.DONE, ended.err
    (upload,) = scripted.fake.uploads.values()
    assert upload.data == CONTENT
    assert scripted.fake.streams()[0][0].open.file_name == "stdin"
    assert copies(tmp_path) == []


def test_so_does_a_named_pipe(alone: Cli, scripted: Running, tmp_path: Path) -> None:
    fifo = tmp_path / "devices.pipe"
    os.mkfifo(fifo)
    writer = Thread(target=fifo.write_bytes, args=(CONTENT,))
    writer.start()
    scripted.fake.stream_faults.append(Fault(after=2))
    ended = alone("upload", "p1", fifo)
    writer.join()
    assert ended.code == ExitCode.DONE, ended.err
    (upload,) = scripted.fake.uploads.values()
    assert upload.data == CONTENT
    assert copies(tmp_path) == []


def test_who_goes_on_has_to_give_the_same_again(
    alone: Cli, scripted: Running, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    scripted.fake.stream_faults.append(Fault(after=2))
    scripted.fake.stream_faults.extend(Fault(after=1) for _ in range(100))
    pipe(monkeypatch, CONTENT)
    ended = alone("upload", "p1", "-")
    (upload_id,) = scripted.fake.uploads
    assert ended.code == ExitCode.INCOMPLETE
    resume = f"rollbook upload p1 --resume {upload_id} -- -"
    assert f"Go on with it, with the same input again: {resume}\n" in ended.err
    assert copies(tmp_path) == []
    scripted.fake.stream_faults.clear()
    pipe(monkeypatch, CONTENT)
    assert alone(*resume.split()[1:]).code == ExitCode.DONE
    assert scripted.fake.uploads[upload_id].data == CONTENT


@pytest.mark.usefixtures("depot")
def test_what_is_wrong_is_told_of_stdin(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    pipe(monkeypatch, b"IMEI\n1\n")
    ended = cli("upload", "depot", "-", "--no-errors")
    assert ended.code == ExitCode.ROWS_REJECTED
    assert "Mend stdin and run: rollbook upload depot -- -" in ended.err
    # The command reads stdin again, and would wait for it.
    assert "The rejected rows as a CSV file, with the same input again: rollbook" in ended.err


@pytest.mark.usefixtures("depot")
def test_an_error_file_may_lie_beside_stdin(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    out = tmp_path / "bad.csv"
    out.write_text("older")
    pipe(monkeypatch, b"IMEI\n1\n")
    ended = cli("upload", "depot", "-", "--errors", out, "--force")
    assert f"1 rejected row is in {out}." in ended.err
