"""Health follows what the database takes: nothing, all but uploads, or everything."""

from __future__ import annotations

import os
import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import grpc
import pytest

from databases import DATABASES, POSTGRESQL
from faults.test_disk_full import disk as disk  # noqa: PLC0414 - a fixture
from health.conftest import EVERYTHING, SERVING
from rollbook import AdminClient, DeviceRow, EnrollOutcome
from rollbook.v1 import profile_service_pb2, profile_service_pb2_grpc
from rollbook_server.storage import store as sqlite_store
from rollbook_server.storage.store import RESERVE_BYTES
from uploads.wire import imei, refusal, until

if TYPE_CHECKING:
    from collections.abc import Callable

    from faults.test_disk_full import SmallDisk
    from health.conftest import Probe
    from running import Server

NOTHING: frozenset[str] = frozenset()
UPLOADS = frozenset({"rollbook.v1.DeviceService"})


def set_read_only(server: Server, *, on: bool) -> None:
    """Let SQLite refuse every write, as it does with a file that may only be read."""
    server.app._store._database.execute_sql(f"PRAGMA query_only = {int(on)}").fetchall()


@pytest.mark.sqlite_only
def test_a_store_that_turned_read_only_is_told_once_a_write_failed(
    server: Server, probe: Probe
) -> None:
    assert probe.healthy() == EVERYTHING
    set_read_only(server, on=True)
    key = (("authorization", f"Bearer {server.api_key}"),)
    depot = profile_service_pb2.CreateProfileRequest(name="Depot")
    with grpc.insecure_channel(server.address) as channel:  # a client would try again and again
        create = profile_service_pb2_grpc.ProfileServiceStub(channel).CreateProfile
        with pytest.raises(grpc.RpcError) as refused:
            create(depot, metadata=key)
        assert refusal(refused.value).reason == "STORE_UNAVAILABLE"
        until(lambda: probe.healthy() == NOTHING)
        set_read_only(server, on=False)
        until(lambda: probe.healthy() == EVERYTHING)
        assert create(depot, metadata=key).profile.name == "Depot"


class Disk:
    """What the operating system says of a disk, or made to say."""

    def __init__(self, **made: int) -> None:
        self._made, self._tell, self.asked = made, os.statvfs, 0

    def __call__(self, path: Any) -> Any:
        self.asked += 1
        told = self._tell(path)
        fields = {name: getattr(told, name) for name in dir(told) if name.startswith("f_")}
        return SimpleNamespace(**fields | self._made)


@pytest.mark.sqlite_only
def test_a_read_only_file_system_is_told_though_nobody_writes(
    server: Server, probe: Probe, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sign alone is not believed: the server tries, and says what came of it."""
    disk = Disk(f_flag=os.ST_RDONLY)
    monkeypatch.setattr(os, "statvfs", disk)
    until(lambda: disk.asked > 9)
    assert probe.healthy() == EVERYTHING
    set_read_only(server, on=True)
    until(lambda: probe.healthy() == NOTHING)
    set_read_only(server, on=False)
    until(lambda: probe.healthy() == EVERYTHING)


@pytest.mark.parametrize("engine", [POSTGRESQL], indirect=True)
def test_a_postgresql_that_takes_no_writes_is_told_though_nobody_writes(
    engine: str, server: Server, probe: Probe
) -> None:
    assert engine == POSTGRESQL
    name = DATABASES.name(server.data_dir)
    try:
        DATABASES.server.change(name, "ALTER SYSTEM SET default_transaction_read_only = on")
        DATABASES.server.execute("SELECT pg_reload_conf()")
        until(lambda: probe.healthy() == NOTHING)
    finally:
        DATABASES.server.execute("ALTER SYSTEM RESET ALL")
        DATABASES.server.execute("SELECT pg_reload_conf()")
    until(lambda: probe.healthy() == EVERYTHING)


@pytest.mark.sqlite_only
def test_with_no_room_for_uploads_devices_enroll_and_the_server_is_healthy(
    server: Server, probe: Probe, monkeypatch: pytest.MonkeyPatch
) -> None:
    with server.admin() as admin, server.agent() as agent:
        profile = admin.create_profile("Depot", tokenless=True).profile_id
        admin.upload_rows(profile, [DeviceRow(imei(1))])
        monkeypatch.setattr(sqlite_store, "RESERVE_BYTES", 1 << 60)
        until(lambda: probe.healthy() == EVERYTHING - UPLOADS)
        assert agent.enroll_device(imeis=[imei(1)]).outcome is EnrollOutcome.REGISTERED
        monkeypatch.setattr(sqlite_store, "RESERVE_BYTES", RESERVE_BYTES)
        until(lambda: probe.healthy() == EVERYTHING)


@pytest.mark.sqlite_only
def test_a_disk_that_is_really_full_is_told(
    disk: SmallDisk, probing: Callable[[str], Probe]
) -> None:
    address = disk.process.address
    probe, fewer = probing(address), EVERYTHING - UPLOADS
    disk.fill(RESERVE_BYTES // 2)
    until(lambda: probe.healthy() == fewer)
    rest = disk.data_dir.parent / "rest"
    rest.write_bytes(bytes(shutil.disk_usage(disk.data_dir).free))
    until(lambda: probe.healthy() == NOTHING)
    with AdminClient(address, api_key=disk.api_key) as admin:
        assert list(admin.list_profiles()) == []  # reads go on
        rest.unlink()
        until(lambda: probe.healthy() == fewer)
        disk.make_room()
        until(lambda: probe.healthy() == EVERYTHING)
        assert admin.create_profile("Depot").name == "Depot"


def test_not_serving_is_told_first_while_the_database_hangs(
    server: Server, probe: Probe, monkeypatch: pytest.MonkeyPatch
) -> None:
    states = probe.watch()
    assert next(states) == SERVING
    hanging, over = threading.Event(), threading.Event()

    def hang(_: object) -> None:
        hanging.set()
        over.wait()

    monkeypatch.setattr(server.app._store, "read", hang)
    hanging.wait()
    with ThreadPoolExecutor(1) as pool:
        stopped = pool.submit(server.stop)
        try:
            assert next(states) != SERVING
        finally:
            over.set()
        stopped.result()
