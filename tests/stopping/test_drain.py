"""SIGTERM under load: nothing that was answered is lost, uploads go on, and it ends in time."""

from __future__ import annotations

import shutil
import socket
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from databases import DATABASES, POSTGRESQL
from faults.proxy import Proxy
from rollbook import AdminClient, DeviceRow, EnrollmentAgent, EnrollOutcome, RollbookError
from rollbook_server.ending import FAILED
from running import ServerProcess
from stopping.load import FILE_ROWS, ROWS, Devices, Uploads
from uploads.wire import Wire, csv, imei, opening, refusal, until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DEVICES, FIRST = 8_000, 500_000
SEVERAL = 4_000  # more than the first batch holds, which is committed while others come
AN_HOUR = ("--drain-seconds", "3600")


@pytest.fixture
def patient(tmp_path: Path) -> Iterator[ServerProcess]:
    """Give a server process that would wait for an hour, had it anything to wait for."""
    process = ServerProcess(tmp_path / "data", *AN_HOUR).start()
    yield process
    process.kill()


def with_roll(process: ServerProcess) -> str:
    """Put devices on the roll that can switch on; gives the profile."""
    with process.admin() as admin:
        profile = admin.create_profile("Depot", tokenless=True).profile_id
        rows = [DeviceRow(imei(FIRST + number)) for number in range(DEVICES)]
        admin.upload_rows(profile, rows)
    return profile


def check_whole(server: ServerProcess, profile: str, uploads: Uploads, devices: Devices) -> None:
    """Find every acknowledged enrollment, and every row of every upload once."""
    uploads.go_on()
    assert [each.created_count for each in uploads.results()] == [ROWS] * 3 + [FILE_ROWS]
    with server.admin() as admin, EnrollmentAgent(server.address) as agent:
        found = admin.get_profile(profile)
        assert found.device_count == DEVICES + 3 * ROWS + FILE_ROWS
        unanswered = found.registered_count - len(devices.told)
        assert 0 <= unanswered <= Devices.THREADS
        for device, device_id in list(devices.told.items())[-100:]:
            again = agent.enroll_device(imeis=[device])
            assert (again.outcome, again.device_id) == (EnrollOutcome.REGISTERED, device_id)
        assert admin.verify_audit_log().first_break is None


@pytest.mark.both_engines
def test_sigterm_under_load_loses_nothing_and_uploads_go_on_at_the_restarted_server(
    process: ServerProcess, tmp_path: Path
) -> None:
    profile = with_roll(process)
    with (
        Uploads(process.address, process.api_key, profile, tmp_path) as uploads,
        Devices(process.address, FIRST) as devices,
    ):
        until(lambda: len(devices.told) > 200)
        assert process.terminate() == 0
        devices.wait()
        assert "Traceback" not in process.log.read_text()
        process.start()
        check_whole(process, profile, uploads, devices)


@pytest.mark.parametrize("engine", [POSTGRESQL], indirect=True)
def test_an_upload_goes_on_at_another_server_of_the_same_database(
    process: ServerProcess, tmp_path: Path
) -> None:
    profile = with_roll(process)
    with (
        another(process, tmp_path / "other") as other,
        Proxy(process.address, None) as balancer,
        Uploads(balancer.address, process.api_key, profile, tmp_path) as uploads,
        Devices(balancer.address, FIRST) as devices,
    ):
        until(lambda: len(devices.told) > 200)
        host, _, port = other.address.rpartition(":")
        balancer._server = (host, int(port))  # where new connections go from now on
        assert process.terminate() == 0
        before = len(devices.told)
        until(lambda: len(devices.told) > before + 20)
        devices.stop()
        check_whole(other, profile, uploads, devices)


class another(ServerProcess):  # noqa: N801 - reads as what it gives
    """Another server on the database of the first, with the same keys."""

    def __init__(self, first: ServerProcess, folder: Path) -> None:
        folder.mkdir()
        shutil.copytree(first.data_dir, folder / "data")
        url = DATABASES.url(first.data_dir)
        super().__init__(folder / "data", "--database", url)

    def __enter__(self) -> ServerProcess:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.kill()


def test_a_silent_upload_and_a_watcher_hold_nothing_up(patient: ServerProcess) -> None:
    with patient.admin() as admin, wire_to(patient) as wire:
        profile = admin.create_profile("Depot").profile_id
        lines = "".join(f"{imei(number)}\n" for number in range(SEVERAL))
        stream = wire.stream().send(opening(profile), csv(f"IMEI\n{lines}35"))
        until(lambda: has_rows(wire))
        with grpc.insecure_channel(patient.address) as channel:
            watch = health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest())
            assert next(watch).status == health_pb2.HealthCheckResponse.SERVING
            assert patient.terminate() == 0
            assert next(watch).status == health_pb2.HealthCheckResponse.NOT_SERVING
        told = stream.refused()
        assert (told.code, told.reason, told.retries) == ("UNAVAILABLE", "SERVER_STOPPING", True)
    patient.start()
    with wire_to(patient) as wire:
        assert wire.upload().committed_rows == SEVERAL


def wire_to(server: Any) -> Wire:
    """Give the wire to a process, which has of a server all that it needs."""
    return Wire(server)


def has_rows(wire: Wire) -> bool:
    """Tell whether the server commits rows: then it has taken the message that they came in."""
    return has_upload(wire) and wire.upload().committed_rows > 0


def has_upload(wire: Wire) -> bool:
    with suppress(grpc.RpcError):
        return wire.upload().upload_id == "u"
    return False


def test_a_call_under_way_is_answered(tmp_path: Path) -> None:
    mark = tmp_path / "begun"
    server = ServerProcess(tmp_path / "data", *AN_HOUR, module=("stopping.slow", str(mark)))
    server.start()
    with server.admin() as admin, ThreadPoolExecutor(2) as pool:
        answer = pool.submit(lambda: list(admin.list_profiles()))
        until(mark.exists)
        ended = pool.submit(server.terminate)
        until(lambda: not takes_calls(server))
        mark.unlink()  # for which the call waits
        assert answer.result() == []
        assert ended.result() == 0


def takes_calls(server: ServerProcess) -> bool:
    host, _, port = server.address.rpartition(":")
    try:
        socket.create_connection((host, int(port))).close()
    except ConnectionError:
        return False
    return True


def test_a_call_that_does_not_end_is_cut_within_the_limit(tmp_path: Path) -> None:
    mark = tmp_path / "begun"
    options = ("--drain-seconds", "1")
    server = ServerProcess(tmp_path / "data", *options, module=("stopping.slow", str(mark)))
    server.start()
    with server.admin() as admin, ThreadPoolExecutor(1) as pool:
        answer = pool.submit(lambda: list(admin.list_profiles()))
        until(mark.exists)
        assert server.terminate() == FAILED
        with pytest.raises(RollbookError):
            answer.result()
    log = server.log.read_text()
    assert "not done with stopping after 1 seconds (--drain-seconds)" in log
    assert "Traceback" not in log


def test_what_was_turned_away_says_that_the_server_stops(patient: ServerProcess) -> None:
    with patient.admin() as admin, wire_to(patient) as wire:
        profile = admin.create_profile("Depot").profile_id
        stream = wire.stream().send(opening(profile))
        until(lambda: has_upload(wire))
        assert patient.terminate() == 0
        with pytest.raises(grpc.RpcError) as caught:
            stream.end()
        assert refusal(caught.value).reason == "SERVER_STOPPING"
    with (
        AdminClient(patient.address, api_key="x" * 40, timeout_seconds=1) as late,
        pytest.raises(RollbookError, match="is `rollbook serve` running there"),
    ):
        list(late.list_profiles())
