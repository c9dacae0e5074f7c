"""`rollbook database status` and `upgrade` tell how a database stands to this program."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from database import later
from database.conftest import url
from databases import DATABASES, POSTGRESQL
from rollbook.cli.exit_codes import ExitCode
from rollbook_server.storage.schema import SCHEMA_VERSION
from storage.test_upgrade import old

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from cli.ended import Cli
    from running import Server

__all__ = ["old"]  # a fixture

STEPS = ["002_users_keys_and_audit", "003_guesses", "004_profile_ranges", "005_prepared_rows"]


@pytest.mark.both_engines
def test_the_status_of_a_database_in_use(server: Server, engine: str, command: Cli) -> None:
    where = ("--database", url(server.data_dir, engine))
    ended = command("database", "status", *where, "--output", "json")
    assert ended.code == ExitCode.DONE, ended.err
    told = ended.document
    assert told["database"]
    del told["database"]
    assert told == {
        "engine": "PostgreSQL" if engine == POSTGRESQL else "SQLite",
        "state": "CURRENT",
        "schema_version": SCHEMA_VERSION,
        "program_version": SCHEMA_VERSION,
        "pending": [],
        "unknown": [],
    }
    assert "up to date" in command("database", "status", *where).out


@pytest.mark.both_engines
def test_a_later_program_sees_what_is_pending_and_does_it(
    server: Server, engine: str, command: Cli, tmp_path: Path
) -> None:
    server.stop()
    where = ("--database", url(server.data_dir, engine))
    with later.installed(later.steps(tmp_path)):
        before = DATABASES.dump(server.data_dir)
        ended = command("database", "status", *where)
        assert ended.code == ExitCode.OUTDATED
        assert later.NAME in ended.out
        assert DATABASES.dump(server.data_dir) == before
        assert f"done: {later.NAME}." in command("database", "upgrade", *where).err
        assert command("database", "status", *where).code == ExitCode.DONE
        assert "nothing to upgrade" in command("database", "upgrade", *where).err
    ended = command("database", "status", *where, "--output", "json")
    assert (ended.code, ended.document["state"]) == (ExitCode.OUTDATED, "NEWER")
    assert ended.document["unknown"] == [later.NAME]
    ended = command("database", "upgrade", *where)
    assert (ended.code, "newer Rollbook" in ended.err) == (ExitCode.REFUSED, True)


def test_a_database_of_the_first_schema(old: Path, command: Cli) -> None:
    where = ("--data-dir", old)
    before = (old / "rollbook.db").read_bytes()
    ended = command("database", "status", *where, "--output", "json")
    assert (ended.code, ended.document["schema_version"]) == (ExitCode.OUTDATED, 1)
    assert ended.document["pending"] == STEPS
    assert (old / "rollbook.db").read_bytes() == before
    ended = command("database", "upgrade", *where, "--output", "json")
    assert ended.document["steps"] == STEPS
    assert command("database", "status", *where).code == ExitCode.DONE


@pytest.mark.both_engines
def test_an_empty_database_is_made_ready_for_servers_that_must_not(
    tmp_path: Path, engine: str, command: Cli, serve: Callable[..., Server]
) -> None:
    folder = tmp_path / "data"
    folder.mkdir(0o700)
    where = ("--database", url(folder, engine))
    if engine == POSTGRESQL:
        ended = command("database", "status", *where)
        assert (ended.code, "no roll in it yet" in ended.out) == (ExitCode.OUTDATED, True)
    assert command("database", "upgrade", *where).code == ExitCode.DONE
    server = serve(data_dir=folder, database=where[1], upgrade=False)
    with server.admin() as admin:
        assert list(admin.list_profiles()) == []


def test_a_file_that_is_not_there_is_not_made(tmp_path: Path, command: Cli) -> None:
    ended = command("database", "status", "--data-dir", tmp_path, "--output", "json")
    assert (ended.code, ended.error["reason"]) == (ExitCode.REFUSED, "DATABASE_UNUSABLE")
    assert not (tmp_path / "rollbook.db").exists()


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_a_file_in_use_is_not_upgraded(server: Server, command: Cli) -> None:
    ended = command("database", "upgrade", "--data-dir", server.data_dir)
    assert (ended.code, "in use by another server" in ended.err) == (ExitCode.REFUSED, True)


def test_what_is_no_database_is_told(tmp_path: Path, command: Cli) -> None:
    broken = tmp_path / "rollbook.db"
    broken.write_bytes(b"no database at all, but long enough to be one" * 10)
    for name in ("status", "upgrade"):
        ended = command("database", name, "--data-dir", tmp_path)
        assert (ended.code, "cannot be used" in ended.err) == (ExitCode.REFUSED, True)
        assert command("database", name, "--database", "mysql://x/y").code == ExitCode.USAGE
        ended = command("database", name, "--database", "postgresql://me:secret@127.0.0.1:1/roll")
        assert (ended.code, "cannot be used" in ended.err) == (ExitCode.REFUSED, True)
        assert "secret" not in ended.err


@pytest.mark.parametrize("engine", [POSTGRESQL], indirect=True)
def test_no_password_is_shown(server: Server, engine: str, command: Cli) -> None:
    shown = url(server.data_dir, engine).replace("rollbook@", "rollbook:secret@")
    for output in ("table", "json"):
        ended = command("database", "status", "--database", shown, "--output", output)
        assert ended.code == ExitCode.DONE
        assert "secret" not in ended.out + ended.err
