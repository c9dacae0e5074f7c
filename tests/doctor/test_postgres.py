"""What the doctor tells of a PostgreSQL database."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from database.conftest import url
from databases import DATABASES, POSTGRESQL
from doctor.conftest import Doctor, wrongs
from rollbook_server.domain import clock

if TYPE_CHECKING:
    from pathlib import Path

    from running import Server

AHEAD_SECONDS = 30
ON_POSTGRES = pytest.mark.parametrize("engine", [POSTGRESQL], indirect=True)
SECRET = "correct-horse"


@pytest.fixture
def where(server: Server, engine: str) -> tuple[object, ...]:
    """Give the options of a server that runs."""
    with server.admin() as admin:
        admin.create_profile("Depot")
    database = url(server.data_dir, engine)
    return ("--data-dir", server.data_dir, "--database", database, "--listen", server.address)


@ON_POSTGRES
def test_with_a_server_that_runs(where: tuple[object, ...], doctor: Doctor) -> None:
    found = doctor(*where, "--thorough")
    assert wrongs(found) == set()
    assert found["database"][1].startswith("PostgreSQL 1")
    assert "reads, writes and makes tables" in found["rights"][1]
    assert "no synchronous standby" in found["durability"][1]
    assert "of this database" in found["sealing.key"][1]
    for check in ("schema", "counts of profiles", "database's clock", "connections"):
        assert found[check][0] == "OK", check
    assert "SERVING" in found["address"][1]


def test_a_database_that_no_server_has_begun(doctor: Doctor, tmp_path: Path) -> None:
    folder = tmp_path / "new"
    folder.mkdir(mode=0o700)
    found = doctor("--data-dir", folder, "--database", url(folder, POSTGRESQL))
    assert wrongs(found) <= {"address", "durability"}
    assert found["schema"][0] == "WARNING"
    assert [found[name][0] for name in ("admin.key", "sealing.key")] == ["OK", "OK"]


@ON_POSTGRES
def test_what_is_not_durable(where: tuple[object, ...], server: Server, doctor: Doctor) -> None:
    name = DATABASES.name(server.data_dir)
    DATABASES.server.execute(f"ALTER DATABASE {name} SET synchronous_commit = off")
    state, told = doctor(*where)["durability"]
    assert (state, "synchronous_commit = on" in told) == ("WRONG", True)


@ON_POSTGRES
def test_a_role_with_too_few_rights(
    where: tuple[object, ...], server: Server, doctor: Doctor
) -> None:
    name, role = DATABASES.name(server.data_dir), f"clerk_{DATABASES.name(server.data_dir)}"
    change = DATABASES.server.change
    change(name, f"CREATE ROLE {role} LOGIN")
    change(name, f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role}")
    change(name, f"GRANT INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {role}")
    as_clerk = str(where[3]).replace("//rollbook@", f"//{role}@")
    options = (*where[:3], as_clerk, *where[4:])
    try:
        state, told = doctor(*options)["rights"]
        assert (state, "may make no tables" in told) == ("WARNING", True)
        change(name, f"REVOKE UPDATE ON devices FROM {role}")
        state, told = doctor(*options)["rights"]
        assert (state, "no right to read and write devices" in told) == ("WRONG", True)
    finally:
        change(name, f"DROP OWNED BY {role}")
        change(name, f"DROP ROLE {role}")


@ON_POSTGRES
def test_another_clock(
    where: tuple[object, ...], doctor: Doctor, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = clock.now
    monkeypatch.setattr(clock, "now", lambda: now() + timedelta(seconds=AHEAD_SECONDS))
    state, told = doctor(*where)["database's clock"]
    # That which the answer of the database takes is counted as well.
    (seconds,) = re.findall(r"(\d+) s behind this machine's", told)
    assert (state, int(seconds) >= AHEAD_SECONDS) == ("WARNING", True)


def test_one_that_does_not_answer_and_whose_password_is_not_told(
    doctor: Doctor, server: Server
) -> None:
    address = f"postgresql://rollbook:{SECRET}@127.0.0.1:1/roll"
    found = doctor("--data-dir", server.data_dir, "--database", address)
    assert found["database"][0] == "WRONG"
    assert SECRET not in str(found)
