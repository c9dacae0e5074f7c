"""The command in this process: alone, at a real server, or where connections break."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cli.ended import Cli, Ended
from cli.office import Office
from client.fake_server import Running
from rollbook.cli.entry import run

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from rollbook import AdminClient, EnrollmentAgent
    from running import Server


TLS = ("CA", "CERT", "CERT_KEY", "SERVER_NAME")


@pytest.fixture
def alone(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Cli:
    """Give the command, on a machine where nothing is set and no server runs."""
    for name in ("ADDRESS", "API_KEY", "API_KEY_FILE", "DEBUG", *TLS):
        monkeypatch.delenv(f"ROLLBOOK_{name}", raising=False)
    monkeypatch.setenv("ROLLBOOK_DATA_DIR", str(tmp_path / "nothing"))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.chdir(tmp_path)

    def call(*arguments: object) -> Ended:
        code = run([str(argument) for argument in arguments])
        return Ended(code, *capsys.readouterr())

    return call


@pytest.fixture
def cli(server: Server, alone: Cli, monkeypatch: pytest.MonkeyPatch) -> Cli:
    """Give the command on the machine of a server, whose key it finds there.

    The server comes first: a PostgreSQL that it starts has no place in a test's folder.
    """
    monkeypatch.setenv("ROLLBOOK_ADDRESS", server.address)
    monkeypatch.setenv("ROLLBOOK_DATA_DIR", str(server.data_dir))
    return alone


@pytest.fixture
def depot(cli: Cli) -> str:
    """Give the id of a profile named Depot."""
    made = cli("profile", "create", "Depot", "--output", "json").document
    return str(made["profile_id"])


@pytest.fixture
def scripted(
    alone: Cli,  # noqa: ARG001 - for its environment, which it empties first
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Running]:
    """Give a server that fails on order, or says what no good server does; `alone` calls it."""
    with Running() as running:
        monkeypatch.setenv("ROLLBOOK_ADDRESS", running.address)
        monkeypatch.setenv("ROLLBOOK_API_KEY", "key-1")
        yield running


@pytest.fixture
def office(
    cli: Cli, admin: AdminClient, agent: EnrollmentAgent, server: Server, tmp_path: Path
) -> Office:
    """Give the administrator of the seed, who has made a profile."""
    made = cli("profile", "create", "Tablets", "--output", "json").document
    return Office(cli, admin, agent, server, tmp_path, made["profile_id"])
