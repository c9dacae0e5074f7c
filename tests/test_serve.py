"""How a server starts, and refuses to; what is left when it has stopped."""

from __future__ import annotations

import os
import re
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from rollbook import AdminClient, DeviceRow, RollbookError, UnauthenticatedError
from rollbook.cli.exit_codes import ExitCode
from rollbook_server import app
from rollbook_server.app import ADMIN_KEY_NAME
from rollbook_server.config import DATABASE_NAME, SEALING_KEY_NAME, ConfigError
from rollbook_server.health import SERVICES
from rollbook_server.key_files import KeyFileError
from rollbook_server.storage.store import StoreError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from running import Server, ServerProcess

SERVING, NOT_SERVING = (
    health_pb2.HealthCheckResponse.SERVING,
    health_pb2.HealthCheckResponse.NOT_SERVING,
)


class Health:
    """A probe, which has no key."""

    def __init__(self, server: Server) -> None:
        self.channel = grpc.insecure_channel(server.address)
        self.stub = health_pb2_grpc.HealthStub(self.channel)

    def check(self, service: str) -> int:
        request = health_pb2.HealthCheckRequest(service=service)
        return int(self.stub.Check(request, timeout=20).status)

    def watch(self, service: str) -> Any:
        return self.stub.Watch(health_pb2.HealthCheckRequest(service=service), timeout=60)


@pytest.fixture
def health(
    serve: Callable[..., Server], monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[Server, Health]]:
    """Give a server with few threads, and its probe; it cuts nobody off for being slow."""
    monkeypatch.setattr(app, "WATCHERS_SECONDS", 60)
    server = serve(threads=4, upload_streams=1, drain_seconds=3600)
    health = Health(server)
    yield server, health
    health.channel.close()


def test_both_key_files_are_private_and_survive_a_restart(serve: Callable[..., Server]) -> None:
    first = serve()
    with first.admin() as admin:
        profile = admin.create_profile("Depot")
        value = admin.reveal_token(profile.profile_id)
    paths = [first.data_dir / name for name in (ADMIN_KEY_NAME, SEALING_KEY_NAME)]
    before = [path.read_bytes() for path in paths]
    assert [stat.S_IMODE(path.stat().st_mode) for path in paths] == [0o600, 0o600]
    assert stat.S_IMODE(first.data_dir.stat().st_mode) == 0o700

    first.stop()
    second = serve()

    assert [path.read_bytes() for path in paths] == before
    with AdminClient(second.address, api_key=first.api_key) as admin:
        assert admin.get_profile(profile.profile_id) == profile
        assert admin.reveal_token(profile.profile_id) == value


@pytest.mark.sqlite_only  # else that of another server stays
def test_a_new_administrator_key_is_made_when_the_file_is_removed(
    serve: Callable[..., Server],
) -> None:
    first = serve()
    first.stop()
    (first.data_dir / ADMIN_KEY_NAME).unlink()
    second = serve()
    assert second.api_key != first.api_key
    with second.admin() as admin:
        assert list(admin.list_profiles()) == []
    with (
        AdminClient(second.address, api_key=first.api_key) as old,
        pytest.raises(UnauthenticatedError),
    ):
        old.get_profile("prf-0")


@pytest.mark.parametrize("content", [b"", b" \n", b"short", b"\xff\xfe" * 40, b"with\0nul" * 9])
def test_an_administrator_key_that_keeps_nobody_out_is_refused(
    serve: Callable[..., Server], tmp_path: Path, content: bytes
) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / ADMIN_KEY_NAME).write_bytes(content)

    with pytest.raises(KeyFileError, match=ADMIN_KEY_NAME):
        serve()


@pytest.mark.parametrize("tokenless", [False, True])
def test_without_its_sealing_key_a_server_with_tokens_or_an_audit_log_does_not_start(
    serve: Callable[..., Server], *, tokenless: bool
) -> None:
    first = serve()
    with first.admin() as admin:
        admin.create_profile("Depot", tokenless=tokenless)
    first.stop()
    (first.data_dir / SEALING_KEY_NAME).unlink()

    for _ in range(2):  # the refusal makes no new key either
        with pytest.raises(KeyFileError, match="is missing, and the database holds tokens"):
            serve()


@pytest.mark.sqlite_only  # else another server may seal with the old one
def test_before_anything_was_sealed_a_new_sealing_key_is_made(
    serve: Callable[..., Server],
) -> None:
    first = serve()
    first.stop()
    (first.data_dir / SEALING_KEY_NAME).unlink()

    assert serve().address


def test_the_sealing_key_may_be_kept_elsewhere(
    serve: Callable[..., Server], tmp_path: Path
) -> None:
    (tmp_path / "data").mkdir()  # a first start, in which the key is made
    first = serve(sealing_key_file=tmp_path / "kept.key")
    with first.admin() as admin:
        admin.create_profile("Depot")
    first.stop()

    assert not (first.data_dir / SEALING_KEY_NAME).exists()
    assert serve(sealing_key_file=tmp_path / "kept.key").address


@pytest.mark.sqlite_only  # PostgreSQL has its own disk
def test_health_tells_that_the_disk_failed(
    health: tuple[Server, Health], monkeypatch: pytest.MonkeyPatch
) -> None:
    server, probe = health
    states = probe.watch("")
    assert next(states).status == health_pb2.HealthCheckResponse.SERVING

    def fail(_: int) -> None:
        raise OSError("the disk is broken")

    monkeypatch.setattr(server.app._store._log, "_sync", fail)  # type: ignore[attr-defined]
    with server.admin() as admin, pytest.raises(RollbookError) as refused:
        admin.create_profile("Depot")
    assert refused.value.reason == "STORE_UNAVAILABLE"
    assert next(states).status == health_pb2.HealthCheckResponse.NOT_SERVING
    states.cancel()


@pytest.mark.sqlite_only
def test_a_damaged_database_is_refused_and_left_free(
    serve: Callable[..., Server], tmp_path: Path
) -> None:
    (tmp_path / "data").mkdir()
    database = tmp_path / "data" / DATABASE_NAME
    database.write_bytes(b"this is no database, " * 1000)

    with pytest.raises(StoreError, match="cannot be used as the database"):
        serve()

    database.unlink()
    assert serve().address


def test_a_port_in_use_is_refused_and_the_data_directory_is_free_again(
    serve: Callable[..., Server], server: Server, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match=f"{server.address}: the address cannot be used"):
        serve(listen=server.address, data_dir=tmp_path / "other")

    assert serve(data_dir=tmp_path / "other").address != server.address


@pytest.mark.sqlite_only
def test_a_second_server_on_the_same_data_is_refused(
    serve: Callable[..., Server], server: Server
) -> None:
    with pytest.raises(StoreError, match="in use by another server"):
        serve()

    with server.admin() as admin:
        assert admin.create_profile("Depot").name == "Depot"


@pytest.mark.parametrize("host", ["0.0.0.0", "[::]", "192.0.2.1", "a.test", "127.0.0.1.nip.io"])
def test_plaintext_beyond_this_machine_must_be_asked_for(
    serve: Callable[..., Server], host: str
) -> None:
    with pytest.raises(ConfigError, match=r"--tls-cert FILE .* --allow-plaintext"):
        serve(listen=f"{host}:0")


def test_plaintext_beyond_this_machine_is_served_if_asked_for(
    serve: Callable[..., Server],
) -> None:
    server = serve(listen="0.0.0.0:0", allow_plaintext=True)

    here = f"127.0.0.1:{server.address.rpartition(':')[2]}"
    with AdminClient(here, api_key=server.api_key) as admin:
        assert list(admin.list_profiles()) == []


def test_every_service_is_healthy_until_the_server_stops(health: tuple[Server, Health]) -> None:
    server, probe = health
    assert {probe.check(service) for service in ("", *SERVICES)} == {SERVING}
    with pytest.raises(grpc.RpcError) as caught:
        probe.check("rollbook.v1.NoService")
    assert caught.value.code() is grpc.StatusCode.NOT_FOUND

    watches = [probe.watch(service) for service in ("", *SERVICES[:3])]
    assert [next(watch).status for watch in watches] == [SERVING] * 4
    with ThreadPoolExecutor(1) as thread:
        stopped = thread.submit(server.stop)
        assert [next(watch).status for watch in watches] == [NOT_SERVING] * 4
        stopped.result()


def test_who_watches_our_health_keeps_nobody_else_out(health: tuple[Server, Health]) -> None:
    server, probe = health
    watches = [probe.watch("") for _ in range(8)]  # twice as many as the server has threads
    assert [next(watch).status for watch in watches[:4]] == [SERVING] * 4

    with AdminClient(server.address, api_key=server.api_key, timeout_seconds=20) as admin:
        assert admin.create_profile("Depot").name == "Depot"
    for watch in watches:  # to go while the server stops must not hold it either
        watch.cancel()


def test_a_process_tells_its_address_and_ends_well_on_sigterm(process: ServerProcess) -> None:
    with process.admin() as admin:
        profile = admin.create_profile("Depot", tokenless=True)
        admin.upload_rows(profile.profile_id, [DeviceRow(imei="35693803564380")])
    assert re.fullmatch(r"127\.0\.0\.1:\d+", process.address)

    assert process.terminate() == 0
    assert "Traceback" not in process.log.read_text()
    process.start()
    with process.admin() as admin:
        assert admin.get_profile(profile.profile_id).device_count == 1


def test_a_killed_process_leaves_a_data_directory_that_starts_again(process: ServerProcess) -> None:
    with process.admin() as admin:
        profile = admin.create_profile("Depot")
    process.kill()
    process.start()

    with process.admin() as admin:
        assert admin.get_profile(profile.profile_id) == profile


BAD_OPTIONS = {
    "public scheme": ("--public-address", "https://enroll.example.com"),
    "no port": ("--listen", "127.0.0.1"),
    "no host": ("--listen", ":7443"),
    "port too high": ("--listen", "127.0.0.1:65536"),
    "port no number": ("--listen", "127.0.0.1:\u00b2"),
    "port very long": ("--listen", "127.0.0.1:" + "9" * 5000),
    "everywhere": ("--listen", "0.0.0.0:0"),
    "not ours": ("--listen", "192.0.2.1:0", "--allow-plaintext"),
    "other database": ("--database", "mysql://db/roll"),
    "no such directory": ("--database", "sqlite:////no/such/directory/roll.db"),
    "a file": ("--data-dir", os.devnull),
    "in a file": ("--data-dir", f"{os.devnull}/data"),
    "no rows": ("--max-rows", "0"),
    "no time to read": ("--idle-seconds", "0"),
    "unknown": ("--nonsense",),
}


# Right in themselves, and wrong on this machine.
UNUSABLE = {"not ours", "no such directory", "a file", "in a file"}


@pytest.mark.parametrize("case", BAD_OPTIONS)
def test_options_that_cannot_be_meant_end_in_one_clear_line(tmp_path: Path, case: str) -> None:
    command = [sys.executable, "-m", "rollbook_server", "--data-dir", str(tmp_path / "data")]
    ended = subprocess.run(
        [*command, *BAD_OPTIONS[case]], capture_output=True, text=True, timeout=60, check=False
    )

    errors = [line for line in ended.stderr.splitlines() if line.startswith("Error: ")]
    assert ended.returncode == (ExitCode.REFUSED if case in UNUSABLE else ExitCode.USAGE)
    assert len(errors) == 1, ended.stderr
    assert ended.stderr.endswith(f"{errors[0]}\n")
    assert "Traceback" not in ended.stderr
    assert ended.stdout == ""
