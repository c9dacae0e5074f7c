"""Every failed call becomes the right error and loses nothing on the way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import grpc
import pytest

from client.faults import Fault
from ports import where_nobody_is
from rollbook import _failures, errors
from rollbook._channel import endpoint
from rollbook.v1 import error_reason_pb2

if TYPE_CHECKING:
    from client.drivers import Clients
    from client.fake_server import FakeRollbook, Running
    from rollbook import AdminClient

KINDS = {
    "CANCELLED": errors.UnavailableError,
    "UNKNOWN": errors.ServerError,
    "INVALID_ARGUMENT": errors.InvalidArgumentError,
    "DEADLINE_EXCEEDED": errors.DeadlineExceededError,
    "NOT_FOUND": errors.NotFoundError,
    "ALREADY_EXISTS": errors.AlreadyExistsError,
    "PERMISSION_DENIED": errors.PermissionDeniedError,
    "RESOURCE_EXHAUSTED": errors.ResourceExhaustedError,
    "FAILED_PRECONDITION": errors.FailedPreconditionError,
    "ABORTED": errors.AbortedError,
    "OUT_OF_RANGE": errors.OutOfRangeError,
    "UNIMPLEMENTED": errors.UnimplementedError,
    "INTERNAL": errors.ServerError,
    "UNAVAILABLE": errors.UnavailableError,
    "DATA_LOSS": errors.ServerError,
    "UNAUTHENTICATED": errors.UnauthenticatedError,
}


def failure(client: AdminClient, fake: FakeRollbook, fault: Fault) -> errors.RollbookError:
    """Give what a call raises that meets the fault however often it is retried."""
    fake.unary_faults.extend([fault] * 5)
    with pytest.raises(errors.RollbookError) as caught:
        client.get_profile("p1")
    return caught.value


def test_every_status_has_an_error() -> None:
    assert {code.name for code in _failures._BY_CODE} == set(KINDS)
    assert set(KINDS) == {code.name for code in grpc.StatusCode} - {"OK"}


@pytest.mark.parametrize("code", KINDS)
def test_a_status_with_details_is_told_as_the_server_told_it(
    client: AdminClient, fake: FakeRollbook, code: str
) -> None:
    fault = Fault(grpc.StatusCode[code], "SOME_REASON", "what was wrong", {"limit": "7"})
    error = failure(client, fake, fault)
    assert type(error) is KINDS[code]
    assert str(error) == error.message == "what was wrong"
    assert (error.reason, error.code, error.metadata) == ("SOME_REASON", code, {"limit": "7"})
    assert isinstance(error.__cause__, grpc.RpcError)


@pytest.mark.parametrize("code", KINDS)
def test_a_status_without_details_names_the_server(
    client: AdminClient, fake: FakeRollbook, running: Running, code: str
) -> None:
    error = failure(client, fake, Fault(grpc.StatusCode[code]))
    assert type(error) is KINDS[code]
    assert running.address in str(error)
    assert "gone" in str(error)
    assert (error.reason, error.metadata, error.fields) == ("", {}, {})


def test_bad_fields_are_named_once_each(client: AdminClient, fake: FakeRollbook) -> None:
    fields = [("name", "is empty"), ("user_id", "is unknown"), ("name", "is taken")]
    fault = Fault(grpc.StatusCode.INVALID_ARGUMENT, "FIELD_INVALID", fields=fields)
    error = failure(client, fake, fault)
    assert error.fields == {"name": "is empty; is taken", "user_id": "is unknown"}


def test_retry_info_is_in_seconds(client: AdminClient, fake: FakeRollbook) -> None:
    fault = Fault(grpc.StatusCode.RESOURCE_EXHAUSTED, "TOO_MANY_UPLOADS", retry_after=1.5)
    assert failure(client, fake, fault).retry_after_seconds == 1.5


def test_a_changed_source_is_one_error_whoever_notices(
    client: AdminClient, fake: FakeRollbook
) -> None:
    fault = Fault(grpc.StatusCode.FAILED_PRECONDITION, "UPLOAD_SOURCE_CHANGED")
    assert type(failure(client, fake, fault)) is errors.SourceChangedError


def test_reasons_with_an_error_of_their_own_are_in_the_contract() -> None:
    names = {
        name.removeprefix("ERROR_REASON_")
        for name in error_reason_pb2.ErrorReason.keys()  # noqa: SIM118 - no mapping
    }
    assert set(_failures._BY_REASON) <= names


def test_without_a_connection_the_error_says_what_to_do(clients: Clients) -> None:
    with (
        where_nobody_is() as address,
        clients.agent(address) as agent,
        pytest.raises(errors.UnavailableError, match="is `rollbook serve` running there") as caught,
    ):
        agent.enroll_device()
    assert f"{address} (plaintext)" in str(caught.value)


def test_tls_against_a_plaintext_server_says_how_it_called(
    running: Running, clients: Clients
) -> None:
    with (
        clients.agent(running.address, plaintext=False, timeout_seconds=0.5) as agent,
        pytest.raises(errors.RollbookError, match=r"\(TLS\)"),
    ):
        agent.enroll_device()


def test_mangled_details_do_not_hide_the_status() -> None:
    class Mangled(grpc.RpcError):
        def code(self) -> grpc.StatusCode:
            return grpc.StatusCode.NOT_FOUND

        def details(self) -> str:
            return "no such profile"

        def trailing_metadata(self) -> tuple[Any, ...]:
            status = Fault(grpc.StatusCode.ABORTED, "SOME_REASON").status()
            return (("grpc-status-details-bin", status.SerializeToString()),)

    error = _failures.from_rpc_error(Mangled(), endpoint("localhost:1"))
    assert type(error) is errors.NotFoundError
    assert "no such profile" in str(error)
