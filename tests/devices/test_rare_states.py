"""A few registered devices are found without a walk past all others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from devices.calls import imei
from rollbook import DeviceRow
from rollbook_server.domain.device_lists import DeviceQuery
from rollbook_server.domain.devices import DeviceState
from rollbook_server.storage import device_lists

if TYPE_CHECKING:
    from rollbook import AdminClient, EnrollmentAgent
    from running import Server

pytestmark = pytest.mark.sqlite_only  # what SQLite does is counted

MANY = 2_000
A_TICK = 100  # instructions of SQLite


def listed(server: Server, query: DeviceQuery) -> tuple[list[str], int]:
    """Give what is found, and the instructions it took."""
    ticks: list[None] = []

    def look(roll: Any) -> list[str]:
        connection = roll.devices._database.connection()
        connection.set_progress_handler(lambda: ticks.append(None), A_TICK)
        found = [device.imei for device in roll.devices.list(query, after="", limit=10)]
        connection.set_progress_handler(None, A_TICK)
        return found

    return server.app._store.read(look), len(ticks) * A_TICK


@pytest.mark.parametrize("prefix", ["", "35"])
def test_a_rare_state_is_found_without_a_look_at_each_device(
    server: Server,
    admin: AdminClient,
    agent: EnrollmentAgent,
    depot: str,
    monkeypatch: pytest.MonkeyPatch,
    prefix: str,
) -> None:
    monkeypatch.setattr(device_lists, "LOOKED_UP", 0)  # as if far more had the prefix
    admin.upload_rows(depot, [DeviceRow(imei(n)) for n in range(MANY)])
    agent.enroll_device(token=admin.reveal_token(depot), imeis=[imei(MANY - 1)])
    query = DeviceQuery(depot, DeviceState.REGISTERED).beginning(prefix)
    found, instructions = listed(server, query)
    assert found == [imei(MANY - 1)[:14]]
    assert instructions < MANY
