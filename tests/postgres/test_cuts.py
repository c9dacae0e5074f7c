"""Connections to PostgreSQL cut at random moments: what is answered is there, once, and no more."""

from __future__ import annotations

import os
import random
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from io import BytesIO
from typing import TYPE_CHECKING, Any

import pytest

from postgres.cuts import COMMIT, Cut
from postgres.test_commits import add, once
from rollbook import DeviceRow, EnrollmentAgent, EnrollOutcome, UnavailableError
from rollbook_server.domain.errors import Reason, RollbookError
from rollbook_server.domain.luhn import check_digit
from rollbook_server.domain.upload_limits import UploadLimits

if TYPE_CHECKING:
    from collections.abc import Callable

    from postgres.cuts import CuttingProxy
    from postgres_server import PostgresServer
    from rollbook_server.storage.postgres.store import PostgresStore
    from running import Server

WRITES, WRITERS = 80, 4
CUTS = (Cut.BEFORE, Cut.BEHIND, Cut.ANSWERED)
ROWS, DEVICES, AGENTS = 600, 60, 4
REGISTERED = "SELECT count(*), count(DISTINCT imei) FROM devices WHERE register_time IS NOT NULL"


@pytest.fixture
def seed() -> int:
    """Draw a seed; in CI it is the same every time."""
    return 1 if os.environ.get("CI") else random.randrange(10**6)


def cutting(dice: random.Random, in_commit: float, elsewhere: float) -> Callable[[bytes], Cut]:
    """Cut so often where a COMMIT is on its way, and anywhere else."""
    return lambda data: (
        dice.choice(CUTS)
        if dice.random() < (in_commit if COMMIT in data else elsewhere)
        else Cut.NOT
    )


def written(store: PostgresStore, name: str) -> bool:
    """Write; False if that is said to have failed."""
    try:
        assert store.write(add(name)), f"{name} was written twice"
    except RollbookError as error:
        if error.reason is not Reason.STORE_UNAVAILABLE:
            raise
        return False
    return True


def test_a_write_is_there_exactly_if_it_was_answered(
    store: PostgresStore, postgres: PostgresServer, name: str, proxy: CuttingProxy, seed: int
) -> None:
    by_chance = cutting(random.Random(seed), in_commit=0.4, elsewhere=0.02)
    surely = once(Cut.ANSWERED)  # what chance alone leaves out now and then
    proxy.decide = lambda data: by_chance(data) if (cut := surely(data)) is Cut.NOT else cut
    names = [f"p{number}" for number in range(WRITES)]
    with ThreadPoolExecutor(WRITERS) as pool:
        answers = list(pool.map(partial(written, store), names))
    proxy.decide = lambda _: Cut.NOT
    answered = {each for each, answer in zip(names, answers, strict=True) if answer}
    found = {each for (each,) in postgres.query(name, "SELECT name FROM profiles")}
    assert found == answered, f"seed {seed}: {proxy.cuts}"
    assert proxy.cuts[Cut.ANSWERED, True], f"seed {seed}"


def test_uploads_and_enrollments_go_on_over_cut_connections(
    serve: Callable[..., Server],
    url: str,
    postgres: PostgresServer,
    name: str,
    proxy: CuttingProxy,
    seed: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("rollbook_server.storage.faults.RETRY_SECONDS", 0.01)
    monkeypatch.setattr("rollbook._sources._CHUNK_BYTES", 1_000)
    server = serve(database=url, upload_limits=UploadLimits(batch_rows=50))
    imeis = [f"35{number:012}" for number in range(DEVICES)]
    with server.admin() as admin:
        school = admin.create_profile("School").profile_id
        admin.upload_rows(school, [DeviceRow(imei=imei) for imei in imeis])
        profile, token = admin.create_profile("Depot").profile_id, admin.reveal_token(school)
        proxy.decide = cutting(random.Random(seed), in_commit=0.2, elsewhere=0.01)
        agents = EnrollmentAgent(server.address, patience_seconds=120)
        with agents, ThreadPoolExecutor(AGENTS) as pool:
            enroll = lambda imei: agents.enroll_device(token=token, imeis=[imei])  # noqa: E731
            told = pool.map(enroll, imeis)
            upload = admin.upload_devices(profile, partial(BytesIO, table()))
            outcomes: list[Any] = [answer.outcome for answer in told]
        proxy.decide = lambda _: Cut.NOT
        assert (upload.created_count, upload.rejected_count) == (ROWS, 0), f"seed {seed}"
        assert outcomes == [EnrollOutcome.REGISTERED] * DEVICES, f"seed {seed}"
        assert admin.get_token(school).use_count == DEVICES, f"seed {seed}"
        assert admin.get_profile(profile).device_count == ROWS, f"seed {seed}"
        assert admin.verify_audit_log().first_break is None, f"seed {seed}"
    assert postgres.query(name, REGISTERED) == [(DEVICES, DEVICES)], f"seed {seed}"


@pytest.mark.parametrize("seen", [b"COPY devices", b"UPDATE devices", b"FETCH"])
def test_a_cut_is_no_bug_wherever_it_comes(
    serve: Callable[..., Server],
    url: str,
    proxy: CuttingProxy,
    seen: bytes,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("rollbook_server.storage.faults.RETRY_SECONDS", 0.01)
    server = serve(database=url)
    with server.admin() as admin, server.agent() as agent:
        profile = admin.create_profile("Depot", tokenless=True).profile_id
        for count, cut in enumerate(CUTS, 1):
            proxy.decide = once(cut, seen)
            imei = f"35{count:012}"
            assert admin.upload_rows(profile, [DeviceRow(imei=imei)]).created_count == 1
            assert agent.enroll_device(imeis=[imei]).outcome is EnrollOutcome.REGISTERED
            with suppress(UnavailableError):  # who takes an inventory has to ask again
                list(admin.export_devices(profile))
            assert len(b"".join(admin.export_devices(profile)).splitlines()) == count + 1
            assert proxy.cuts[cut, False] + proxy.cuts[cut, True] == 1  # alone, or with COMMIT


def table() -> bytes:
    numbers = [f"36{number:012}" for number in range(ROWS)]
    lines = [f"{each}{check_digit(each)},site {each}" for each in numbers]
    return ("imei,site\n" + "\n".join(lines)).encode()
