"""The command in this process, at the time of the servers in this process."""

from __future__ import annotations

import pytest

from database.conftest import command
from rollbook_server.domain import clock
from running import TurnableClock

__all__ = ["command"]  # a fixture


@pytest.fixture(autouse=True)
def _now(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let tokens live: for the clock of those servers stands still, and they end a week on."""
    monkeypatch.setattr(clock, "now", TurnableClock())
