"""What a device agent sends and gets."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from client.faults import Fault
from rollbook import Configuration, EnrolledUser, EnrollmentAgent, EnrollOutcome
from rollbook.v1 import enrollment_service_pb2

if TYPE_CHECKING:
    from collections.abc import Iterator

    from client.fake_server import FakeRollbook, Running


@pytest.fixture
def agent(running: Running) -> Iterator[EnrollmentAgent]:
    with EnrollmentAgent(running.address) as agent:
        yield agent


def test_no_api_key_is_sent(agent: EnrollmentAgent, fake: FakeRollbook) -> None:
    agent.enroll_device(imeis=["356938035643809"])
    assert "authorization" not in fake.metadata[0]


def test_a_registration_carries_everything(agent: EnrollmentAgent, fake: FakeRollbook) -> None:
    fake.enrollment = enrollment_service_pb2.EnrollDeviceResponse(
        outcome=enrollment_service_pb2.ENROLL_OUTCOME_REGISTERED,
        device_id="d1",
        profile_id="p1",
        attributes={"Site": "Depot"},
        user=enrollment_service_pb2.EnrolledUser(user_id="u1", display_name="Ada"),
        configuration={"vendor_keys": {"url": "https://mdm"}},
    )
    enrollment = agent.enroll_device(token="AAAA", serial_number="S1", manufacturer="Acme")
    assert enrollment.outcome is EnrollOutcome.REGISTERED
    assert (enrollment.device_id, enrollment.profile_id) == ("d1", "p1")
    assert enrollment.attributes == {"Site": "Depot"}
    assert enrollment.user == EnrolledUser(user_id="u1", display_name="Ada", email="")
    assert enrollment.configuration == Configuration(vendor_keys={"url": "https://mdm"})
    request = fake.requests[0]
    assert (request.token, request.serial_number, request.manufacturer) == ("AAAA", "S1", "Acme")


def test_without_a_registration_all_else_is_empty(
    agent: EnrollmentAgent, fake: FakeRollbook
) -> None:
    fake.enrollment = enrollment_service_pb2.EnrollDeviceResponse(
        outcome=enrollment_service_pb2.ENROLL_OUTCOME_SIGN_IN_REQUIRED, sign_in_available=True
    )
    enrollment = agent.enroll_device(token="wrong")
    assert enrollment.outcome == "SIGN_IN_REQUIRED"
    assert (enrollment.user, enrollment.configuration) == (None, None)
    assert enrollment.sign_in_available


def test_retries_are_one_enrollment(agent: EnrollmentAgent, fake: FakeRollbook) -> None:
    fake.unary_faults.extend([Fault()] * 2)
    agent.enroll_device(imeis=["356938035643809"])
    agent.enroll_device(imeis=["356938035643809"])
    agent.enroll_device(imeis=["356938035643809"], request_id="mine")
    ids = [request.request_id for request in fake.requests]
    assert ids[0] == ids[1] == ids[2] != ids[3]
    assert ids[4] == "mine"


def test_one_imei_is_not_a_sequence_of_imeis(agent: EnrollmentAgent) -> None:
    with pytest.raises(TypeError, match=r"write \[imei\]"):
        agent.enroll_device(imeis="356938035643809")
