"""What a server process says when it starts, or cannot: to people, and to such as the demo."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from rollbook_server import settings_check
from rollbook_server.config import Config, ConfigError
from running import unset_environment

if TYPE_CHECKING:
    from pathlib import Path

    from running import ServerProcess

PROGRAMS = {
    "rollbook serve": (
        *(sys.executable, "-c", "import sys; from rollbook.cli import main; sys.exit(main())"),
        "serve",
    ),
    "python -m": (sys.executable, "-m", "rollbook_server"),
}
any_program = pytest.mark.parametrize("program", PROGRAMS.values(), ids=PROGRAMS)


def start(program: tuple[str, ...], home: Path, *options: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*program, *options],
        cwd=home,
        env=unset_environment() | {"HOME": str(home)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def announced(program: tuple[str, ...], home: Path, *options: str) -> str:
    """Start a server on a free port, wait for its first line, stop it; gives all it wrote."""
    with start(program, home, "--listen", "127.0.0.1:0", *options) as server:
        assert server.stdout is not None
        first = server.stdout.readline()
        server.send_signal(signal.SIGTERM)
        rest = server.stdout.read()  # not communicate(), which loses what is buffered
    assert server.returncode == 0
    return first + rest


def refused(program: tuple[str, ...], home: Path, *options: str) -> str:
    """Give the stderr of a server that cannot start."""
    with start(program, home, *options) as server:
        shown, said = server.communicate(timeout=60)
    assert (server.returncode, shown) == (1, "")
    return said


@any_program
def test_a_program_is_told_in_one_line_of_json(program: tuple[str, ...], tmp_path: Path) -> None:
    (line,) = announced(program, tmp_path, "--output", "json").splitlines()

    told = json.loads(line)
    assert told["address"].startswith("127.0.0.1:")
    assert told["data_dir"] == str(tmp_path / ".local/share/rollbook")
    assert told["admin_key_file"] == str(tmp_path / ".local/share/rollbook/admin.key")


@any_program
def test_another_data_directory_is_told_to_the_shell(
    program: tuple[str, ...], tmp_path: Path
) -> None:
    shown = announced(program, tmp_path, "--data-dir", "my data")

    line = next(line for line in shown.splitlines() if "export" in line)
    assert shlex.split(line)[-2:] == ["export", f"ROLLBOOK_DATA_DIR={tmp_path / 'my data'}"]
    assert "export" not in announced(program, tmp_path)


@any_program
@pytest.mark.parametrize("form", ["table", "json"])
def test_a_port_in_use_is_told_once(
    process: ServerProcess, program: tuple[str, ...], tmp_path: Path, form: str
) -> None:
    said = refused(program, tmp_path, "--listen", process.address, "--output", form)

    reason = f"--listen {process.address}: the address cannot be used: Address already in use."
    if form == "table":
        assert said == f"Error: {reason}\n"
    else:
        error = json.loads(said)["error"]
        assert (error["reason"], error["message"]) == ("SERVER_CANNOT_START", reason)


@any_program
def test_a_data_directory_that_cannot_be_made_is_named(
    program: tuple[str, ...], tmp_path: Path
) -> None:
    where = ("--listen", "127.0.0.1:0", "--data-dir", f"{os.devnull}/data")
    said = refused(program, tmp_path, *where)

    assert said == "Error: cannot make the data directory /dev/null/data: Not a directory\n"


@pytest.mark.parametrize(
    "address",
    ["enroll.example.com", "enroll.example.com:443", "10.0.0.4:7443", "[2001:db8::1]:443", "büro"],
)
def test_an_address_that_devices_can_call_is_taken(tmp_path: Path, address: str) -> None:
    settings_check.check(Config(data_dir=tmp_path, public_address=address))


@pytest.mark.parametrize("address", ["tcp://a", "a b", "a:", ":443", "a:x", "a/b", "[::1", "\x1b"])
def test_an_address_that_cannot_be_meant_is_refused(tmp_path: Path, address: str) -> None:
    with pytest.raises(ConfigError, match=r"--public-address .*: write HOST:PORT or HOST"):
        settings_check.check(Config(data_dir=tmp_path, public_address=address))
