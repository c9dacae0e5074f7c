"""A server that starts while its database is away waits for it, and answers meanwhile."""

from __future__ import annotations

import re
import signal
import socket
import ssl
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING

import grpc
import pytest
from cryptography import x509

from health.conftest import EVERYTHING, SERVING, Probe
from postgres.refusing import RefusingServer
from rollbook import DeviceRow
from rollbook.v1 import (
    device_service_pb2,
    device_service_pb2_grpc,
    enrollment_service_pb2,
    enrollment_service_pb2_grpc,
    profile_service_pb2,
    profile_service_pb2_grpc,
)
from rollbook_server.storage.postgres.store import PostgresStore
from rollbook_server.storage.roll_store import StoreAwayError, StoreError
from running import ServerProcess
from tls.authority import HERE, Authority
from uploads.wire import imei, refusal, until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from postgres_server import PostgresServer
    from tls.authority import Issued

WAITS = re.compile(r"the database is away, and waited for: (.*); health at (\S+) says NOT_SERVING")
KEY = (("authorization", "Bearer rbk_of_nobody"),)
NOBODY = frozenset[str]()
both = pytest.mark.parametrize("workers", [1, 2])


class Starting:
    """A server on a database that is not there yet; `come` lets it be."""

    def __init__(self, tmp_path: Path, postgres: PostgresServer, name: str, *options: str) -> None:
        self._place, self._folder = tmp_path / "database", postgres.folder
        url = f"postgresql://rollbook:s3cret@/{name}?host={self._place}"
        self.server = ServerProcess(tmp_path / "data", "--database", url, *options)
        self._pool = ThreadPoolExecutor(1)
        self._launched = self._pool.submit(self.server.launch)

    def waits(self) -> str:
        """Wait until it waits, and give the address at which it answers."""
        until(lambda: bool(self._said()) or self._launched.done())
        assert not self._launched.done(), self.log
        return str(self._said()[0][1])

    def come(self) -> None:
        """Let the database come, and wait until it is served."""
        self._place.symlink_to(self._folder)
        assert self._launched.result(), self.log

    def end(self) -> bool:
        """End what is left of it; tells whether it has ever served."""
        self.server.kill()
        self._pool.shutdown()
        return self._launched.result()

    @property
    def log(self) -> str:
        return self.server.log.read_text() if self.server.log.exists() else ""

    def _said(self) -> list[tuple[str, str]]:
        return WAITS.findall(self.log)


@pytest.fixture
def start(tmp_path: Path, postgres: PostgresServer, name: str) -> Iterator[Callable[..., Starting]]:
    """Give a way to start a server before its database."""
    started: list[Starting] = []

    def start(*options: str) -> Starting:
        started.append(Starting(tmp_path, postgres, name, *options))
        return started[-1]

    yield start
    for each in started:
        each.end()


@contextmanager
def calling(address: str) -> Iterator[grpc.Channel]:
    """Give a channel that leaves what is answered as it is, and its connection to no other."""
    options = (("grpc.enable_retries", 0), ("grpc.use_local_subchannel_pool", 1))
    with grpc.insecure_channel(address, options=options) as channel:
        yield channel


def refused(call: Callable[[], object]) -> tuple[str, str, bool]:
    with pytest.raises(grpc.RpcError) as caught:
        call()
    said = refusal(caught.value)
    return said.code, said.reason, said.retries


def enroll(address: str) -> str:
    with calling(address) as channel:
        stub = enrollment_service_pb2_grpc.EnrollmentServiceStub(channel)
        request = enrollment_service_pb2.EnrollDeviceRequest(imeis=[imei(1)])
        return str(stub.EnrollDevice(request, wait_for_ready=True).device_id)


@both
def test_it_serves_at_the_same_address_once_the_database_is_there(
    start: Callable[..., Starting], workers: int
) -> None:
    starting = start("--workers", str(workers))
    address = starting.waits()
    starting.come()
    assert starting.server.address == address
    with starting.server.admin() as admin:
        profile = admin.create_profile("Depot", tokenless=True)
        admin.upload_rows(profile.profile_id, [DeviceRow(imei=imei(1))])
    assert enroll(address)
    assert starting.server.terminate() == 0
    assert "the database is there, after" in starting.log
    assert "s3cret" not in starting.log
    assert "Traceback" not in starting.log


@both
def test_health_says_meanwhile_that_nothing_is_served(
    start: Callable[..., Starting], workers: int
) -> None:
    starting = start("--workers", str(workers))
    probe = Probe(starting.waits())
    assert probe.healthy() == NOBODY
    watched = probe.watch()
    assert next(watched) != SERVING
    starting.come()
    with pytest.raises(grpc.RpcError):  # another takes its place
        list(watched)
    until(lambda: _healthy(starting) == EVERYTHING)
    probe.channel.close()


def _healthy(starting: Starting) -> frozenset[str]:
    probe = Probe(starting.server.address)
    try:
        return probe.healthy()
    finally:
        probe.channel.close()


def test_all_else_is_told_to_come_again(start: Callable[..., Starting]) -> None:
    again = ("UNAVAILABLE", "STORE_UNAVAILABLE", True)
    with calling(start().waits()) as channel:
        enrollment = enrollment_service_pb2_grpc.EnrollmentServiceStub(channel)
        profiles = profile_service_pb2_grpc.ProfileServiceStub(channel)
        devices = device_service_pb2_grpc.DeviceServiceStub(channel)
        device = enrollment_service_pb2.EnrollDeviceRequest(imeis=[imei(1)])
        assert refused(lambda: enrollment.EnrollDevice(device)) == again
        request = profile_service_pb2.ListProfilesRequest()
        assert refused(lambda: profiles.ListProfiles(request, metadata=KEY)) == again
        messages = iter([device_service_pb2.UploadDevicesRequest()])
        assert refused(lambda: devices.UploadDevices(messages, metadata=KEY)) == again
        export = device_service_pb2.ExportDevicesRequest()
        assert refused(lambda: list(devices.ExportDevices(export, metadata=KEY))) == again
        assert refused(lambda: profiles.ListProfiles(request))[1] == "API_KEY_MISSING"


@both
@pytest.mark.parametrize("told", [signal.SIGTERM, signal.SIGINT])
def test_it_stops_at_once_when_told_to(
    start: Callable[..., Starting], workers: int, told: signal.Signals
) -> None:
    starting = start("--workers", str(workers))
    starting.waits()
    starting.server.send(told)
    assert starting.server.wait() == 0
    assert not starting.end()
    assert "Stopping" in starting.log
    assert "Traceback" not in starting.log


def test_workers_end_with_the_server_that_is_killed(start: Callable[..., Starting]) -> None:
    starting = start("--workers", "2")
    address = starting.waits()
    starting.server.kill()
    until(lambda: not _is_taken(address))
    assert "Traceback" not in starting.log


def _is_taken(address: str) -> bool:
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host, int(port))).close()
    except OSError:
        return False
    return True


def test_a_standby_is_waited_for_until_it_takes_writes(
    tmp_path: Path, postgres: PostgresServer, name: str
) -> None:
    postgres.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    server = ServerProcess(tmp_path / "data", "--database", postgres.url(name))
    with ThreadPoolExecutor(1) as pool:
        launched = pool.submit(server.launch)
        until(lambda: server.log.exists() and "session is read-only" in server.log.read_text())
        postgres.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = off")
        assert launched.result()
    assert server.terminate() == 0


@both
def test_a_database_that_there_is_not_is_told_at_once(
    tmp_path: Path, postgres: PostgresServer, workers: int
) -> None:
    url = postgres.url("no_such_roll")
    server = ServerProcess(tmp_path / "data", "--database", url, "--workers", str(workers))
    assert not server.launch()
    assert server.wait() != 0
    assert r"database \"no_such_roll\" does not exist" in server.log.read_text()
    assert "waited for" not in server.log.read_text()
    assert "Traceback" not in server.log.read_text()


@pytest.fixture
def locked(postgres: PostgresServer) -> Iterator[str]:
    """Give a role that needs its password, unlike those of all other tests."""
    rules = postgres.folder / "data" / "pg_hba.conf"
    before = rules.read_text()
    postgres.execute("CREATE ROLE locked LOGIN PASSWORD 'right horse'")
    rules.write_text(f"local all locked scram-sha-256\n{before}")
    postgres.execute("SELECT pg_reload_conf()")
    yield "locked"
    rules.write_text(before)
    postgres.execute("SELECT pg_reload_conf()")
    postgres.execute("DROP ROLE locked")


def test_a_wrong_password_is_told_at_once(
    tmp_path: Path, postgres: PostgresServer, name: str, locked: str
) -> None:
    url = postgres.url(name).replace("rollbook@", f"{locked}:s3cret@")
    server = ServerProcess(tmp_path / "data", "--database", url)
    assert not server.launch()
    assert server.wait() != 0
    log = server.log.read_text()
    assert r"password authentication failed for user \"locked\"" in log
    assert "waited for" not in log
    assert "s3cret" not in log


# What a PostgreSQL says to whom it lets in not yet, and to whom never.
PASSING = {
    "starting": ("57P03", "the database system is starting up"),
    "starting, in German": ("57P03", "das Datenbanksystem startet"),
    "full": ("53300", "sorry, too many clients already"),
    "behind PgBouncer": ("08P01", "server login has been failing, cached error: connect failed"),
}
LASTING = {
    "password": ("28P01", 'password authentication failed for user "rollbook"'),
    "password, in German": ("28P01", "Passwort-Authentifizierung für Benutzer »rollbook«"),
    "database": ("3D000", 'database "roll" does not exist'),
    "rules": ("28000", 'no pg_hba.conf entry for host "127.0.0.1"'),
}


@pytest.mark.parametrize("case", PASSING)
def test_what_may_pass_is_waited_for(case: str) -> None:
    with RefusingServer(*PASSING[case]) as refusing, pytest.raises(StoreAwayError) as raised:
        PostgresStore(refusing.url)
    assert PASSING[case][1] in raised.value.cause
    assert "s3cret" not in raised.value.cause + str(raised.value)


@pytest.mark.parametrize("case", LASTING)
def test_what_lasts_is_not_waited_for(case: str) -> None:
    with RefusingServer(*LASTING[case]) as refusing, pytest.raises(StoreError) as raised:
        PostgresStore(refusing.url)
    assert not isinstance(raised.value, StoreAwayError)


def test_of_several_hosts_each_has_to_be_away(tmp_path: Path) -> None:
    away = f"postgresql://a@/roll?host={tmp_path},{tmp_path}"
    with pytest.raises(StoreAwayError):
        PostgresStore(away)
    with RefusingServer(*LASTING["password"]) as refusing, pytest.raises(StoreError) as raised:
        PostgresStore(refusing.url.replace("@", "@127.0.0.1:1,"))
    assert not isinstance(raised.value, StoreAwayError)


def test_a_name_that_nobody_knows_yet_is_waited_for() -> None:
    with pytest.raises(StoreAwayError):
        PostgresStore("postgresql://rollbook@database.invalid/roll")


def test_tls_that_is_wanted_and_not_spoken_is_not_waited_for() -> None:
    with RefusingServer(*PASSING["starting"]) as refusing, pytest.raises(StoreError) as raised:
        PostgresStore(f"{refusing.url}&sslmode=require")
    assert not isinstance(raised.value, StoreAwayError)


def test_systemd_is_told_what_is_waited_for(
    start: Callable[..., Starting], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        starting = start()
        first = manager.recv(999).decode()
        assert first.startswith("EXTEND_TIMEOUT_USEC=60000000\nSTATUS=Waits for the database: ")
        assert "No such file or directory" in first
        starting.come()
        until(lambda: manager.recv(999).startswith(b"READY=1\nSTATUS=Listens on "))


def test_it_shows_the_newest_certificate_meanwhile_and_afterwards(
    start: Callable[..., Starting], tmp_path: Path
) -> None:
    authority = Authority()
    first, second = authority.issue(*HERE), authority.issue(*HERE)
    paths = first.write(tmp_path, "server")
    starting = start("--tls-cert", str(paths["tls_cert"]), "--tls-key", str(paths["tls_key"]))
    address = starting.waits()
    assert shown(address) == serial(first)
    second.write(tmp_path, "server")
    assert shown(address) == serial(second)
    starting.come()
    assert shown(address) == serial(second)


def shown(address: str) -> int:
    """Give the serial number of the certificate that a new connection is shown."""
    host, _, port = address.rpartition(":")
    pem = ssl.get_server_certificate((host, int(port)))
    return x509.load_pem_x509_certificate(pem.encode()).serial_number


def serial(issued: Issued) -> int:
    return x509.load_pem_x509_certificate(issued.certificate).serial_number
