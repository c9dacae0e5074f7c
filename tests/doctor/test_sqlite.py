"""What the doctor tells of a data directory with an embedded database."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from database import later
from doctor.conftest import Doctor, wrongs
from rollbook import DeviceRow
from rollbook.cli.exit_codes import ExitCode
from rollbook_server import sealing_file
from rollbook_server.app import ADMIN_KEY_NAME, TOKEN_EPOCH_NAME
from rollbook_server.config import DATABASE_NAME, SEALING_KEY_NAME
from rollbook_server.doctor import disks, machines, processes
from rollbook_server.doctor.findings import State
from rollbook_server.storage.sqlite.versions import has_wal_reset_bug
from storage.test_upgrade import SCHEMA_1
from uploads.wire import imei

if TYPE_CHECKING:
    from collections.abc import Callable

    from cli.ended import Cli
    from running import Server, ServerProcess

pytestmark = pytest.mark.sqlite_only

# A child that has a file open to write until its stdin ends.
_OPENED = "import sys; file = open(sys.argv[1], 'r+b'); print(flush=True); sys.stdin.read()"


@pytest.fixture
def filled(server: Server) -> Server:
    with server.admin() as admin:
        depot = admin.create_profile("Depot", tokenless=False)
        admin.create_devices(depot.profile_id, [DeviceRow(imei(1))])
        admin.revoke_token(depot.profile_id)
    return server


@pytest.fixture
def folder(filled: Server) -> Path:
    """Give a data directory that no server is on."""
    filled.stop()
    return filled.data_dir


def everything(folder: Path) -> dict[str, tuple[bytes, int]]:
    return {each.name: (each.read_bytes(), each.stat().st_mode) for each in folder.iterdir()}


def test_with_a_server_that_runs(process: ServerProcess, doctor: Doctor) -> None:
    with process.admin() as admin:
        admin.create_profile("Depot")
    where = ("--data-dir", process.data_dir, "--listen", process.address, "--thorough")
    found = doctor(*where)
    assert wrongs(found) == set()
    assert f"served by process {process.pid}" in found["database"][1]
    assert "SERVING" in found["address"][1]
    assert f"process {process.pid}" in found["file descriptors"][1]
    for check in ("integrity", "schema", "counts of profiles", "admin.key", "sealing.key"):
        assert found[check][0] == "OK", check
    with process.admin() as admin:  # it is as well as before
        admin.create_profile("Other")
        assert admin.verify_audit_log().first_break is None


def test_without_a_server_and_nothing_is_changed(folder: Path, doctor: Doctor) -> None:
    before = everything(folder)
    found = doctor("--data-dir", folder, "--listen", "127.0.0.1:1", "--thorough")
    assert wrongs(found) <= {"address"}  # to whom root alone may listen
    assert "no server is on it" in found["database"][1]
    assert "of this database" in found["sealing.key"][1]
    assert everything(folder) == before


def test_people_read_one_line_a_check(folder: Path, command: Cli) -> None:
    ended = command("doctor", "--data-dir", folder)
    lines = ended.out.splitlines()
    assert [line.split()[0] for line in lines[:2]] == ["ok", "ok"]
    assert lines[-1].endswith("warning.") or "well" in lines[-1] or "warnings." in lines[-1]
    assert len(lines) == 19


def test_no_directory(doctor: Doctor, tmp_path: Path) -> None:
    found = doctor("--data-dir", tmp_path / "none")
    assert wrongs(found) >= {"data directory"}
    assert "Name the one of the server with --data-dir" in found["data directory"][1]
    assert not (tmp_path / "none").exists()
    (tmp_path / "file").touch()
    assert "No such" not in doctor("--data-dir", tmp_path / "none")["database"][1]


def test_an_empty_directory_is_not_wrong(doctor: Doctor, tmp_path: Path) -> None:
    folder = tmp_path / "new"
    folder.mkdir(mode=0o700)
    found = doctor("--data-dir", folder)
    assert found["database"][0] == "WARNING"
    assert wrongs(found) <= {"sealing.key", "address"}
    assert list(folder.iterdir()) == []


def test_a_directory_open_to_others(folder: Path, doctor: Doctor) -> None:
    folder.chmod(0o755)
    state, told = doctor("--data-dir", folder)["data directory"]
    assert (state, f"chmod 700 {folder}" in told) == ("WARNING", True)


def test_what_a_killed_command_left(folder: Path, doctor: Doctor) -> None:
    (folder / ".rollbook-1.part").touch()
    state, told = doctor("--data-dir", folder)["data directory"]
    assert (state, ".rollbook-1.part" in told) == ("WARNING", True)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_a_file_of_another_owner(folder: Path, doctor: Doctor) -> None:
    os.chown(folder / TOKEN_EPOCH_NAME, 65534, 65534)
    state, told = doctor("--data-dir", folder)["data directory"]
    assert (state, "token.epoch" in told, "chown -R" in told) == ("WRONG", True, True)


class TestKeys:
    """The key files: there, private, well-formed, and of the database."""

    def test_open_to_others(self, folder: Path, doctor: Doctor) -> None:
        for name in (ADMIN_KEY_NAME, SEALING_KEY_NAME):
            (folder / name).chmod(0o640)
        found = doctor("--data-dir", folder)
        for name in (ADMIN_KEY_NAME, SEALING_KEY_NAME):
            assert found[name][0] == "WRONG"
            assert f"chmod 600 {folder / name}" in found[name][1]

    def test_missing(self, folder: Path, doctor: Doctor) -> None:
        for name in (ADMIN_KEY_NAME, SEALING_KEY_NAME):
            (folder / name).unlink()
        found = doctor("--data-dir", folder)
        assert found[ADMIN_KEY_NAME][0] == "WARNING"
        assert found[SEALING_KEY_NAME][0] == "WRONG"
        assert "Put it back from its backup" in found[SEALING_KEY_NAME][1]
        assert not (folder / SEALING_KEY_NAME).exists()

    def test_damaged(self, folder: Path, doctor: Doctor) -> None:
        secret = "short"
        (folder / ADMIN_KEY_NAME).write_text(secret)
        (folder / SEALING_KEY_NAME).write_text("{}")
        found = doctor("--data-dir", folder)
        assert wrongs(found) >= {ADMIN_KEY_NAME, SEALING_KEY_NAME}
        assert f" {secret} " not in json.dumps(found).replace("shorter", "")

    def test_of_another_database(self, folder: Path, doctor: Doctor) -> None:
        (folder / SEALING_KEY_NAME).unlink()
        sealing_file.load_or_create(folder / SEALING_KEY_NAME)
        (folder / ADMIN_KEY_NAME).write_text("rbk_" + "x" * 43)
        found = doctor("--data-dir", folder)
        assert found[SEALING_KEY_NAME][0] == "WRONG"
        assert "its audit log is sealed with another key" in found[SEALING_KEY_NAME][1]
        assert found[ADMIN_KEY_NAME][0] == "WARNING"
        assert "the database knows another key" in found[ADMIN_KEY_NAME][1]

    def test_from_the_environment(
        self, folder: Path, doctor: Doctor, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        path = folder / SEALING_KEY_NAME
        monkeypatch.setenv("ROLLBOOK_SEALING_KEY", path.read_text())
        path.unlink()
        state, told = doctor("--data-dir", folder)[SEALING_KEY_NAME]
        assert (state, "ROLLBOOK_SEALING_KEY" in told) == ("OK", True)


def test_an_older_database_that_was_put_back(folder: Path, doctor: Doctor) -> None:
    assert doctor("--data-dir", folder)[TOKEN_EPOCH_NAME][0] == "OK"
    shutil.copytree(folder, folder.with_name("copy"))
    state, told = doctor("--data-dir", folder.with_name("copy"))[TOKEN_EPOCH_NAME]
    assert (state, "rollbook token revoke-all" in told) == ("WARNING", True)


# Python's own modules may be where somebody else cannot read them: so they come first.
_AS_NOBODY = """
import encodings.idna, os, signal, sys
import rollbook_server.doctor.command
from rollbook.cli.entry import run
os.setuid(65534)
sys.exit(run(sys.argv[1:]))
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")
@pytest.mark.parametrize(("mode", "database"), [(0o755, "WRONG"), (0o700, "SKIPPED")])
def test_somebody_who_may_not_look(folder: Path, mode: int, database: str) -> None:
    # Where everybody may look; and in the default folder, which no option looks at.
    with tempfile.TemporaryDirectory() as public:
        Path(public).chmod(0o755)
        copy = shutil.copytree(folder, Path(public) / "rollbook")
        copy.chmod(mode)
        found = as_nobody(Path(public))
    assert found["data directory"]["state"] == "WRONG"
    assert f"mode {mode:04o}: you can not write to it" in found["data directory"]["found"]
    assert found["integrity" if mode == 0o755 else "database"]["state"] == database
    assert "rollbook restore" not in str(found)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")
@pytest.mark.parametrize("name", [DATABASE_NAME, f"{DATABASE_NAME}.lock"])
def test_files_that_their_owner_may_not_write(folder: Path, name: str) -> None:
    with tempfile.TemporaryDirectory() as public:
        Path(public).chmod(0o755)
        copy = shutil.copytree(folder, Path(public) / "rollbook")
        for each in (copy, *copy.iterdir()):
            os.chown(each, 65534, 65534)
        (copy / name).chmod(0o400)
        found = as_nobody(Path(public))
    assert found["data directory"]["state"] == "OK"
    assert found["database"]["state"] == "WRONG"
    assert f"chmod 600 {copy / name}" in found["database"]["advice"]


def as_nobody(data_home: Path) -> dict[str, dict[str, str]]:
    """Ask as somebody whom nothing belongs to."""
    environment = {**os.environ, "ROLLBOOK_DATA_DIR": "", "XDG_DATA_HOME": str(data_home)}
    arguments = ("doctor", "--output", "json")
    done = subprocess.run(
        [sys.executable, "-c", _AS_NOBODY, *arguments],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (ExitCode.UNSOUND, "")
    return {each["check"]: each for each in json.loads(done.stdout)["findings"]}


def test_a_damaged_database(folder: Path, doctor: Doctor) -> None:
    path = folder / DATABASE_NAME
    content = bytearray(path.read_bytes())
    for page in range(2, len(content) // 16_384):
        content[page * 16_384 : page * 16_384 + 8] = bytes(8)
    path.write_bytes(content)
    state, told = doctor("--data-dir", folder)["integrity"]
    assert (state, "rollbook restore FILE" in told) == ("WRONG", True)
    path.write_bytes(b"no database at all " * 1_000)
    assert doctor("--data-dir", folder)["integrity"][0] == "WRONG"


def test_wrong_counts(folder: Path, doctor: Doctor) -> None:
    with closing(sqlite3.connect(folder / DATABASE_NAME)) as database, database:
        database.execute("UPDATE profiles SET pending_count = 7")
    assert "counts of profiles" not in doctor("--data-dir", folder)
    assert doctor("--data-dir", folder, "--thorough")["counts of profiles"][0] == "WRONG"


def test_other_schemas(folder: Path, doctor: Doctor, tmp_path: Path) -> None:
    with later.installed(later.steps(tmp_path)):
        assert doctor("--data-dir", folder)["schema"][0] == "WARNING"
    old = tmp_path / "old"
    old.mkdir(mode=0o700)
    with closing(sqlite3.connect(old / DATABASE_NAME)) as database:
        database.executescript(SCHEMA_1.read_text())
    state, told = doctor("--data-dir", old)["schema"]
    assert (state, "rollbook database upgrade" in told) == ("WARNING", True)
    with closing(sqlite3.connect(folder / DATABASE_NAME)) as database, database:
        database.execute("UPDATE counters SET value = 99 WHERE name = 'schema_version'")
    assert doctor("--data-dir", folder)["schema"][0] == "WRONG"


def test_another_program_that_has_the_file_open_to_write(folder: Path, doctor: Doctor) -> None:
    path = folder / DATABASE_NAME
    assert doctor("--data-dir", folder)["one writer"][0] == "OK"
    child = subprocess.Popen(
        [sys.executable, "-c", _OPENED, path],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with child:
        assert child.stdout is not None
        assert child.stdout.readline()
        state, told = doctor("--data-dir", folder)["one writer"]
        child.communicate()
    assert (state, str(child.pid) in told) == ("WRONG", True)


def test_the_log_of_a_server_that_was_killed(process: ServerProcess, doctor: Doctor) -> None:
    process.kill()
    state, told = doctor("--data-dir", process.data_dir)["database's log"]
    assert (state, "from a server that was killed" in told) == ("OK", True)


def test_a_clock_that_was_set_back(
    filled: Server, folder: Path, doctor: Doctor, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert doctor("--data-dir", folder)["clock"][0] == "OK"
    for now in (filled.clock() - timedelta(hours=1), datetime(1970, 1, 2, tzinfo=UTC)):
        monkeypatch.setattr("rollbook_server.domain.clock.now", lambda now=now: now)
        state, told = doctor("--data-dir", folder)["clock"]
        assert (state, "time servers" in told) == ("WRONG", True)


def test_little_room(folder: Path, doctor: Doctor, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage(folder)
    for free, state in ((1_000_000, "WRONG"), (100_000_000, "WARNING"), (10**12, "OK")):
        left = usage._replace(free=free)
        monkeypatch.setattr(shutil, "disk_usage", lambda _, left=left: left)
        assert doctor("--data-dir", folder)["room"][0] == state


@pytest.mark.parametrize(
    ("kind", "state"),
    [("nfs4", State.WRONG), ("tmpfs", State.WARNING), ("ext4", State.OK), ("xfs", State.OK)],
)
def test_file_systems(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, state: State
) -> None:
    mounts = tmp_path / "mountinfo"
    (tmp_path / "with blank").mkdir()
    place = str(tmp_path / "with blank").replace(" ", "\\040")
    lines = ("1 0 8:1 / / rw - ext4 /dev/a rw", f"2 1 8:2 / {place} rw shared:1 - {kind} b rw")
    mounts.write_text("\n".join(lines))
    monkeypatch.setattr(disks, "_MOUNTS", mounts)
    assert disks.file_system(tmp_path / "with blank").state is state
    assert disks.file_system(tmp_path).state is State.OK
    monkeypatch.setattr(disks, "_MOUNTS", tmp_path / "none")
    assert disks.file_system(tmp_path).state is State.SKIPPED


@pytest.mark.parametrize(
    ("limit", "state"), [(512, State.WRONG), (4_096, State.WARNING), (65_536, State.OK)]
)
def test_descriptors(monkeypatch: pytest.MonkeyPatch, limit: int, state: State) -> None:
    monkeypatch.setattr(processes, "descriptor_limit", lambda _: limit)
    assert machines.descriptors(1).state is state


@pytest.mark.parametrize(
    ("version", "has_bug"),
    [
        *(((3, 40, 1), True), ((3, 44, 5), True), ((3, 44, 6), False), ((3, 45, 0), True)),
        *(((3, 50, 6), True), ((3, 50, 7), False), ((3, 51, 2), True), ((3, 51, 3), False)),
        ((3, 60, 0), False),
    ],
)
def test_versions_with_the_bug(version: tuple[int, ...], *, has_bug: bool) -> None:
    assert has_wal_reset_bug(version) is has_bug


def test_settings_that_do_not_go_together(folder: Path, doctor: Doctor) -> None:
    state, told = doctor("--data-dir", folder, "--listen", "0.0.0.0:7443")["settings"]
    assert (state, "--tls-cert" in told) == ("WRONG", True)


@pytest.mark.parametrize(
    ("option", "value", "told"),
    [
        ("--workers", "2", "SQLite has one writer"),
        ("--metrics", "0.0.0.0:9464", "--metrics-public"),
        ("--token-min-days", "30", "must rise in this order"),
    ],
)
def test_it_takes_every_option_of_serve_and_every_key_of_its_file(
    folder: Path, doctor: Doctor, tmp_path: Path, option: str, value: str, told: str
) -> None:
    settings = tmp_path / "rollbook.toml"
    shown = value if value.isdigit() else f'"{value}"'
    settings.write_text(f"{option[2:].replace('-', '_')} = {shown}\n")
    for given in ((option, value), ("--config", settings)):
        state, found = doctor("--data-dir", folder, *given)["settings"]
        assert (state, told in found) == ("WRONG", True)


def test_a_mistyped_url_is_a_mistake_of_usage(command: Cli, tmp_path: Path) -> None:
    assert command("doctor", "--data-dir", tmp_path, "--database", "mysql://x/y").code == 2


def test_the_holder_of_a_lock(serve: Callable[..., Server], tmp_path: Path) -> None:
    server = serve()
    lock = server.data_dir / f"{DATABASE_NAME}.lock"
    assert processes.lock_holder(lock) == os.getpid()
    server.stop()
    assert processes.lock_holder(lock) is None
    assert processes.lock_holder(tmp_path / "none") is None
