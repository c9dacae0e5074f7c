"""A server at which it soon is too much to guess."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from guessing.depot import LIMITS, Depot

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from running import Server


@pytest.fixture(autouse=True)
def _periods_end_on_demand(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no period of counted refusals end by itself, however slow the machine is."""
    monkeypatch.setattr("rollbook_server.app.PERIOD_SECONDS", 10_000.0)


@pytest.fixture
def depot(serve: Callable[..., Server]) -> Iterator[Depot]:
    server = serve(guess_limits=LIMITS)
    with server.admin() as admin, server.agent() as agent:
        yield Depot(server, admin, agent)
