"""A device is registered, the answer is lost on its way, and the agent asks again."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from faults.proxy import AnswersLost
from rollbook import DeviceRow, EnrollmentAgent
from uploads.wire import imei, until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rollbook import AdminClient
    from running import Server

DEVICES = 8


@pytest.fixture
def proxy(server: Server) -> Iterator[AnswersLost]:
    with AnswersLost(server.address) as proxy:
        yield proxy


def test_a_lost_answer_and_a_retry_cost_nothing(admin: AdminClient, proxy: AnswersLost) -> None:
    profile_id = admin.create_profile("Depot").profile_id
    admin.create_devices(profile_id, [DeviceRow(imei(number)) for number in range(DEVICES)])
    token = admin.reveal_token(profile_id)
    with EnrollmentAgent(proxy.address) as agent, ThreadPoolExecutor(DEVICES) as threads:
        # The connection stands, and is no part of what is lost.
        assert not agent.enroll_device(imeis=[imei(0)]).device_id
        proxy.lose()
        asked = [
            threads.submit(agent.enroll_device, token=token, imeis=[imei(number)])
            for number in range(DEVICES)
        ]
        until(lambda: admin.get_profile(profile_id).registered_count == DEVICES)
        assert not any(each.done() for each in asked)
        proxy.cut_and_mend()
        told = [each.result().device_id for each in asked]

    devices = {each.imei: each.device_id for each in admin.list_devices(profile_id)}
    assert told == [devices[imei(number)[:14]] for number in range(DEVICES)]
    assert admin.get_token(profile_id).use_count == DEVICES
    shown = admin.get_profile(profile_id)
    assert (shown.registered_count, shown.pending_count) == (DEVICES, 0)
    events = [*admin.list_audit_events(action="EnrollDevice", reason="DONE")]
    assert sorted(event.device_id for event in events) == sorted(told)


def test_a_device_that_is_reset_keeps_its_id_and_its_first_time(
    server: Server, admin: AdminClient
) -> None:
    """Also after days, with another token, and under its other identifiers."""
    profile_id = admin.create_profile("Depot").profile_id
    admin.create_devices(profile_id, [DeviceRow(imei(1), imei(2), "S1", "Acme")])
    begun, ids = server.clock(), []
    with server.agent() as agent:
        for presented in ({"imeis": [imei(1)]}, {"imeis": [imei(2)]}, {"serial_number": "S1"}):
            token = admin.reveal_token(profile_id)
            told = agent.enroll_device(
                token=token,
                manufacturer="Acme",
                request_id=str(uuid4()),
                **presented,
            )
            ids.append(told.device_id)
            server.clock.turn(days=3)
            admin.refresh_token(profile_id)

    (device,) = admin.list_devices(profile_id)
    assert ids == [device.device_id] * 3
    assert device.register_time == begun
    assert admin.get_profile(profile_id).registered_count == 1
