"""Unary calls: what is sent, what is retried, what a list fetches."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import grpc
import pytest

from client.faults import Fault
from rollbook import (
    Configuration,
    DeadlineExceededError,
    NotFoundError,
    ProfileOrder,
    QrCodeFormat,
    TokenState,
    UnavailableError,
)
from rollbook.v1 import (
    profile_pb2,
    profile_service_pb2,
    token_service_pb2,
)

if TYPE_CHECKING:
    from client.conftest import FakeTime
    from client.drivers import Clients
    from client.fake_server import FakeRollbook, Running
    from rollbook import AdminClient


RETRIED = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED)


def test_the_api_key_goes_with_every_call(client: AdminClient, fake: FakeRollbook) -> None:
    client.get_profile("p1")
    client.upload_devices("p1", lambda: io.BytesIO(b"imei\n"))
    assert [each["authorization"] for each in fake.metadata] == ["Bearer key-1"] * 2


@pytest.mark.parametrize("code", RETRIED)
@pytest.mark.parametrize("failures", [1, 4])
def test_what_a_server_that_stops_does_is_retried_four_times(
    client: AdminClient, fake: FakeRollbook, failures: int, code: grpc.StatusCode
) -> None:
    fake.unary_faults.extend([Fault(code)] * failures)
    assert client.get_profile("p1").profile_id == "p1"
    assert len(fake.requests) == failures + 1


def test_after_five_attempts_the_failure_is_raised(client: AdminClient, fake: FakeRollbook) -> None:
    fake.unary_faults.extend([Fault()] * 9)
    with pytest.raises(UnavailableError):
        client.get_profile("p1")
    assert len(fake.requests) == 5


@pytest.mark.parametrize(
    "code", [code for code in grpc.StatusCode if code not in (*RETRIED, grpc.StatusCode.OK)]
)
def test_nothing_else_is_retried(
    client: AdminClient, fake: FakeRollbook, code: grpc.StatusCode
) -> None:
    fake.unary_faults.append(Fault(code))
    with pytest.raises(Exception, match="gone"):
        client.get_profile("p1")
    assert len(fake.requests) == 1


def test_a_retried_mutation_keeps_its_request_id(client: AdminClient, fake: FakeRollbook) -> None:
    fake.unary_faults.extend([Fault()] * 2)
    client.create_profile("Depot")
    client.create_profile("Depot")
    first, second, third, another = (request.request_id for request in fake.requests)
    assert first == second == third != another


def test_retry_info_is_waited_for(
    client: AdminClient, fake: FakeRollbook, fake_time: FakeTime
) -> None:
    fake.unary_faults.extend([Fault(reason="STORE_UNAVAILABLE", retry_after=4.0)] * 5)
    assert client.get_profile("p1").profile_id == "p1"
    assert len(fake_time.sleeps) == 1
    assert 4.0 <= fake_time.sleeps[0] <= 5.0


def test_retry_info_beyond_the_deadline_is_left_to_the_caller(
    client: AdminClient, fake: FakeRollbook, fake_time: FakeTime
) -> None:
    fake.unary_faults.extend([Fault(reason="STORE_UNAVAILABLE", retry_after=31.0)] * 5)
    with pytest.raises(UnavailableError) as caught:
        client.get_profile("p1")
    assert (caught.value.retry_after_seconds, fake_time.sleeps) == (31.0, [])


def test_what_the_server_said_is_told_where_no_time_is_left_for_another_answer(
    client: AdminClient, fake: FakeRollbook, fake_time: FakeTime
) -> None:
    fake.unary_faults.extend([Fault(reason="STORE_UNAVAILABLE", retry_after=5.0)] * 5)
    fake.unary_faults.append(Fault(code=grpc.StatusCode.DEADLINE_EXCEEDED))
    with pytest.raises(UnavailableError) as caught:
        client.get_profile("p1")
    assert (caught.value.reason, len(fake_time.sleeps)) == ("STORE_UNAVAILABLE", 1)


def test_the_deadline_bounds_all_attempts(
    running: Running, fake: FakeRollbook, clients: Clients
) -> None:
    fake.unary_faults.extend([Fault()] * 9)
    with (
        clients.admin(running.address, api_key="key", timeout_seconds=0.02) as client,
        pytest.raises(Exception, match=running.address),
    ):
        client.get_profile("p1")
    assert len(fake.requests) < 5


def test_a_list_fetches_page_after_page(client: AdminClient, fake: FakeRollbook) -> None:
    fake.profiles = [profile_pb2.Profile(profile_id=str(number)) for number in range(5)]
    profiles = client.list_profiles(name_contains="x", order=ProfileOrder.NEWEST)
    assert next(profiles).profile_id == "0"
    assert len(fake.requests) == 1
    assert [profile.profile_id for profile in profiles] == ["1", "2", "3", "4"]
    assert [request.page_token for request in fake.requests] == ["", "2", "4"]
    assert {request.order for request in fake.requests} == {
        profile_service_pb2.PROFILE_ORDER_NEWEST
    }


def test_an_empty_list_is_one_call(client: AdminClient, fake: FakeRollbook) -> None:
    assert list(client.list_profiles()) == []
    assert len(fake.requests) == 1


def test_a_profile_takes_its_configuration(client: AdminClient) -> None:
    configuration = Configuration(system_extras={"wifi_ssid": "Depot"})
    profile = client.create_profile("Depot", configuration=configuration)
    assert (profile.name, profile.configuration) == ("Depot", configuration)


def test_tokens_and_qr_codes(client: AdminClient, fake: FakeRollbook) -> None:
    assert client.get_token("p1").state is TokenState.ACTIVE
    assert client.reveal_token("p1") == "AAAA-BBBB"
    code = client.generate_qr_code("p1", format=QrCodeFormat.SVG, scale=3)
    assert (code.image, code.payload, code.warnings) == (b"\x89PNG", "{}", ("dark",))
    assert fake.requests[-1] == token_service_pb2.GenerateQrCodeRequest(
        profile_id="p1", format=token_service_pb2.QR_CODE_FORMAT_SVG, scale=3
    )
    assert "PNG" not in repr(code)


def test_a_word_that_is_none_is_refused_with_the_right_ones(client: AdminClient) -> None:
    with pytest.raises(ValueError, match=r"'GIF' is not one of .*PNG, SVG"):
        client.generate_qr_code("p1", format="GIF")  # type: ignore[arg-type]  # refused


def test_the_template_is_bytes(client: AdminClient) -> None:
    assert client.get_upload_template() == b"imei\r\n"


def test_an_unknown_upload_is_not_found(client: AdminClient) -> None:
    with pytest.raises(NotFoundError) as caught:
        client.get_upload("u1")
    assert caught.value.reason == "UPLOAD_NOT_FOUND"


def test_patience_waits_longer_each_time_also_for_who_is_slow(
    client: AdminClient, fake: FakeRollbook, fake_time: FakeTime
) -> None:
    client._caller._patience_seconds = 60
    fake.unary_faults.extend([Fault(grpc.StatusCode.DEADLINE_EXCEEDED)] * 4)
    assert client.get_profile("p1").profile_id == "p1"
    assert fake_time.sleeps == pytest.approx([0.2, 0.4, 0.8, 1.6])


def test_patience_calls_again_where_the_outcome_is_unknown(
    client: AdminClient, fake: FakeRollbook
) -> None:
    client._caller._patience_seconds = 60
    fake.unary_faults.append(Fault(grpc.StatusCode.ABORTED, "OUTCOME_UNKNOWN"))
    assert client.get_profile("p1").profile_id == "p1"


def test_patience_ends(client: AdminClient, fake: FakeRollbook, fake_time: FakeTime) -> None:
    client._caller._patience_seconds = 1
    fake.unary_faults.extend([Fault(grpc.StatusCode.DEADLINE_EXCEEDED)] * 9)
    with pytest.raises(DeadlineExceededError):
        client.get_profile("p1")
    assert 1 <= len(fake_time.sleeps) <= 4
