"""What Prometheus is told: calls, outcomes, and how things stand."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import grpc
import pytest

from observing.conftest import ANYWHERE, asked
from rollbook import (
    AdminClient,
    AlreadyExistsError,
    NotFoundError,
    OnConflict,
    OnInvalidRow,
    RollbookError,
    UnauthenticatedError,
)
from rollbook.v1 import (
    device_service_pb2,
    device_service_pb2_grpc,
    enrollment_service_pb2,
    enrollment_service_pb2_grpc,
)
from rollbook_server.domain.errors import Reason
from rollbook_server.domain.errors import RollbookError as DomainError
from rollbook_server.pulse import Feeling

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from observing.conftest import Told
    from rollbook import EnrollmentAgent, Profile
    from running import Server

    Ask = Callable[[Server], Told]

IMEI, OTHER = "490154203237518", "356938035643809"
PROFILES = {"grpc_service": "rollbook.v1.ProfileService"}


@pytest.fixture
def profile(admin: AdminClient) -> Profile:
    return admin.create_profile("Depot")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Give a file with two good rows and a bad one."""
    path = tmp_path / "devices.csv"
    path.write_text(f"IMEI\n{IMEI}\n{OTHER}\n1234\n")
    return path


def test_calls_are_counted_under_the_names_of_the_go_middleware(
    server: Server, admin: AdminClient, profile: Profile, ask: Ask
) -> None:
    admin.get_profile(profile.profile_id)
    with pytest.raises(AlreadyExistsError):
        admin.create_profile("Depot")
    told = ask(server)
    created = {**PROFILES, "grpc_method": "CreateProfile", "grpc_type": "unary"}
    assert told.sum("grpc_server_started_total", **created) == 2
    assert told.sum("grpc_server_handled_total", **created, grpc_code="OK") == 1
    assert told.sum("grpc_server_handled_total", **created, grpc_code="AlreadyExists") == 1
    assert told.sum("grpc_server_handling_seconds_count", **created) == 2
    assert told.sum("grpc_server_handling_seconds_sum", **created) > 0
    assert told.sum("grpc_server_msg_received_total", **created) == 2
    assert told.sum("grpc_server_msg_sent_total", **created) == 1
    assert told.sum("rollbook_errors_total", reason="PROFILE_NAME_TAKEN") == 1


def test_messages_of_streams_are_counted(
    server: Server, admin: AdminClient, profile: Profile, file: Path, ask: Ask
) -> None:
    admin.upload_devices(profile.profile_id, file)
    assert b"".join(admin.export_devices(profile.profile_id))
    told = ask(server)
    uploaded = {"grpc_method": "UploadDevices", "grpc_type": "client_stream"}
    assert told.sum("grpc_server_msg_received_total", **uploaded) == 3  # open, csv, finish
    assert told.sum("grpc_server_msg_sent_total", **uploaded) == 1
    exported = {"grpc_method": "ExportDevices", "grpc_type": "server_stream"}
    assert told.sum("grpc_server_handled_total", **exported, grpc_code="OK") == 1
    assert told.sum("grpc_server_msg_sent_total", **exported) >= 1


def test_a_method_that_nobody_called_is_there_with_a_zero(server: Server, ask: Ask) -> None:
    told = ask(server)
    assert 'grpc_server_started_total{grpc_method="RotateSealingKey"' in told.text
    assert told.sum("grpc_server_started_total") == 0


def test_calls_that_are_not_let_in_are_counted(server: Server, ask: Ask) -> None:
    stranger = AdminClient(server.address, api_key="rbk_no")
    with stranger, pytest.raises(UnauthenticatedError):
        stranger.get_profile("prf-1")
    told = ask(server)
    assert told.sum("grpc_server_handled_total", grpc_code="Unauthenticated") == 1
    assert told.sum("rollbook_errors_total", reason="API_KEY_INVALID") == 1


def test_calls_that_are_turned_away_are_counted(serve: Callable[..., Server], ask: Ask) -> None:
    server = serve(metrics=ANYWHERE, waiting_calls=0)
    request = enrollment_service_pb2.EnrollDeviceRequest(imeis=[IMEI])
    with grpc.insecure_channel(server.address) as channel, pytest.raises(grpc.RpcError):
        enrollment_service_pb2_grpc.EnrollmentServiceStub(channel).EnrollDevice(request)
    told = ask(server)
    assert told.sum("rollbook_errors_total", reason="SERVER_BUSY") == 1
    assert told.sum("rollbook_calls_waiting_limit", line="calls") == 0


def test_a_method_that_a_stranger_made_up_is_no_label(server: Server, ask: Ask) -> None:
    with grpc.insecure_channel(server.address) as channel:
        made_up: Any = channel.unary_unary("/rollbook.v1.Made/Up")
        with pytest.raises(grpc.RpcError):
            made_up(b"")
    assert "Made" not in ask(server).text


def test_outcomes_are_counted_with_the_reason_that_devices_are_not_told(
    server: Server,
    admin: AdminClient,
    agent: EnrollmentAgent,
    profile: Profile,
    file: Path,
    ask: Ask,
) -> None:
    admin.upload_devices(profile.profile_id, file)
    token = admin.reveal_token(profile.profile_id)
    agent.enroll_device(token=token, imeis=[IMEI])
    agent.enroll_device(token="no such token", imeis=[IMEI])
    admin.revoke_token(profile.profile_id)
    agent.enroll_device(token=token, imeis=[OTHER])
    agent.enroll_device(imeis=[OTHER])
    agent.sign_in_device(user_name="nobody", password="battery staple", imeis=[OTHER])
    told = ask(server)

    def count(method: str, outcome: str, reason: str) -> float:
        labels = {"method": method, "outcome": outcome, "reason": reason}
        return told.sum("rollbook_enrollments_total", **labels)

    assert count("EnrollDevice", "REGISTERED", "IMEI") == 1
    assert count("EnrollDevice", "SIGN_IN_REQUIRED", "TOKEN_UNKNOWN") == 1
    assert count("EnrollDevice", "SIGN_IN_REQUIRED", "TOKEN_REVOKED") == 1
    assert count("EnrollDevice", "NOT_REGISTERED", "OTHER_PROFILE") == 1
    assert count("SignInDevice", "NOT_REGISTERED", "USER_UNKNOWN") == 1
    assert told.sum("rollbook_enrollments_total") == 5


ROWS = {"created": 2.0, "updated": 0.0, "unchanged": 0.0, "rejected": 1.0}
NONE = dict.fromkeys(ROWS, 0.0)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, ROWS),
        ({"validate_only": True}, NONE),
        ({"on_invalid_row": OnInvalidRow.FAIL}, {**NONE, "rejected": 1.0}),
    ],
)
def test_rows_are_counted_once_they_are_on_the_roll(
    server: Server,
    admin: AdminClient,
    profile: Profile,
    file: Path,
    ask: Ask,
    options: dict[str, Any],
    expected: dict[str, float],
) -> None:
    with suppress(RollbookError):  # what fails, fails for its invalid row
        admin.upload_devices(profile.profile_id, file, **options)
    told = ask(server)
    found = {each: told.sum("rollbook_upload_rows_total", outcome=each) for each in ROWS}
    assert found == expected


def test_rows_that_change_devices_are_counted_at_the_end(
    server: Server, admin: AdminClient, profile: Profile, tmp_path: Path, ask: Ask
) -> None:
    path = tmp_path / "devices.csv"
    for depot in ("North", "North", "South"):
        path.write_text(f"IMEI,depot\n{IMEI},{depot}\n")
        admin.upload_devices(profile.profile_id, path, on_conflict=OnConflict.UPDATE)
    told = ask(server)
    found = {each: told.sum("rollbook_upload_rows_total", outcome=each) for each in ROWS}
    assert found == {"created": 1, "unchanged": 1, "updated": 1, "rejected": 0}


def test_commits_are_timed(server: Server, admin: AdminClient, ask: Ask) -> None:
    before = ask(server)
    admin.create_profile("Another")
    after = ask(server)
    for name in ("rollbook_commit_seconds_count", "rollbook_commit_pieces_total"):
        assert after.sum(name, kind="small") > before.sum(name, kind="small")
    assert after.sum("rollbook_commit_seconds_sum", kind="small") > 0


def test_streams_hold_places_while_they_are_open(
    server: Server, profile: Profile, ask: Ask
) -> None:
    def messages() -> Iterator[device_service_pb2.UploadDevicesRequest]:
        opening = device_service_pb2.UploadOpen(upload_id="u-1", profile_id=profile.profile_id)
        yield device_service_pb2.UploadDevicesRequest(open=opening)
        told.append(asked_once_open(server, ask))

    told: list[Told] = []
    metadata = (("authorization", f"Bearer {server.api_key}"),)
    with grpc.insecure_channel(server.address) as channel:
        stub = device_service_pb2_grpc.DeviceServiceStub(channel)
        stub.UploadDevices(messages(), metadata=metadata)
    assert told[0].sum("rollbook_streams_open", kind="uploads") == 1
    after = ask(server)
    assert after.sum("rollbook_streams_open", kind="uploads") == 0
    assert after.sum("rollbook_streams_open_limit", kind="uploads") == 8
    while ask(server).sum("rollbook_writer_queue"):  # the server has work of its own, too
        pass


def asked_once_open(server: Server, ask: Ask) -> Told:
    """Ask when the server has read the first message: it is in another thread than ours."""
    while not (told := ask(server)).sum("rollbook_streams_open", kind="uploads"):
        pass
    return told


@pytest.mark.both_engines
def test_the_roll_is_told_as_it_stands(
    server: Server, admin: AdminClient, agent: EnrollmentAgent, profile: Profile, file: Path
) -> None:
    admin.upload_devices(profile.profile_id, file)
    agent.enroll_device(token=admin.reveal_token(profile.profile_id), imeis=[IMEI])
    admin.create_profile("Tokenless", tokenless=True)
    revoked = admin.create_profile("Revoked")
    admin.revoke_token(revoked.profile_id)
    told = asked(server.app.observation.address)
    assert told.sum("rollbook_roll_readable") == 1
    assert told.sum("rollbook_roll_profiles") == 3
    assert told.sum("rollbook_roll_devices", state="PENDING") == 1
    assert told.sum("rollbook_roll_devices", state="REGISTERED") == 1
    assert told.sum("rollbook_roll_tokens", state="ACTIVE") == 1
    assert told.sum("rollbook_roll_tokens", state="REVOKED") == 1
    assert told.sum("rollbook_roll_tokens_expiring", within="1d") == 0
    assert told.sum("rollbook_roll_tokens_expiring", within="30d") == 1
    expiry = server.clock.now + timedelta(days=7)
    assert told.sum("rollbook_roll_token_next_expiry_timestamp_seconds") == expiry.timestamp()


def test_metrics_are_told_while_the_database_does_not_answer(
    server: Server, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: object) -> None:
        raise DomainError(Reason.STORE_UNAVAILABLE, "gone")

    monkeypatch.setattr(server.app._store, "read", fail)
    told = ask(server)
    assert told.sum("rollbook_roll_readable") == 0
    assert "rollbook_roll_profiles" not in told.names()
    assert "rollbook_serving" in told.names()


def test_serving_is_told_as_health_tells_it(server: Server, ask: Ask) -> None:
    assert ask(server).sum("rollbook_serving") == 1
    server.app.health.tell(Feeling.ILL)
    assert ask(server).sum("rollbook_serving") == 0


def test_without_being_asked_a_server_counts_nothing(
    serve: Callable[..., Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("running.UNASKED", "")
    server = serve()
    assert server.app.observation.metrics is None
    assert not server.app.observation.address
    with server.admin() as admin, pytest.raises(NotFoundError):
        admin.get_profile("prf-1")
