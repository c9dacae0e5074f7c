"""Of a PostgreSQL database the commands tell what PostgreSQL's own programs do, and that works."""

from __future__ import annotations

import shlex
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

import postgres_server
from backup import programs
from database import full_roll
from database.conftest import url
from databases import DATABASES, POSTGRESQL
from rollbook import EnrollOutcome
from rollbook.cli.exit_codes import ExitCode
from rollbook_server.app import ADMIN_KEY_NAME
from uploads.wire import imei

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from cli.ended import Cli
    from running import Server

SECRET = "correct-horse"


def run(line: str) -> None:
    """Run a command line as it was told, with PostgreSQL's newest programs."""
    name, *rest = shlex.split(line)
    program = postgres_server.binary(name)
    assert program is not None
    done = subprocess.run([program, *rest], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("engine", [POSTGRESQL], indirect=True)
def test_a_dump_as_it_is_told_gives_a_roll_that_serves(
    server: Server, serve: Callable[..., Server], command: Cli, engine: str, tmp_path: Path
) -> None:
    full = full_roll.fill(server)
    file, folder = tmp_path / "roll.dump", programs.new_folder(server.data_dir, tmp_path / "new")
    where = ("--database", url(server.data_dir, engine), "--output", "json")
    ended = command("backup", file, *where)
    assert (ended.code, ended.error["reason"]) == (ExitCode.REFUSED, "POSTGRESQL_HAS_ITS_OWN")
    run(ended.error["metadata"]["command"])  # while the server is on it

    target = DATABASES.server.url(DATABASES.name(folder))
    ended = command("restore", file, "--database", target, "--output", "json")
    assert ended.code == ExitCode.REFUSED
    run(ended.error["metadata"]["command"])
    shutil.copy2(server.data_dir / ADMIN_KEY_NAME, folder)
    restored = serve(data_dir=folder, database=target)
    assert full_roll.answers(restored) == full_roll.answers(server)
    with restored.admin() as admin, restored.agent() as agent:
        assert admin.verify_audit_log().first_break is None
        enrolled = agent.enroll_device(token=full.tokens[1], imeis=[imei(2)])
        assert enrolled.outcome is EnrollOutcome.REGISTERED
        assert admin.create_user("bob").user_id  # numbers that the database gives go on
        assert admin.create_profile("New").device_count == 0


def test_no_password_is_in_what_is_told(command: Cli, tmp_path: Path) -> None:
    address = f"postgresql://rollbook:{SECRET}@db.example.com:5433/roll?sslmode=require"
    address += f"&sslkey=my.key&sslpassword={SECRET}"
    for name in ("backup", "restore"):
        ended = command(name, tmp_path / "roll.dump", "--database", address)
        assert ended.code == ExitCode.REFUSED
        assert SECRET not in ended.err
        for part in ("host=db.example.com", "port=5433", "dbname=roll", "sslkey=my.key"):
            assert part in ended.err
    assert list(tmp_path.iterdir()) == []
