"""The doctor, asked in this process about the data directory of a test."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from database.conftest import command
from rollbook import DeviceRow
from rollbook.cli.exit_codes import ExitCode
from uploads.wire import imei

if TYPE_CHECKING:
    from pathlib import Path

    from cli.ended import Cli
    from running import Server

__all__ = ["command"]  # a fixture

Findings = dict[str, tuple[str, str]]
"""State, and what was found with what is to be done, by check."""

Doctor = Callable[..., Findings]


@pytest.fixture
def doctor(command: Cli) -> Doctor:
    """Give a way to ask; the exit code must be that of the worst finding."""

    def ask(*arguments: object) -> Findings:
        ended = command("doctor", *arguments, "--output", "json")
        told: dict[str, Any] = ended.document
        found: Findings = {
            each["check"]: (each["state"], f"{each['found']} {each['advice']}")
            for each in told["findings"]
        }
        is_wrong = any(state == "WRONG" for state, _ in found.values())
        assert ended.code == (ExitCode.UNSOUND if is_wrong else ExitCode.DONE)
        assert (told["worst"] == "WRONG") == is_wrong
        return found

    return ask


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


def wrongs(found: Findings) -> set[str]:
    return {check for check, (state, _) in found.items() if state == "WRONG"}
