"""What a device agent sends and gets."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from client.faults import Fault
from rollbook import Configuration, EnrolledUser, EnrollOutcome
from rollbook.v1 import enrollment_service_pb2

if TYPE_CHECKING:
    from collections.abc import Iterator

    from client.conftest import FakeTime
    from client.drivers import Clients
    from client.fake_server import FakeRollbook, Running
    from rollbook import EnrollmentAgent


@pytest.fixture
def agent(running: Running, fake_time: FakeTime, clients: Clients) -> Iterator[EnrollmentAgent]:
    with clients.agent(running.address) as agent:
        fake_time.rule(agent)
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


def test_a_sign_in_carries_everything_and_returns_an_enrollment(
    agent: EnrollmentAgent, fake: FakeRollbook
) -> None:
    fake.sign_in = enrollment_service_pb2.SignInDeviceResponse(
        outcome=enrollment_service_pb2.ENROLL_OUTCOME_REGISTERED,
        device_id="d1",
        user=enrollment_service_pb2.EnrolledUser(user_id="u1", display_name="Ada"),
    )
    fake.unary_faults.append(Fault())
    given = agent.sign_in_device(user_name="ada", password="secret words", serial_number="S1")
    assert (given.outcome, given.device_id) == (EnrollOutcome.REGISTERED, "d1")
    assert given.user == EnrolledUser(user_id="u1", display_name="Ada", email="")
    assert not given.sign_in_available
    first, second = fake.requests
    assert first == second
    assert (first.user_name, first.password, first.serial_number) == ("ada", "secret words", "S1")
    assert first.request_id


def test_a_busy_server_is_waited_for(
    agent: EnrollmentAgent, fake: FakeRollbook, fake_time: FakeTime
) -> None:
    fake.unary_faults.extend([Fault(reason="TOO_MANY_SIGN_INS", retry_after=1.0)] * 5)
    agent.sign_in_device(user_name="ada", password="secret words")
    assert len(fake_time.sleeps) == 1
    assert 1.0 <= fake_time.sleeps[0] <= 1.25


@pytest.mark.parametrize(
    ("password", "error"), [("secret\ud800", ValueError), (b"secret", TypeError), (None, TypeError)]
)
def test_a_password_that_cannot_be_sent_is_not_repeated(
    agent: EnrollmentAgent, password: str, error: type[Exception]
) -> None:
    with pytest.raises(error) as caught:
        agent.sign_in_device(user_name="ada", password=password)
    assert "secret" not in f"{caught.value!r} {caught.value.args} {vars(caught.value)}"
    assert caught.value.__cause__ is None
