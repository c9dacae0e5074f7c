"""Real terminals, narrow and wide: what is written has room, and NO_COLOR is obeyed."""

from __future__ import annotations

import re
import sys
from io import StringIO
from typing import TYPE_CHECKING

import pytest
from rich.cells import cell_len
from rich.console import Console

from cli.terminal import Terminal
from rollbook import DeviceRow, Right
from rollbook.cli.android_extras import all_extras
from rollbook.cli.exit_codes import ExitCode
from rollbook_server.doctor.findings import Finding, State
from rollbook_server.doctor.report import lines
from uploads.wire import imei

if TYPE_CHECKING:
    from pathlib import Path

    from cli.ended import Cli
    from rollbook import AdminClient
    from running import Server

WIDTHS = (40, 80, 200)
# Only what goes to stdout: sentences on stderr hold commands to be copied, and are not cut.
TABLE = ("sh", "-c", 'exec "$@" 2>/dev/null', "sh")
ROLLBOOK = (sys.executable, "-c", "import sys; from rollbook.cli import main; sys.exit(main())")
SHOWING = [
    *("profile list", "profile show {depot}", "uploads {depot}", "device list", "user list"),
    *("device show {device}", "device explain --imei {imei}", "token show {depot}", "key list"),
    *("audit list", "audit verify", "profile configure --keys", "profile configure {depot}"),
    *("upload {depot} {file} --dry-run", "database status", "profile delete {depot} --dry-run"),
]
COLOUR = re.compile(r"\x1b\[(?:\d+;)*(?:3[0-8]|4[0-8]|9\d|10\d)[;\d]*m")
CONTROL = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")
# Counts up to 40,000 as slowly as a network would bring them, and stands still at the end.
COUNTING = """
import time
from rollbook.cli.progress import counting
with counting("Spring tablets of the northern depot", "device", 40_000, silent=False) as told:
    for count in range(0, 40_001, 4_000):
        told(count)
        time.sleep(0.1)
    input()
"""


@pytest.fixture
def names(
    cli: Cli,
    server: Server,
    admin: AdminClient,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> dict[str, str]:
    """Fill the server with what is long, wide and many; gives what can be asked for."""
    monkeypatch.setenv("ROLLBOOK_DATABASE", server.config.database)
    long = "The tablets of the northern depot, which came in spring and go to 北京 in summer"
    depot = admin.create_profile(long, description="They are many, and all are grey.").profile_id
    attributes = {f"attribute of the kind {letter}": "of a length" for letter in "abc"}
    admin.upload_rows(depot, [DeviceRow(imei(1), imei(2), "SN-1", "Acme", attributes)])
    admin.create_user("ada.lovelace@analytical-engines.example.com", display_name="Ada Lovelace")
    admin.create_api_key("The nightly import of all depots", rights=[*Right][1:])
    cli("profile", "configure", depot, "--set", f"vendor_keys.address={'x' * 90}")
    file = tmp_path / "a file with a name that is rather long.csv"
    file.write_text(f"IMEI,A column whose name goes on and on\n{imei(3)},1\n12,2\n")
    device = next(admin.list_devices()).device_id
    return {"depot": depot, "device": device, "imei": imei(1), "file": str(file)}


@pytest.mark.parametrize("columns", WIDTHS)
@pytest.mark.parametrize("command", SHOWING)
def test_no_line_is_wider_than_the_terminal(
    names: dict[str, str], command: str, columns: int
) -> None:
    words = [word.format(**names) for word in command.split()]
    with Terminal(
        *words, program=(*TABLE, *ROLLBOOK), kind="xterm-256color", columns=columns
    ) as terminal:
        assert terminal.end() in (ExitCode.DONE, ExitCode.ROWS_REJECTED, ExitCode.OUTDATED)
    lines = CONTROL.sub("", terminal.shown).replace("\r", "").split("\n")
    assert max(map(cell_len, lines)) <= columns
    assert any(lines)


@pytest.mark.parametrize("columns", [20, 40])
def test_where_names_leave_no_room_all_of_the_values_is_below_them(columns: int) -> None:
    program = (*TABLE, *ROLLBOOK, "profile", "configure", "--keys")
    with Terminal(program=program, kind="xterm-256color", columns=columns) as terminal:
        assert terminal.end() == ExitCode.DONE
        told = re.sub(r"\s", "", CONTROL.sub("", terminal.shown))
    for extra in all_extras():
        value = f"{extra.name}{extra.meaning}({extra.type})"
        assert re.sub(r"\s", "", value) in told


@pytest.mark.parametrize("columns", [20, 60])
def test_a_narrow_terminal_is_told_all_that_the_doctor_found(
    columns: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rollbook_server.doctor.report.stdout_width", lambda: columns)
    found = Finding("a check", State.WRONG, "something is wrong with the file", "Mend it soon.")
    with StringIO() as file:
        Console(file=file, width=columns).print(lines([found]))
        told = " ".join(file.getvalue().split())
    assert told == "wrong a check something is wrong with the file. Mend it soon."


def test_a_line_in_a_pipe_is_as_long_as_it_is(cli: Cli, names: dict[str, str]) -> None:
    shown = cli("profile", "list").out
    assert "go to 北京 in summer" in shown
    assert names["depot"] in cli("profile", "show", names["depot"]).out


@pytest.mark.parametrize("columns", WIDTHS)
def test_progress_has_room_for_rate_and_time_left(columns: int) -> None:
    program = (sys.executable, "-c", COUNTING)
    with Terminal(program=program, kind="xterm-256color", columns=columns) as terminal:
        seen: set[str] = set()

        def is_done(screen: str) -> bool:
            seen.add(screen)
            return "40,000 of 40,000" in screen or "100%" in screen

        terminal.wait_for(is_done)
        terminal.type("\r")
        assert terminal.end() == 0
    bars = [screen for screen in seen if re.search(r"\d,\d{3}(?: devices)?/s", screen)]
    assert any(re.search(r"0:00:0\d", screen) for screen in bars)
    assert all("\n" not in screen.strip() for screen in bars), bars


def test_an_upload_draws_a_bar_that_goes(admin: AdminClient, depot: str, tmp_path: Path) -> None:
    file = tmp_path / "many.csv"
    file.write_text("imei\n" + "".join(f"{imei(number)}\n" for number in range(30_000)))
    with Terminal("upload", depot, str(file), kind="xterm-256color", columns=80) as terminal:
        terminal.wait_for(lambda screen: "many.csv" in screen and "━" in screen)
        assert terminal.end() == ExitCode.DONE
        assert "━" not in terminal.screen
        assert "30,000" in terminal.screen
        assert terminal.shows_cursor
    assert admin.get_profile(depot).device_count == 30_000


NO_COLOUR = [
    *("profile list", "profile show nothing", "--nonsense", "--help", "watch {depot}"),
    *("upload {depot} {file} --no-errors", "qr {depot}", "discard nothing"),
]


@pytest.mark.parametrize("command", NO_COLOUR)
def test_no_color_is_obeyed(names: dict[str, str], command: str) -> None:
    assert COLOUR.search(shown_by(names, command, NO_COLOR="1")) is None


@pytest.mark.parametrize("command", ["profile show nothing", "watch {depot}", "qr {depot}"])
def test_without_it_there_are_colours(names: dict[str, str], command: str) -> None:
    assert COLOUR.search(shown_by(names, command)) is not None


def shown_by(names: dict[str, str], command: str, **environment: str) -> str:
    """Give all that the terminal gets of a command, which is ended if it does not end."""
    words = [word.format(**names) for word in command.split()]
    with Terminal(*words, kind="xterm-256color", columns=160, **environment) as terminal:
        if words[0] == "watch":
            terminal.wait_for(lambda screen: "Ctrl-C" in screen)
            terminal.interrupt()
        terminal.end()
    return terminal.shown


@pytest.mark.parametrize("command", ["audit verify", "audit verify --recompute"])
def test_a_check_of_the_log_shows_how_far_it_is(names: dict[str, str], command: str) -> None:
    shown = shown_by(names, command, NO_COLOR="1")
    assert "Checking the audit log" in shown
    assert re.search(r"[1-9]\d* of [1-9]\d*", shown)
    assert "Checking" not in shown.rsplit("\x1b[2K", maxsplit=1)[-1]  # and then it is gone
