"""What the doctor tells of a data directory with an embedded database."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from database import later
from doctor.conftest import Doctor, wrongs
from rollbook_server.app import TOKEN_EPOCH_NAME
from rollbook_server.config import DATABASE_NAME
from rollbook_server.doctor import processes
from rollbook_server.storage.sqlite.versions import has_wal_reset_bug
from storage.test_upgrade import SCHEMA_1

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from cli.ended import Cli
    from running import Server, ServerProcess

pytestmark = pytest.mark.sqlite_only

# A child that has a file open to write until its stdin ends.
_OPENED = "import sys; file = open(sys.argv[1], 'r+b'); print(flush=True); sys.stdin.read()"


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
    assert len(lines) == 20


def test_an_older_database_that_was_put_back(folder: Path, doctor: Doctor) -> None:
    assert doctor("--data-dir", folder)[TOKEN_EPOCH_NAME][0] == "OK"
    shutil.copytree(folder, folder.with_name("copy"))
    state, told = doctor("--data-dir", folder.with_name("copy"))[TOKEN_EPOCH_NAME]
    assert (state, "rollbook token revoke-all" in told) == ("WARNING", True)


def test_an_older_database_in_which_no_token_works_again(folder: Path, doctor: Doctor) -> None:
    path = folder / TOKEN_EPOCH_NAME
    note = json.loads(path.read_text())
    path.write_text(json.dumps({**note, "audit_sequence": note["audit_sequence"] + 1}))
    state, told = doctor("--data-dir", folder)[TOKEN_EPOCH_NAME]
    assert (state, "rollbook key list" in told) == ("WARNING", True)


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
