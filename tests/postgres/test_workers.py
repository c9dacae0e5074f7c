"""`serve --workers N`: processes that serve one address, and what becomes of those that end."""

from __future__ import annotations

import os
import signal
import socket
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING

import grpc
import psycopg
import pytest
from click.testing import CliRunner
from grpc_health.v1 import health_pb2, health_pb2_grpc

from databases import DATABASES, POSTGRESQL
from rollbook import DeviceRow
from rollbook.v1 import enrollment_service_pb2, enrollment_service_pb2_grpc
from rollbook_server.command import serve as serve_command
from running import ServerProcess
from stopping.reader import Reader
from uploads.wire import imei, until

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [
    pytest.mark.parametrize("engine", [POSTGRESQL], indirect=True),
    pytest.mark.usefixtures("engine"),
]

WORKERS, FEW = 3, 3
DRAIN_SECONDS = 10  # by far more than the ending itself takes
REGISTERED = enrollment_service_pb2.ENROLL_OUTCOME_REGISTERED


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ServerProcess]:
    data_dir = tmp_path / "data"
    options = ("--workers", str(WORKERS), "--database", DATABASES.url(data_dir))
    server = ServerProcess(data_dir, *options).start()
    yield server
    server.terminate()


def workers(server: ServerProcess) -> set[int]:
    """Give the processes that serve: those of the server's children that listen."""
    children = Path(f"/proc/{server.pid}/task/{server.pid}/children").read_text().split()
    return {int(child) for child in children if _serves(int(child))}


def _serves(pid: int) -> bool:
    with suppress(OSError):  # it ended meanwhile
        return b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()
    return False


def sockets(pid: int) -> int:
    return sum(map(_is_socket, Path(f"/proc/{pid}/fd").iterdir()))


def _is_socket(descriptor: Path) -> bool:
    with suppress(OSError):  # it was closed meanwhile
        return descriptor.readlink().name.startswith("socket:")
    return False


def test_they_share_the_connections(server: ServerProcess) -> None:
    running = workers(server)
    assert len(running) == WORKERS
    before = {pid: sockets(pid) for pid in running}
    host, _, port = server.address.rpartition(":")
    with ExitStack() as stack:
        for _ in range(40):
            stack.enter_context(socket.create_connection((host, int(port))))
        # A worker has some of its own, which come and go; that all 40 fall to one of three
        # happens once in 10^18 times.
        until(lambda: sum(sockets(pid) > before[pid] + FEW for pid in running) > 1)


def test_they_stop_where_the_reader_of_their_stderr_is_gone(tmp_path: Path) -> None:
    options = ("--workers", str(WORKERS), "--database", DATABASES.url(tmp_path / "data"))
    server = ServerProcess(tmp_path / "data", *options)
    reader = Reader(server.log)
    server.start()
    reader.leave()
    assert server.terminate() == 0
    reader.end()


def test_what_one_of_them_knows_all_know(server: ServerProcess) -> None:
    with server.admin() as admin:
        profile = admin.create_profile("Depot", tokenless=True)
        admin.upload_rows(profile.profile_id, [DeviceRow(imei=imei(n)) for n in range(9)])
        for number in range(9):
            assert is_registered(server, imei(number))
        assert admin.get_profile(profile.profile_id).registered_count == 9


def is_registered(server: ServerProcess, presented: str) -> bool:
    """Enroll over a connection of its own, which falls to any of the workers."""
    options = (("grpc.use_local_subchannel_pool", 1),)
    with grpc.insecure_channel(server.address, options=options) as channel:
        stub = enrollment_service_pb2_grpc.EnrollmentServiceStub(channel)
        request = enrollment_service_pb2.EnrollDeviceRequest(imeis=[presented])
        return stub.EnrollDevice(request).outcome == REGISTERED


def test_one_that_is_killed_is_replaced_and_the_others_go_on(server: ServerProcess) -> None:
    running = workers(server)
    killed = min(running)
    os.kill(killed, signal.SIGKILL)
    until(lambda: len(workers(server) - {killed}) == WORKERS)
    with server.admin() as admin:
        assert admin.create_profile("Depot").name == "Depot"
    assert f"worker {killed} ended" in server.log.read_text()


def test_all_that_are_halted_end_in_the_time_that_one_has(server: ServerProcess) -> None:
    server.terminate()
    slow = ServerProcess(
        server.data_dir, *server._options, "--drain-seconds", f"{DRAIN_SECONDS}"
    ).start()
    running = workers(slow)
    for pid in running:
        os.kill(pid, signal.SIGSTOP)
    begin = monotonic()
    assert slow.terminate() == 0
    assert monotonic() - begin < 2 * DRAIN_SECONDS  # what two take, one after the other
    assert not any(Path(f"/proc/{pid}/exe").exists() for pid in running)


def test_one_that_takes_a_place_logs_as_the_others_do(server: ServerProcess) -> None:
    server.send(signal.SIGUSR1)
    until(lambda: server.log.read_text().count("logging all there is") == WORKERS + 1)
    os.kill(min(workers(server)), signal.SIGKILL)
    until(lambda: server.log.read_text().count("logging all there is") == WORKERS + 2)


def test_they_end_with_the_server_also_if_it_is_killed(server: ServerProcess) -> None:
    running = workers(server)
    server.kill()
    until(lambda: not any(Path(f"/proc/{pid}/exe").exists() for pid in running))
    with grpc.insecure_channel(server.address) as channel, pytest.raises(grpc.RpcError):
        health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=5)


@contextmanager
def starting_in_vain(data_dir: Path) -> Iterator[None]:
    """Let no server of the database finish its start: none can look for tokens."""
    with psycopg.connect(DATABASES.url(data_dir)) as others:
        others.execute("LOCK TABLE tokens IN ACCESS EXCLUSIVE MODE")
        yield


def waiting(data_dir: Path) -> int:
    """Tell how many wait to look for tokens."""
    ((found,),) = DATABASES.query(data_dir, "SELECT count(*) FROM pg_locks WHERE NOT granted")
    return int(found)


def test_they_end_while_one_waits_to_take_the_place_of_another(server: ServerProcess) -> None:
    killed = min(workers(server))
    with starting_in_vain(server.data_dir):
        os.kill(killed, signal.SIGKILL)
        until(lambda: bool(waiting(server.data_dir)))
        running = workers(server)
        assert server.terminate() == 0
        assert not any(Path(f"/proc/{pid}/exe").exists() for pid in running)
    assert "no worker takes its place" not in server.log.read_text()


def test_they_end_while_the_first_waits_to_start(server: ServerProcess) -> None:
    server.terminate()
    with starting_in_vain(server.data_dir), ThreadPoolExecutor(1) as pool:
        started = pool.submit(server.launch)
        until(lambda: bool(waiting(server.data_dir)))
        assert server.terminate() == 0
        assert not started.result()
    assert "Stopping" in server.log.read_text()


@pytest.mark.parametrize("count", [1, 2])
def test_a_signal_about_the_log_does_not_end_a_server_that_starts(
    server: ServerProcess, count: int
) -> None:
    server.terminate()
    options = ("--workers", str(count), "--database", DATABASES.url(server.data_dir))
    starting = ServerProcess(server.data_dir, *options)
    with ThreadPoolExecutor(1) as pool:
        with starting_in_vain(server.data_dir):
            started = pool.submit(starting.launch)
            until(lambda: bool(waiting(server.data_dir)))
            for pid in (starting.pid, *workers(starting)):
                os.kill(pid, signal.SIGUSR1)
        assert started.result()
    assert starting.terminate() == 0


def test_one_that_is_left_alone_as_it_starts_ends_quietly(server: ServerProcess) -> None:
    killed = min(workers(server))
    with starting_in_vain(server.data_dir):
        os.kill(killed, signal.SIGKILL)
        until(lambda: bool(waiting(server.data_dir)))
        running = workers(server)
        server.kill()
    until(lambda: not any(Path(f"/proc/{pid}/exe").exists() for pid in running))
    assert "Traceback" not in server.log.read_text()


def test_sqlite_takes_one(tmp_path: Path) -> None:
    ended = CliRunner().invoke(serve_command, ["--workers", "2", "--data-dir", str(tmp_path)])
    assert ended.exit_code == 2
    assert "SQLite has one writer" in ended.output


def test_what_keeps_the_first_from_starting_is_told(tmp_path: Path) -> None:
    url = DATABASES.server.url("no_such_roll")
    options = ("--workers", "2", "--database", url)
    server = ServerProcess(tmp_path / "data", *options)
    assert not server.launch()
    assert "The PostgreSQL database cannot be used" in server.log.read_text()
    assert "Traceback" not in server.log.read_text()
    server.wait()
