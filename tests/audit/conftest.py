"""A depot whose audit log is looked at."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from audit.depot import Depot

if TYPE_CHECKING:
    from rollbook import AdminClient, EnrollmentAgent
    from running import Server


@pytest.fixture(autouse=True)
def _periods_end_on_demand(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no period of counted refusals end by itself, however slow the machine is."""
    monkeypatch.setattr("rollbook_server.app.PERIOD_SECONDS", 10_000.0)


@pytest.fixture
def depot(server: Server, admin: AdminClient, agent: EnrollmentAgent) -> Depot:
    return Depot(server, admin, agent)
