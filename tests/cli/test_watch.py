"""`rollbook watch`: drawn in place, as lines or as JSON; it outlives the server."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from cli.ended import Ended
from cli.terminal import Terminal
from rollbook import DeviceRow
from rollbook.cli.exit_codes import ExitCode
from uploads.wire import imei

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cli.ended import Cli
    from rollbook import AdminClient, EnrollmentAgent
    from running import ServerProcess

FAST = ("--interval", "0.1")
_SCRIPT = "import sys; from rollbook.cli import main; sys.exit(main())"


class Watching:
    """`rollbook watch` in a process of its own, with pipes for stdout and stderr."""

    def __init__(self, *options: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", _SCRIPT, "watch", "Depot", *FAST, *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def line(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline()

    def said(self) -> str:
        assert self._process.stderr is not None
        return self._process.stderr.readline()

    def interrupt(self) -> Ended:
        self._process.send_signal(signal.SIGINT)
        out, err = self._process.communicate()
        return Ended(self._process.returncode, out, err)

    def kill(self) -> None:
        self._process.kill()
        self._process.communicate()


@pytest.fixture
def two(admin: AdminClient, depot: str) -> str:
    """Put two devices into Depot; gives its token."""
    admin.upload_rows(depot, [DeviceRow(imei=imei(number)) for number in (1, 2)])
    return admin.reveal_token(depot)


@pytest.fixture
def watching(request: pytest.FixtureRequest) -> Iterator[Watching]:
    run = Watching(*getattr(request, "param", ()))
    yield run
    run.kill()


def test_every_change_is_a_line(two: str, agent: EnrollmentAgent, watching: Watching) -> None:
    assert watching.line().endswith("  Depot: 0 registered, 2 pending of 2 devices\n")
    agent.enroll_device(token=two, imeis=[imei(1)])
    assert watching.line().endswith("  Depot: 1 registered, 1 pending of 2 devices\n")
    agent.enroll_device(token=two, imeis=[imei(2)])
    assert watching.line().endswith("  Depot: 2 registered, 0 pending of 2 devices\n")
    ended = watching.interrupt()
    assert (ended.code, ended.out, ended.err) == (ExitCode.DONE, "", "")


@pytest.mark.parametrize("watching", [("--output", "json")], indirect=True)
def test_for_programs_every_change_is_a_document(
    two: str, agent: EnrollmentAgent, watching: Watching, depot: str
) -> None:
    first = json.loads(watching.line())
    assert first.pop("time").endswith("Z")
    assert first == {
        "profile_id": depot,
        "name": "Depot",
        "is_answering": True,
        "device_count": 2,
        "registered_count": 0,
        "pending_count": 2,
    }
    agent.enroll_device(token=two, imeis=[imei(1)])
    assert json.loads(watching.line())["registered_count"] == 1
    assert watching.interrupt().code == ExitCode.DONE


def test_on_a_terminal_the_counts_are_drawn_in_their_place(
    two: str, agent: EnrollmentAgent
) -> None:
    with Terminal("watch", "Depot", *FAST, kind="xterm-256color", columns=60) as terminal:
        terminal.wait_for(lambda screen: "pending" in screen and "Ctrl-C ends" in screen)
        assert _count(terminal.screen, "pending") == 2
        agent.enroll_device(token=two, imeis=[imei(1)])
        # The last line is there: so all of the drawing is.
        terminal.wait_for(lambda screen: _count(screen, "registered") == 1 and "ends" in screen)
        assert terminal.screen.count("Depot") == terminal.screen.count("pending") == 1
        terminal.wait_for(lambda screen: "a minute" in screen)
        terminal.interrupt()
        assert terminal.end() == ExitCode.DONE
        assert "Traceback" not in terminal.shown
        assert terminal.shows_cursor
        assert _count(terminal.screen, "registered") == 1


def _count(screen: str, name: str) -> int:
    found = [line.split() for line in screen.splitlines() if line.split()[:1] == [name]]
    return int(found[0][1]) if found else -1


@pytest.mark.usefixtures("two")
@pytest.mark.parametrize("columns", [20, 40])
def test_a_narrow_terminal_has_room(columns: int) -> None:
    one = ("--interval", "60")  # it is interrupted between two drawings, and not in one
    with Terminal("watch", "Depot", *one, kind="xterm-256color", columns=columns) as terminal:
        terminal.wait_for(lambda screen: "ends" in screen)
        assert "\u2026" not in terminal.screen
        terminal.interrupt()
        assert terminal.end() == ExitCode.DONE
        assert terminal.screen.count("Depot") == 1  # ^C began no line that was not counted


def test_a_server_that_goes_away_is_waited_for(
    alone: Cli, process: ServerProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ROLLBOOK_ADDRESS", process.address)
    monkeypatch.setenv("ROLLBOOK_API_KEY", process.api_key)
    assert alone("profile", "create", "Depot").code == ExitCode.DONE
    watching = Watching()
    assert "0 pending" in watching.line()
    process.kill()
    assert "does not answer" in watching.said()
    process.start()
    with process.admin() as admin:
        admin.upload_rows(
            next(admin.list_profiles()).profile_id,
            [DeviceRow(imei=imei(number)) for number in (1,)],
        )
    assert "answers again" in watching.said()
    while "1 pending" not in (line := watching.line()):
        assert line
    assert watching.interrupt().code == ExitCode.DONE


def test_a_profile_that_is_deleted_ends_it(
    admin: AdminClient, depot: str, watching: Watching
) -> None:
    assert "0 pending" in watching.line()
    admin.delete_profile(depot, force=True)
    assert watching.line() == ""
    ended = watching.interrupt()
    assert ended.code == ExitCode.REFUSED
    assert "rollbook profile list" in ended.err


def test_a_server_that_never_was_there_is_an_error(alone: Cli) -> None:
    ended = alone("--address", "127.0.0.1:1", "watch", "Depot", "--output", "json")
    assert ended.code != ExitCode.DONE
    assert ended.error["message"]
