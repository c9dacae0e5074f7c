"""Clients that stand still in the middle of an upload lose their place and no row."""

from __future__ import annotations

from typing import TYPE_CHECKING

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from rollbook import EnrollOutcome, UploadState
from rollbook_server.domain.upload_limits import UploadLimits
from uploads.watchman import HOUR, Watchman
from uploads.wire import (
    FINISHED,
    OPEN,
    Row,
    Wire,
    csv,
    file,
    finish,
    imei,
    opening,
    refusal,
    rows,
    until,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from rollbook import AdminClient, EnrollmentAgent, UploadProgress
    from running import Server

SIX = "imei,site\n" + "".join(f"{imei(n)},s{n}\n" for n in range(1, 7))
TYPED = [Row(imei=imei(n)) for n in range(1, 7)]


@pytest.fixture
def profile(admin: AdminClient) -> str:
    return admin.create_profile("Depot", tokenless=True).profile_id


@pytest.fixture
def server(serve: Callable[..., Server]) -> Server:
    limits = UploadLimits(batch_rows=2)
    return serve(upload_limits=limits, upload_streams=2, threads=3, idle_seconds=HOUR)


@pytest.fixture
def wire(server: Server) -> Iterator[Wire]:
    with Wire(server) as wire:
        yield wire


@pytest.fixture
def watchman(server: Server) -> Watchman:
    return Watchman(server)


def gets_in(wire: Wire, profile: str) -> bool:
    """Tell whether a whole upload finds a place, and time enough."""
    try:
        return wire.send(opening(profile, "late"), file(SIX)).state == FINISHED
    except grpc.RpcError as error:
        if refusal(error).reason not in {"TOO_MANY_UPLOADS", "REQUEST_IDLE"}:
            raise
        return False


def test_they_stop_nobody_and_make_room_after_the_limit(
    serve: Callable[..., Server],
) -> None:
    server = serve(upload_streams=3, threads=4, idle_seconds=0.3)
    with server.admin() as admin, server.agent() as agent, Wire(server) as wire:
        profile = admin.create_profile("Depot", tokenless=True).profile_id
        names = ["a", "b", "c"]
        stalled = [wire.stream().send(opening(profile, name), csv(SIX[:-5])) for name in names]
        assert agent.enroll_device(imeis=[imei(99)]).outcome is EnrollOutcome.NOT_REGISTERED
        with grpc.insecure_channel(server.address) as channel:
            check = health_pb2_grpc.HealthStub(channel).Check
            assert check(health_pb2.HealthCheckRequest()).status == 1
        until(lambda: gets_in(wire, profile))
        until(lambda: all(stream.is_answered() for stream in stalled))
        for stream in stalled:
            told = stream.refused()
            assert (told.code, told.reason) == ("UNAVAILABLE", "REQUEST_IDLE")
            assert told.retries
            assert "resume the upload" in told.message


def test_what_came_whole_is_kept(wire: Wire, profile: str, watchman: Watchman) -> None:
    begun = watchman.waits
    stream = wire.stream().send(opening(profile), csv(SIX[:-5]))
    until(lambda: watchman.waits == begun + 3)
    watchman.drop(stream)
    assert stream.refused().reason == "REQUEST_IDLE"
    upload = wire.upload()
    assert (upload.state, upload.committed_rows) == (OPEN, 5)
    assert wire.send(opening(profile), file(SIX)).created_count == 6


def test_a_slow_client_that_moves_is_not_dropped(
    wire: Wire, profile: str, watchman: Watchman
) -> None:
    stream = wire.stream().send(opening(profile))
    for count in (2, 4, 6):
        stream.send(rows(TYPED[:count], begin=count - 2))
        until(lambda: has_rows(wire, count))  # noqa: B023 - asked at once
        watchman.turn(HOUR - 1)
    assert stream.send(finish(total_rows=6)).end().state == FINISHED


def has_rows(wire: Wire, count: int) -> bool:
    return wire.query("SELECT committed_rows FROM uploads") == [(count,)]


def test_the_client_library_goes_on_where_it_was_dropped(
    serve: Callable[..., Server], tmp_path: Path
) -> None:
    path = tmp_path / "devices.csv"
    path.write_text(SIX)
    server = serve(upload_streams=1, idle_seconds=HOUR)
    watchman, streams = Watchman(server), list[int]()
    with server.admin() as admin, Wire(server) as wire:
        profile = admin.create_profile("Depot").profile_id

        def is_dropped() -> bool:
            watchman.turn(HOUR)
            return gets_in(wire, profile)

        def stand_still(progress: UploadProgress) -> None:
            streams.append(progress.streams)
            if len(streams) == 1:
                until(is_dropped)

        upload = admin.upload_devices(profile, path, progress=stand_still)
    assert upload.state is UploadState.FINISHED
    assert (upload.row_count, upload.rejected_count) == (6, 0)
    assert max(streams) > 1


def test_the_work_of_the_server_is_not_the_silence_of_the_client(
    wire: Wire, profile: str, watchman: Watchman, agent: EnrollmentAgent
) -> None:
    """A stream that has been dropped while the server was at work would lose its answer."""
    stream = wire.stream().send(opening(profile), rows(TYPED), finish(total_rows=6))
    assert stream.end().state == FINISHED
    watchman.turn(2 * HOUR)
    assert agent.enroll_device(imeis=[imei(1)]).outcome is EnrollOutcome.REGISTERED
