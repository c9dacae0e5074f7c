"""The progress of an upload tells of what the server keeps, not of what buffers took."""

from __future__ import annotations

import io

import pytest
from rich.console import Console
from rich.text import Text

from rollbook import UploadProgress
from rollbook.cli import upload_progress
from rollbook.cli.upload_progress import watch

MB = 1_000_000
TOTAL = 10 * MB


def step(
    committed: int, sent: int = TOTAL, *, known: bool = True, streams: int = 1
) -> UploadProgress:
    return UploadProgress("u1", sent, TOTAL, 0, None, committed, 0, streams, known)


def test_lines_tell_every_ten_percent_of_what_is_kept(capsys: pytest.CaptureFixture[str]) -> None:
    with watch("a.csv", silent=False) as told:
        for tenth in range(101):
            told(step(tenth * MB // 10))
    lines = capsys.readouterr().err.splitlines()
    assert lines == [
        *(f"a.csv: {10 * tenth} %, {tenth}.0 MB" for tenth in range(1, 11)),
        "a.csv: uploaded",
    ]


def test_a_key_that_may_not_look_is_told_what_was_sent(capsys: pytest.CaptureFixture[str]) -> None:
    with watch("a.csv", silent=False) as told:
        told(step(0, sent=3 * MB, known=False))
    assert capsys.readouterr().err.splitlines()[0] == "a.csv: 30 %, 3.0 MB sent"


class Terminal:
    """A terminal whose clock the test turns."""

    def __init__(self) -> None:
        self.now = 1_000.0
        self._file = io.StringIO()
        self.console = Console(
            file=self._file, force_terminal=True, width=120, get_time=lambda: self.now
        )

    @property
    def last_line(self) -> str:
        """What was drawn last, before it was wiped at the end."""
        drawn = self._file.getvalue().replace("\r", "\n")
        return [line for line in Text.from_ansi(drawn).plain.splitlines() if line.strip()][-1]


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    terminal = Terminal()
    monkeypatch.setattr(upload_progress, "stderr_console", lambda: terminal.console)
    return terminal


def test_rate_and_time_left_are_those_of_what_is_kept(terminal: Terminal) -> None:
    with watch("a.csv", silent=False) as told:
        told(step(0))
        terminal.now += 5
        told(step(4 * MB))
        terminal.now += 3  # in which the next batch is on its way
        told(step(4 * MB))
    last = terminal.last_line
    assert "4.0/10.0 MB" in last
    assert "800.0 kB/s" in last
    assert "0:00:05" in last, "7.5 s for 6 MB, less the 3 s that went by"


@pytest.mark.parametrize(
    ("waited", "rate", "left"),
    [
        (5, "800.0 kB/s", "0:00:03"),  # as long as the first took
        (8, "500.0 kB/s", "0:00:07"),  # 4 MB in 8 s: 12 s for the rest, of which 5 went by
    ],
)
def test_a_batch_that_is_late_lowers_the_rate(
    terminal: Terminal, waited: int, rate: str, left: str
) -> None:
    with watch("a.csv", silent=False) as told:
        told(step(0))
        terminal.now += 5
        told(step(4 * MB))
        terminal.now += waited
        told(step(4 * MB))
    assert rate in terminal.last_line
    assert left in terminal.last_line


def test_time_is_seen_to_go_by_before_there_is_a_rate(terminal: Terminal) -> None:
    with watch("a.csv", silent=False) as told:
        told(step(0))
        terminal.now += 65
        told(step(0))
    assert "0:01:05 so far" in terminal.last_line


def test_what_buffers_take_has_no_rate(terminal: Terminal) -> None:
    with watch("a.csv", silent=False) as told:
        told(step(0, sent=0))
        terminal.now += 30
        told(step(0))
    assert "0.0/10.0 MB" in terminal.last_line
    assert "/s" not in terminal.last_line
    assert "checking" not in terminal.last_line


def test_what_was_kept_before_counts_for_no_rate(terminal: Terminal) -> None:
    with watch("a.csv", silent=False) as told:
        told(step(8 * MB))
        terminal.now += 10
        told(step(9 * MB, streams=2))
    assert "a.csv, resumed" in terminal.last_line
    assert "100.0 kB/s" in terminal.last_line


def test_once_all_is_kept_the_server_checks(terminal: Terminal) -> None:
    with watch("a.csv", silent=False) as told:
        told(step(TOTAL))
    assert "a.csv, the server is checking rows" in terminal.last_line
