"""What the pictures show: real commands, at a real server, in a real terminal."""

from __future__ import annotations

import os
import re
import shlex
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from cli.terminal import Terminal
from rollbook import DeviceRow
from screenshots.pictures import picture
from uploads.wire import imei

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from running import ServerProcess

    Scene = Callable[[ServerProcess], str]

COLUMNS = 110
PROFILE = "Spring tablets"
_WATCHED = 300
_LARGE = 200_000
_HALFWAY = re.compile(r"(?:[5-9]\d|1\d\d),\d{3} of 200,000 .* devices/s")
_DEPOTS = ("North", "South", "East")
# Files that are uploaded: row numbers, and what stands there in place of an IMEI.
_BAD = {17: "3.56938E+14", 18: "3.56938E+14", 40: "35693803564380", 41: "49015420323751x", 90: ""}


def prepare(server: ServerProcess) -> None:
    """Put profiles and files where the scenes look for them."""
    _write(Path("devices.csv"), 1_000, _BAD)
    with server.admin() as admin:
        ada = admin.create_user("ada", display_name="Ada Lovelace").user_id
        admin.create_profile(PROFILE, description="North, hall 3", user_id=ada)
        admin.create_profile("Fleet", description="Vans and lorries")
        shelf = admin.create_profile("Warehouse scanners", tokenless=True).profile_id
        rows = [
            DeviceRow(imei(10**6 + number), "", f"SC-{number}", "Zebra") for number in range(48)
        ]
        admin.upload_rows(shelf, rows)


def _write(path: Path, rows: int, bad: dict[int, str]) -> None:
    with path.open("w", encoding="utf-8") as file:
        file.write("IMEI,Depot,Asset tag\n")
        for number in range(1, rows + 1):
            identifier = bad.get(number, imei(rows + number))
            file.write(f"{identifier},{_DEPOTS[number % 3]},T-{number:06}\n")


def upload(_server: ServerProcess) -> str:
    """Show the end of an upload with bad rows."""
    with _typed("upload", PROFILE, "devices.csv") as terminal:
        terminal.end()
        return _taken(terminal, "rollbook upload")


def progress(server: ServerProcess) -> str:
    """Show an inventory that is under way."""
    _write(Path("fleet.csv"), _LARGE, {})
    with server.admin() as admin:
        (fleet,) = admin.list_profiles(name_contains="Fleet")
        admin.upload_devices(fleet.profile_id, "fleet.csv")
    with _typed("inventory", "Fleet", "--out", "inventory.csv") as terminal:
        terminal.wait_for(lambda screen: _HALFWAY.search(screen) is not None)
        shown = _taken(terminal, "rollbook inventory, under way")
        terminal.end()
    return shown


def watch(server: ServerProcess) -> str:
    """Show devices that switch on one by one, and then the last counts."""
    with server.admin() as admin:
        (profile,) = admin.list_profiles(name_contains=PROFILE)
        token = admin.reveal_token(profile.profile_id)
    devices = threading.Thread(target=_switch_on, args=(server, token))
    with _typed("watch", PROFILE, "--interval", "0.5") as terminal:
        terminal.wait_for(lambda screen: "Ctrl-C" in screen)
        devices.start()
        devices.join()
        terminal.wait_for(lambda screen: str(_WATCHED) in screen and "a minute" in screen)
        shown = _taken(terminal, "rollbook watch")
        terminal.interrupt()
        terminal.end()
    return shown


def _switch_on(server: ServerProcess, token: str) -> None:
    from rollbook import EnrollmentAgent  # noqa: PLC0415 - for this thread

    with EnrollmentAgent(server.address) as agent:
        for number in range(100, 100 + _WATCHED):
            agent.enroll_device(token=token, imeis=[imei(1_000 + number)])


def profiles(_server: ServerProcess) -> str:
    """Show the profiles and what deleting one would do."""
    with _typed("profile", "list") as terminal:
        terminal.end()
        return _taken(terminal, "rollbook profile list")


def delete(_server: ServerProcess) -> str:
    """Show what a deletion would take with it."""
    with _typed("profile", "delete", PROFILE, "--dry-run") as terminal:
        terminal.end()
        return _taken(terminal, "rollbook profile delete --dry-run")


def explain(_server: ServerProcess) -> str:
    """Show why a device would be told that it is not registered."""
    with _typed("device", "explain", "--serial", "SC-7", "--manufacturer", "Honeywell") as terminal:
        terminal.end()
        return _taken(terminal, "rollbook device explain")


SCENES: dict[str, Scene] = {
    "upload": upload,
    "progress": progress,
    "watch": watch,
    "profiles": profiles,
    "delete": delete,
    "explain": explain,
}


@contextmanager
def _typed(*words: str) -> Iterator[Terminal]:
    """Give a terminal in which the command was typed."""
    with Terminal(*words, kind="xterm-256color", columns=COLUMNS) as terminal:
        terminal.show(f"$ {shlex.join(('rollbook', *words))}\r\n")
        yield terminal


def _taken(terminal: Terminal, title: str) -> str:
    # One more, for the picture cuts what hangs below the last.
    lines = len(terminal.screen.splitlines()) + 1
    return picture(terminal.cells, COLUMNS, lines, title)


def here(folder: Path, server: ServerProcess) -> None:
    """Let commands find the server, and files, as somebody would have it who works there."""
    os.chdir(folder)
    os.environ.update(
        ROLLBOOK_ADDRESS=server.address, ROLLBOOK_DATA_DIR=str(server.data_dir), TZ="UTC"
    )
