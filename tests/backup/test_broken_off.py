"""A backup that is killed, or finds no room, leaves nothing under the name that it was to have."""

from __future__ import annotations

import shutil
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from backup import programs
from cli.terminal import Terminal
from rollbook import DeviceRow
from rollbook.cli.exit_codes import ExitCode
from rollbook_server.config import DATABASE_NAME
from running import unset_environment
from storage.test_upgrade import SCHEMA_1
from uploads.wire import imei

if TYPE_CHECKING:
    from pathlib import Path

    from cli.ended import Cli
    from running import Server, ServerProcess

pytestmark = pytest.mark.sqlite_only

DEVICES = 5_000
# A file system of so many bytes takes the beginning of a backup.
_SMALL = 'mount -t tmpfs -o size=200k none "$1"; shift; "$@"; code=$?; ls -A "$0"; exit $code'


@pytest.fixture
def filled(process: ServerProcess) -> ServerProcess:
    """Give a server with a roll of a few megabytes."""
    with process.admin() as admin:
        depot = admin.create_profile("Depot", tokenless=True)
        admin.upload_rows(depot.profile_id, [DeviceRow(imei(each)) for each in range(DEVICES)])
    return process


@pytest.mark.parametrize("passes", [1, 2, 12, 20])
def test_a_killed_backup_leaves_no_file_under_its_name(
    filled: ServerProcess, tmp_path: Path, passes: int
) -> None:
    folder = tmp_path / "backups"
    folder.mkdir()
    file = folder / "roll.db"
    arguments = ("backup", file, "--data-dir", filled.data_dir)
    assert programs.dying("copying", passes, *arguments) == -signal.SIGKILL
    left = [path.name for path in folder.iterdir()]
    assert [name for name in left if not name.endswith(".part")] == []
    programs.back_up(filled.data_dir, file)  # in the way of which nothing lies
    good = file.read_bytes()
    assert programs.dying("copying", passes, *arguments, "--force") == -signal.SIGKILL
    assert file.read_bytes() == good
    assert file.stat().st_mode & 0o777 == 0o600


def test_ctrl_c_leaves_nothing(filled: ServerProcess, tmp_path: Path) -> None:
    folder = tmp_path / "backups"
    folder.mkdir()
    interrupted = (
        "import os, signal, sys; from rollbook_server.storage.sqlite import backups\n"
        "def told(*_): os.kill(os.getpid(), signal.SIGINT)\n"
        "backups.BackupStep = told\n"
        "from rollbook.cli import main; sys.exit(main())"
    )
    arguments = ("backup", folder / "b.db", "--data-dir", filled.data_dir)
    done = subprocess.run(
        [sys.executable, "-c", interrupted, *arguments],
        env=unset_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, "Interrupted." in done.stderr) == (ExitCode.INTERRUPTED, True)
    assert list(folder.iterdir()) == []


def test_a_disk_without_room_is_told_and_left_as_it_was(
    filled: ServerProcess, tmp_path: Path
) -> None:
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = ["unshare", "-rm", "mount", "-t", "tmpfs", "none", str(folder)]
    if not shutil.which("unshare") or subprocess.run(mounted, check=False).returncode:
        pytest.skip("no file system can be mounted here (unshare -rm)")
    run = ("import sys; from rollbook.cli import main; sys.exit(main())", "backup")
    where = (str(folder / "b.db"), "--data-dir", str(filled.data_dir))
    command = [str(folder), str(folder), sys.executable, "-c", *run, *where]
    done = subprocess.run(
        ["unshare", "-rm", "sh", "-c", _SMALL, *command],
        env=unset_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == ExitCode.REFUSED
    assert f"The disk of {folder} is full: the copy takes" in done.stderr
    assert "Make room, or name a place on another disk." in done.stderr
    assert done.stdout == ""  # what is left in the folder


def test_a_file_that_is_there_stays_unless_it_is_forced(
    server: Server, command: Cli, tmp_path: Path
) -> None:
    file = tmp_path / "b.db"
    file.write_text("precious")
    ended = command("backup", file, "--data-dir", server.data_dir)
    assert (ended.code, file.read_text()) == (ExitCode.REFUSED, "precious")
    assert "Name another file as FILE, or add --force" in ended.err
    assert command("backup", file, "--data-dir", server.data_dir, "--force").code == 0
    with closing(sqlite3.connect(file)) as copy:
        assert copy.execute("SELECT count(*) FROM profiles").fetchone() == (0,)
    assert file.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "name", [DATABASE_NAME, f"{DATABASE_NAME}-wal", "sealing.key", "admin.key", "token.epoch"]
)
def test_no_force_puts_it_in_the_place_of_what_the_server_works_with(
    server: Server, command: Cli, tmp_path: Path, name: str
) -> None:
    own, link = server.data_dir / name, tmp_path / "link"
    link.symlink_to(own)
    before = own.stat().st_ino
    for file in (own, link):
        ended = command("backup", file, "--data-dir", server.data_dir, "--force")
        assert ended.code == ExitCode.REFUSED
        assert f"{file} is a file of the server itself" in ended.err
    assert own.stat().st_ino == before


def test_the_sealing_key_that_the_settings_name_is_told(
    server: Server, command: Cli, tmp_path: Path
) -> None:
    settings = tmp_path / "rollbook.toml"
    settings.write_text('sealing_key_file = "elsewhere.key"\n')
    where = ("--data-dir", server.data_dir, "--config", settings)
    ended = command("backup", tmp_path / "a.db", *where)
    assert ended.code == 0
    assert f"keep a copy of {tmp_path / 'elsewhere.key'}" in ended.err


def test_it_tells_what_is_in_it_and_what_is_not(
    server: Server, command: Cli, tmp_path: Path
) -> None:
    with server.admin() as admin:
        depot = admin.create_profile("Depot")
        admin.create_devices(depot.profile_id, [DeviceRow(imei(1))])
    ended = command("backup", tmp_path / "a.db", "--data-dir", server.data_dir)
    assert ended.code == 0
    assert "1 device (0 registered), 1 profile, 0 users, 1 API key" in ended.err
    assert f"keep a copy of {server.data_dir / 'sealing.key'}" in ended.err
    assert "copying: 100 %" in ended.err
    where = ("--data-dir", server.data_dir, "--output", "json")
    told = command("backup", tmp_path / "b.db", *where)
    assert told.err == ""
    assert told.document["contents"]["device_count"] == 1
    assert told.document["profiles_with_wrong_counts"] == []
    assert told.document["size_bytes"] == (tmp_path / "b.db").stat().st_size


def test_wrong_counts_are_told(server: Server, command: Cli, tmp_path: Path) -> None:
    with server.admin() as admin:
        depot = admin.create_profile("Depot").profile_id
    server.stop()
    with closing(sqlite3.connect(server.data_dir / DATABASE_NAME)) as database, database:
        database.execute("UPDATE profiles SET pending_count = 7")
    ended = command("backup", tmp_path / "a.db", "--data-dir", server.data_dir)
    assert f"The counts of {depot} are not those of their devices" in ended.err


def test_a_terminal_shows_no_line_of_it_for_long(server: Server, tmp_path: Path) -> None:
    arguments = ("backup", str(tmp_path / "a.db"), "--data-dir", str(server.data_dir))
    with Terminal(*arguments) as terminal:
        assert terminal.end() == 0
    assert "is a whole copy of" in terminal.shown
    assert "copying: 100 %" not in terminal.shown


def test_before_an_upgrade_the_older_schema_is_backed_up(command: Cli, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / DATABASE_NAME)) as database:
        database.executescript(SCHEMA_1.read_text())
    file = tmp_path / "b.db"
    ended = command("backup", file, "--data-dir", tmp_path)
    assert (ended.code, "schema 1." in ended.err) == (ExitCode.DONE, True)
    told = command("backup", file, "--data-dir", tmp_path, "--force", "--output", "json").document
    assert (told["schema_version"], told["contents"]) == (1, None)
    with closing(sqlite3.connect(file)) as copy:
        assert copy.execute("SELECT count(*) FROM devices").fetchone() == (3,)


@pytest.mark.parametrize("content", [b"", b"no database at all" * 100])
def test_what_is_no_roll_is_not_backed_up(command: Cli, tmp_path: Path, content: bytes) -> None:
    (tmp_path / DATABASE_NAME).write_bytes(content)
    ended = command("backup", tmp_path / "b.db", "--data-dir", tmp_path)
    assert ended.code == ExitCode.REFUSED
    assert ("holds no roll" if not content else "not a database") in ended.err
    assert not (tmp_path / "b.db").exists()


def test_a_damaged_database_gives_no_backup(server: Server, command: Cli, tmp_path: Path) -> None:
    with server.admin() as admin:
        depot = admin.create_profile("Depot", tokenless=True).profile_id
        admin.upload_rows(depot, [DeviceRow(imei(each)) for each in range(DEVICES)])
    server.stop()
    path = server.data_dir / DATABASE_NAME
    content = bytearray(path.read_bytes())
    for page in range(60, len(content) // 16_384):
        content[page * 16_384 + 100 : page * 16_384 + 400] = bytes(300)
    path.write_bytes(content)
    ended = command("backup", tmp_path / "b.db", "--data-dir", server.data_dir)
    assert (ended.code, "is damaged: " in ended.err) == (ExitCode.REFUSED, True), ended.err
    assert not (tmp_path / "b.db").exists()
