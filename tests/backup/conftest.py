"""The command in this process, at the time of the servers in this process."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from database.conftest import command
from rollbook_server.config import DATABASE_NAME
from rollbook_server.domain import clock
from running import TurnableClock

if TYPE_CHECKING:
    from pathlib import Path

    from cli.ended import Cli
    from running import Server

__all__ = ["command"]  # a fixture

ASIDE = f"{DATABASE_NAME}.before-restore-*"


@pytest.fixture(autouse=True)
def _now(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let tokens live: for the clock of those servers stands still, and they end a week on."""
    monkeypatch.setattr(clock, "now", TurnableClock())


def backed_up(command: Cli, server: Server, file: Path) -> Path:
    ended = command("backup", file, "--data-dir", server.data_dir)
    assert ended.code == 0, ended.err
    return file
