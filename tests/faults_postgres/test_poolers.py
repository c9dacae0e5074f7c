"""Rollbook behind PgBouncer, and with no connection left in its own pool."""

from __future__ import annotations

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from functools import partial
from io import BytesIO
from typing import TYPE_CHECKING

import pytest

from faults_postgres import pooler, programs
from rollbook import DeviceRow, EnrollOutcome, UnavailableError
from rollbook_server.domain.upload_sessions import UploadLimits
from rollbook_server.storage.postgres.store import PostgresStore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from postgres_server import PostgresServer
    from rollbook_server.domain.ports import Store
    from running import Server

DEVICES, AGENTS = 200, 8
HANG_SECONDS = 60
STORE = "rollbook_server.storage.postgres.store"


@pytest.fixture
def pooled_url(postgres: PostgresServer, name: str) -> Iterator[str]:
    missing = programs.missing(programs.PGBOUNCER)
    if missing:
        (pytest.fail if os.environ.get("CI_PGBOUNCER") else pytest.skip)(missing)
    with pooler.running(postgres, name) as url:
        yield url


def test_all_goes_through_pgbouncer_in_transaction_mode(
    serve: Callable[..., Server], pooled_url: str
) -> None:
    server = serve(database=pooled_url, upload_limits=UploadLimits(batch_rows=50))
    rows = [DeviceRow(imei=f"35{number:012}") for number in range(DEVICES)]
    with server.admin() as admin, server.agent() as agent, ThreadPoolExecutor(AGENTS) as pool:
        school = admin.create_profile("School").profile_id
        token = admin.reveal_token(school)
        assert admin.upload_rows(school, rows).created_count == DEVICES
        again = admin.upload_rows(school, [*rows, DeviceRow(imei=f"36{0:012}")])
        assert (again.unchanged_count, again.created_count) == (DEVICES, 1)
        enroll = partial(agent.enroll_device, token=token)
        told = list(pool.map(lambda row: enroll(imeis=[row.imei]).outcome, rows))
        assert told == [EnrollOutcome.REGISTERED] * DEVICES
        assert admin.get_profile(school).registered_count == DEVICES
        assert len(list(admin.list_devices(school))) == DEVICES + 1
        out = BytesIO()
        for piece in admin.export_devices(school):
            out.write(piece)
        assert len(out.getvalue().splitlines()) == DEVICES + 2
        assert admin.verify_audit_log().first_break is None


@contextmanager
def held(store: Store, count: int) -> Iterator[threading.Event]:
    """Keep so many readers reading; gives what lets them go."""
    begun, go = threading.Semaphore(0), threading.Event()

    def hold(_: object) -> None:
        begun.release()
        assert go.wait(HANG_SECONDS)

    with ThreadPoolExecutor(count) as pool, ExitStack() as stack:
        stack.callback(go.set)
        readers = [pool.submit(store.read, hold) for _ in range(count)]
        for _ in readers:
            assert begun.acquire(timeout=HANG_SECONDS)
        yield go
        stack.close()
        for reader in readers:
            reader.result()


def test_who_finds_all_connections_taken_is_told_when_to_come_again(
    serve: Callable[..., Server], url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(f"{STORE}._READERS", 2)
    monkeypatch.setattr(f"{STORE}._WAIT_SECONDS", 0.2)
    server = serve(database=url)
    with server.admin() as admin:
        profile = admin.create_profile("School").profile_id
        with held(server.app._store, 2):
            admin._caller._timeout_seconds = 3  # less than it is told to wait
            with pytest.raises(UnavailableError) as refusal:
                admin.get_profile(profile)
        assert refusal.value.reason == "STORE_UNAVAILABLE"
        assert refusal.value.retry_after_seconds
        assert admin.get_profile(profile).name == "School"


def test_a_reader_waits_for_a_connection(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(f"{STORE}._READERS", 1)
    monkeypatch.setattr(f"{STORE}._WAIT_SECONDS", HANG_SECONDS)
    with (
        closing(PostgresStore(url)) as store,
        ThreadPoolExecutor(1) as pool,
        held(store, 1) as go,
    ):
        waiting = pool.submit(store.read, lambda _: "read")
        assert not waiting.done()
        go.set()
        assert waiting.result(HANG_SECONDS) == "read"
