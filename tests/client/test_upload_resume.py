"""What an upload does when its stream breaks: the file arrives once, whole."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import grpc
import pytest

from client.fake_server import FakeRollbook, Running
from client.faults import Fault
from client.test_uploads import CONTENT, only_upload
from ports import KeptPort, where_nobody_is
from rollbook import (
    AbortedError,
    ResourceExhaustedError,
    RollbookError,
    ServerError,
    SourceChangedError,
    Upload,
    UploadIncompleteError,
    UploadProgress,
    UploadState,
)
from rollbook.v1 import upload_pb2

if TYPE_CHECKING:
    from client.conftest import FakeTime
    from client.drivers import Clients
    from rollbook import AdminClient

INTERNAL = grpc.StatusCode.INTERNAL
EXHAUSTED = grpc.StatusCode.RESOURCE_EXHAUSTED

PASSING = {
    "before the first message": Fault(),
    "after open": Fault(after=1),
    "after two chunks": Fault(after=3),
    "after two chunks, one of them lost": Fault(after=3, lost_bytes=256 * 1024),
    "after two chunks, part of one lost": Fault(after=3, lost_bytes=100_001),
    "after the answer was lost": Fault(after=6),
    "server stops": Fault(after=2, reason="SERVER_STOPPING", retry_after=1.0),
    "deadline": Fault(grpc.StatusCode.DEADLINE_EXCEEDED, after=2),
    "cancelled": Fault(grpc.StatusCode.CANCELLED, after=2),
    "reset": Fault(INTERNAL, message="RST_STREAM closed stream", after=2),
    "stream removed": Fault(grpc.StatusCode.UNKNOWN, message="Stream removed", after=2),
    "too many uploads": Fault(EXHAUSTED, "TOO_MANY_UPLOADS", retry_after=2.0),
    "gap": Fault(grpc.StatusCode.OUT_OF_RANGE, "UPLOAD_GAP", after=3, lost_bytes=300_000),
    "outcome unknown": Fault(grpc.StatusCode.ABORTED, "OUTCOME_UNKNOWN", after=3, lost_bytes=100),
    "answered OPEN": Fault(after=3, answers=True),
}

TERMINAL = {
    "superseded": (Fault(grpc.StatusCode.ABORTED, "UPLOAD_SUPERSEDED", after=2), AbortedError),
    "too many rows": (Fault(EXHAUSTED, "UPLOAD_TOO_MANY_ROWS", after=2), ResourceExhaustedError),
    "bug of the server": (Fault(INTERNAL, "INTERNAL_ERROR", after=2), ServerError),
    "source changed": (
        Fault(grpc.StatusCode.FAILED_PRECONDITION, "UPLOAD_SOURCE_CHANGED", after=2),
        SourceChangedError,
    ),
}


def send(client: AdminClient, **options: object) -> Upload:
    return client.upload_devices("p1", lambda: io.BytesIO(CONTENT), **options)  # type: ignore[arg-type]  # any


@pytest.mark.parametrize("fault", PASSING.values(), ids=PASSING)
def test_after_a_fault_the_file_arrives_once(
    client: AdminClient, fake: FakeRollbook, fault: Fault
) -> None:
    fake.stream_faults.append(fault)
    assert send(client).state is UploadState.FINISHED
    assert only_upload(fake).data == CONTENT


@pytest.mark.parametrize(("fault", "kind"), TERMINAL.values(), ids=TERMINAL)
def test_some_faults_end_the_upload(
    client: AdminClient, fake: FakeRollbook, fault: Fault, kind: type[Exception]
) -> None:
    fake.stream_faults.append(fault)
    with pytest.raises(kind):
        send(client)
    assert len(fake.streams()) == 1


def test_every_fault_in_turn_still_ends_with_the_file(
    client: AdminClient, fake: FakeRollbook
) -> None:
    fake.stream_faults.extend([*PASSING.values(), *PASSING.values()])
    send(client)
    assert only_upload(fake).data == CONTENT


def test_committed_bytes_are_not_sent_again(client: AdminClient, fake: FakeRollbook) -> None:
    fake.stream_faults.append(Fault(after=3, lost_bytes=1_000))
    seen: list[UploadProgress] = []
    send(client, progress=seen.append)
    committed = 2 * 256 * 1024 - 1_000
    assert fake.streams()[1][1].csv.offset == committed
    assert committed in {progress.committed_bytes for progress in seen}
    assert seen[-1].streams == 2


def test_a_key_that_may_not_look_sends_from_the_start(
    client: AdminClient, fake: FakeRollbook
) -> None:
    fake.stream_faults.append(Fault(after=3))
    fake.unary_faults.append(Fault(grpc.StatusCode.PERMISSION_DENIED, "RIGHT_MISSING"))
    send(client)
    assert fake.streams()[1][1].csv.offset == 0
    assert only_upload(fake).data == CONTENT


def test_back_off_doubles_and_begins_anew_with_every_advance(
    client: AdminClient, fake: FakeRollbook, fake_time: FakeTime
) -> None:
    stuck, advancing = Fault(after=1), Fault(after=2)
    fake.stream_faults.extend([stuck, stuck, stuck, advancing, stuck, stuck])
    send(client)
    assert fake_time.sleeps == pytest.approx([0.2, 0.4, 0.8, 1.6, 0.2, 0.4])


def test_retry_info_is_waited_for(
    client: AdminClient, fake: FakeRollbook, fake_time: FakeTime
) -> None:
    fake.stream_faults.append(PASSING["too many uploads"])
    send(client)
    assert fake_time.sleeps == pytest.approx([2.2])


def test_without_headway_the_upload_is_given_up(
    client: AdminClient, fake: FakeRollbook, fake_time: FakeTime
) -> None:
    fake.stream_faults.extend([Fault(after=2), *[Fault(after=1)] * 99])
    with pytest.raises(UploadIncompleteError, match="upload_id='u1' to go on") as caught:
        send(client, upload_id="u1", give_up_after_seconds=60)
    assert caught.value.upload_id == "u1"
    assert caught.value.upload is not None
    assert caught.value.upload.committed_offset == 256 * 1024
    assert caught.value.code == "UNAVAILABLE"
    assert sum(fake_time.sleeps) <= 61
    fake.stream_faults.clear()
    assert send(client, upload_id="u1").state is UploadState.FINISHED


def test_a_slow_but_steady_upload_is_never_given_up(
    client: AdminClient, fake: FakeRollbook, fake_time: FakeTime
) -> None:
    fake.stream_faults.extend([Fault(after=2, lost_bytes=200_000)] * 12)
    assert send(client, give_up_after_seconds=0.5).state is UploadState.FINISHED
    assert sum(fake_time.sleeps) > 2


def test_a_source_that_changes_between_streams_is_noticed(
    client: AdminClient, fake: FakeRollbook
) -> None:
    versions = iter([CONTENT, CONTENT.replace(b"3", b"4")])
    fake.stream_faults.append(Fault(after=3))
    with pytest.raises(SourceChangedError):
        client.upload_devices("p1", lambda: io.BytesIO(next(versions)))
    assert len(fake.streams()) == 1


def test_a_server_that_is_not_there_is_soon_reported(fake_time: FakeTime, clients: Clients) -> None:
    with (
        where_nobody_is() as address,
        clients.admin(address, api_key="key", timeout_seconds=0.3) as client,
    ):
        fake_time.rule(client)
        with pytest.raises(RollbookError, match=f"{address}.*is `rollbook serve` running"):
            send(client)
    assert sum(fake_time.sleeps) <= 10


def test_a_server_that_restarts_gets_the_rest(fake_time: FakeTime, clients: Clients) -> None:
    kept = KeptPort()
    with Running(port=kept.number) as running:
        fake, again = running.fake, Running(running.fake, running.port)

        def restart(progress: UploadProgress) -> None:
            if progress.sent_bytes > 300_000 and progress.streams == 1:
                running.server.stop(0).wait()

        async def start_again(seconds: float) -> None:
            fake_time.pass_by(seconds)
            if len(fake_time.sleeps) == 1:
                again.__enter__()

        with clients.admin(running.address, api_key="key") as client:
            fake_time.rule(client)
            client._caller.sleep = start_again
            assert send(client, progress=restart).state is UploadState.FINISHED
        again.__exit__()
    assert only_upload(fake).data == CONTENT
    assert only_upload(fake).message.state == upload_pb2.UPLOAD_STATE_FINISHED
