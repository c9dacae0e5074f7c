"""Progress goes on being told while the bytes of an upload stand still on their way."""

from __future__ import annotations

import gc
from threading import Event
from typing import TYPE_CHECKING, Any

import grpc
import pytest

from client.faults import Fault
from client.test_uploads import CHUNK, CONTENT, only_upload
from faults.proxy import Stuck
from rollbook import AdminClient, UploadProgress, UploadState, _blocking, _lookouts
from rollbook.aio import _transport
from uploads.wire import until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from client.drivers import Clients
    from client.fake_server import FakeRollbook, FakeUpload, Running

# Many more than there are messages of the stream.
MANY = 40


@pytest.fixture
def csv_file(tmp_path: Path) -> Path:
    path = tmp_path / "devices.csv"
    path.write_bytes(CONTENT)
    return path


@pytest.fixture
def stuck(running: Running) -> Iterator[Stuck]:
    """Let one chunk and a bit of the next through."""
    with Stuck(running.address, CHUNK + CHUNK // 8) as proxy:
        yield proxy


def test_a_question_does_not_wait_behind_the_upload_itself(
    clients: Clients, fake: FakeRollbook, stuck: Stuck, csv_file: Path
) -> None:
    seen: list[tuple[int, int]] = []

    def note(progress: UploadProgress) -> None:
        if progress.committed_bytes and not stuck.let_on.is_set():
            seen.append((progress.committed_bytes, progress.streams))
            stuck.let_on.set()

    with clients.admin(stuck.address, api_key="key-1") as client:
        client.upload_devices("p1", csv_file, progress=note)
        client.upload_devices("p1", csv_file, progress=note)
        assert stuck.joined == 2
    assert seen == [(CHUNK, 1)]
    assert {upload.data for upload in fake.uploads.values()} == {CONTENT}
    assert {metadata["authorization"] for metadata in fake.metadata} == {"Bearer key-1"}
    # An older grpcio for asyncio (1.73) keeps a connection while an object of its calls lives.
    until(lambda: gc.collect() >= 0 and stuck.ended == 2)


def test_what_nobody_follows_opens_one_connection(
    clients: Clients, stuck: Stuck, csv_file: Path
) -> None:
    stuck.let_on.set()
    with clients.admin(stuck.address, api_key="key-1") as client:
        client.upload_devices("p1", csv_file)
    assert stuck.joined == 1


@pytest.fixture
def still(fake: FakeRollbook, monkeypatch: pytest.MonkeyPatch) -> Iterator[Event]:
    """Let the server neither read on nor answer, until the event is set; the clock goes fast."""
    go_on, take_one, receive = Event(), fake._take_one, fake._receive

    def take(upload: FakeUpload, message: Any, context: grpc.ServicerContext) -> FakeUpload:
        assert not upload.data or go_on.wait()
        return take_one(upload, message, context)

    def answer(request: Any, context: grpc.ServicerContext) -> None:
        assert fake.unary_faults or go_on.wait()
        receive(request, context)

    monkeypatch.setattr(fake, "_take_one", take)
    monkeypatch.setattr(fake, "_receive", answer)
    for module, name in (
        (_blocking, "TELL_SECONDS"),
        (_transport, "TELL_SECONDS"),
        (_lookouts, "_MOST_SECONDS"),
    ):
        monkeypatch.setattr(module, name, 0.01)
    yield go_on
    go_on.set()


@pytest.mark.parametrize("faults", [[], [Fault(grpc.StatusCode.PERMISSION_DENIED)]])
def test_progress_is_told_while_nobody_answers(
    running: Running, clients: Clients, still: Event, csv_file: Path, faults: list[Fault]
) -> None:
    """So time is seen to go by, also by whoever may not look."""
    running.fake.unary_faults.extend(faults)
    seen: list[UploadProgress] = []

    def note(progress: UploadProgress) -> None:
        seen.append(progress)
        if len(seen) == MANY:
            still.set()

    with clients.admin(running.address, api_key="key-1") as client:
        upload = client.upload_devices("p1", csv_file, progress=note)
    assert upload.state is UploadState.FINISHED
    assert {progress.committed_bytes for progress in seen[:MANY]} == {0}


def test_what_progress_raises_ends_the_wait_for_an_answer(
    client: AdminClient, fake: FakeRollbook, still: Event, csv_file: Path
) -> None:
    seen: list[UploadProgress] = []

    def fail(progress: UploadProgress) -> None:
        seen.append(progress)
        if len(seen) >= MANY and fake.uploads:
            raise RuntimeError("enough")

    with pytest.raises(RuntimeError, match="enough"):
        client.upload_devices("p1", csv_file, progress=fail)
    assert len(only_upload(fake).data) <= CHUNK
    assert not still.is_set()
