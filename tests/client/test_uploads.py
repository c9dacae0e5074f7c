"""A CSV upload that meets no faults but those of its own source."""

from __future__ import annotations

import io
import os
from threading import Event
from typing import TYPE_CHECKING, Any, BinaryIO

import grpc
import pytest

from client.fake_server import FakeUpload
from client.faults import Fault
from rollbook import (
    AdminClient,
    InvalidArgumentError,
    OnConflict,
    OnInvalidRow,
    SourceChangedError,
    UploadProgress,
    UploadState,
)
from rollbook.v1 import upload_pb2

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from client.fake_server import FakeRollbook

# Four chunks, the last one short.
CONTENT = b"imei\n" + b"356938035643809\n" * 60_000
CHUNK = 256 * 1024
# Only a test that fails waits so long.
_LONG_SECONDS = 60.0


@pytest.fixture
def csv_file(tmp_path: Path) -> Path:
    path = tmp_path / "devices.csv"
    path.write_bytes(CONTENT)
    return path


def only_upload(fake: FakeRollbook) -> FakeUpload:
    (upload,) = fake.uploads.values()
    return upload


@pytest.mark.parametrize(
    ("raw", "told"), [(b"caf\xe9.csv", "caf\ufffd.csv"), ("café.csv".encode(), "café.csv")]
)
def test_a_name_that_is_no_text_is_sent_as_far_as_it_is(
    client: AdminClient, fake: FakeRollbook, tmp_path: Path, raw: bytes, told: str
) -> None:
    path = os.fsdecode(os.fsencode(tmp_path) + b"/" + raw)
    with open(path, "wb") as file:  # noqa: PTH123 - as the file system names it
        file.write(CONTENT)
    assert client.upload_devices("p1", path).committed_offset == len(CONTENT)
    ((opening, *_),) = fake.streams()
    assert opening.open.file_name == told


def test_a_file_arrives_as_it_is(client: AdminClient, fake: FakeRollbook, csv_file: Path) -> None:
    upload = client.upload_devices("p1", csv_file)
    assert upload.state is UploadState.FINISHED
    assert upload.committed_offset == len(CONTENT)
    assert only_upload(fake).data == CONTENT
    (stream,) = fake.streams()
    assert [message.WhichOneof("message") for message in stream] == [
        "open",
        *["csv"] * 4,
        "finish",
    ]
    assert len(fake.requests) == len(stream), "nothing is asked about a fresh upload"


def test_options_are_sent(client: AdminClient, fake: FakeRollbook, csv_file: Path) -> None:
    client.upload_devices(
        "p1",
        str(csv_file),
        upload_id="u1",
        on_invalid_row=OnInvalidRow.FAIL,
        on_conflict=OnConflict.MOVE,
        validate_only=True,
        column_mapping={"Tag": "ignored"},
    )
    opening = fake.streams()[0][0].open
    assert (opening.upload_id, opening.profile_id) == ("u1", "p1")
    assert opening.file_name == "devices.csv"
    assert opening.on_invalid_row == upload_pb2.ON_INVALID_ROW_FAIL
    assert opening.on_conflict == upload_pb2.ON_CONFLICT_MOVE
    assert opening.validate_only
    assert opening.column_mapping == {"Tag": "ignored"}


def test_every_upload_has_an_id_of_its_own(client: AdminClient, fake: FakeRollbook) -> None:
    for _ in range(2):
        client.upload_devices("p1", lambda: io.BytesIO(b"imei\n"), file_name="a.csv")
    first, second = (stream[0].open for stream in fake.streams())
    assert first.upload_id != second.upload_id
    assert len(first.upload_id) == 32
    assert first.file_name == "a.csv"


def test_progress_ends_with_what_is_committed(client: AdminClient, csv_file: Path) -> None:
    seen: list[UploadProgress] = []
    client.upload_devices("p1", csv_file, progress=seen.append)
    sent = [progress.sent_bytes for progress in seen]
    assert sent == sorted(sent)
    assert {progress.total_bytes for progress in seen} == {len(CONTENT)}
    assert seen[0].committed_bytes == 0
    assert (seen[-1].sent_bytes, seen[-1].committed_bytes) == (len(CONTENT), len(CONTENT))
    assert (seen[-1].committed_rows, seen[-1].streams) == (60_001, 1)


@pytest.fixture
def standing(fake: FakeRollbook, monkeypatch: pytest.MonkeyPatch) -> Iterator[Event]:
    """Let the server stand still behind the first chunk, until the event is set."""
    go_on, take_one = Event(), fake._take_one

    def take(upload: FakeUpload, message: Any, context: grpc.ServicerContext) -> FakeUpload:
        if upload.data:
            assert go_on.wait(_LONG_SECONDS)
        return take_one(upload, message, context)

    monkeypatch.setattr(fake, "_take_one", take)
    yield go_on
    go_on.set()


def test_progress_tells_what_is_committed_while_the_stream_goes_on(
    client: AdminClient, csv_file: Path, standing: Event
) -> None:
    seen: list[UploadProgress] = []

    def note(progress: UploadProgress) -> None:
        seen.append(progress)
        if progress.committed_bytes:
            standing.set()

    client.upload_devices("p1", csv_file, progress=note)
    assert CHUNK in {progress.committed_bytes for progress in seen}
    assert all(progress.committed_is_known for progress in seen)


def test_what_progress_raises_ends_a_stream_that_stands_still(
    client: AdminClient, csv_file: Path, standing: Event
) -> None:
    def fail(progress: UploadProgress) -> None:
        if progress.committed_bytes:
            raise RuntimeError("enough")

    with pytest.raises(RuntimeError, match="enough"):
        client.upload_devices("p1", csv_file, progress=fail)
    assert not standing.is_set()


def test_a_key_that_may_not_look_asks_once(
    client: AdminClient, fake: FakeRollbook, csv_file: Path, standing: Event
) -> None:
    fake.unary_faults.append(Fault(grpc.StatusCode.PERMISSION_DENIED, "RIGHT_MISSING"))
    seen: list[UploadProgress] = []

    def note(progress: UploadProgress) -> None:
        seen.append(progress)
        if not progress.committed_is_known:
            standing.set()

    client.upload_devices("p1", csv_file, progress=note)
    assert [type(each).__name__ for each in fake.requests].count("GetUploadRequest") == 1
    assert seen[-1].committed_is_known
    assert seen[-1].committed_bytes == len(CONTENT)


def test_of_a_pipe_nobody_knows_the_length(client: AdminClient, fake: FakeRollbook) -> None:
    class Pipe(io.BytesIO):
        def seekable(self) -> bool:
            return False

    seen: list[UploadProgress] = []
    client.upload_devices("p1", lambda: Pipe(CONTENT), progress=seen.append)
    assert {progress.total_bytes for progress in seen} == {None}
    assert only_upload(fake).data == CONTENT


def test_what_reading_raises_is_raised_here(client: AdminClient, fake: FakeRollbook) -> None:
    class Torn(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            if self.tell() > 300_000:
                raise OSError("the stick was pulled out")
            return super().read(size)

    with pytest.raises(OSError, match="pulled out"):
        client.upload_devices("p1", lambda: Torn(CONTENT))
    assert len(fake.streams()) == 1
    assert only_upload(fake).message.state == upload_pb2.UPLOAD_STATE_OPEN


def test_what_progress_raises_is_raised_here(client: AdminClient, csv_file: Path) -> None:
    def stop(_: UploadProgress) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        client.upload_devices("p1", csv_file, progress=stop)


def test_a_missing_file_sends_nothing(
    client: AdminClient, fake: FakeRollbook, tmp_path: Path
) -> None:
    with pytest.raises(FileNotFoundError):
        client.upload_devices("p1", tmp_path / "none.csv")
    assert fake.requests == []


def test_an_open_file_is_refused(client: AdminClient, csv_file: Path) -> None:
    with csv_file.open("rb") as file, pytest.raises(TypeError, match="pass its path"):
        client.upload_devices("p1", file)  # type: ignore[arg-type]  # refused


def test_a_pipe_is_refused_by_its_path(
    client: AdminClient, fake: FakeRollbook, tmp_path: Path
) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(TypeError, match="is a pipe, which cannot be read again"):
        client.upload_devices("p1", tmp_path / "pipe")
    assert fake.requests == []


def test_a_file_that_was_read_is_not_taken_for_another(
    client: AdminClient, fake: FakeRollbook
) -> None:
    file = io.BytesIO(CONTENT)
    fake.stream_faults.append(Fault(after=2))
    with pytest.raises(TypeError, match="has to give a new one"):
        client.upload_devices("p1", lambda: file)
    assert len(fake.streams()) == 1


def test_every_file_that_was_opened_is_closed(client: AdminClient, fake: FakeRollbook) -> None:
    opened: list[BinaryIO] = []

    def open_source() -> BinaryIO:
        opened.append(io.BytesIO(CONTENT))
        return opened[-1]

    fake.stream_faults.append(Fault(after=2))
    client.upload_devices("p1", open_source)
    assert [file.closed for file in opened] == [True, True]


def test_an_error_of_the_file_is_raised_at_once(
    client: AdminClient, fake: FakeRollbook, csv_file: Path
) -> None:
    metadata, text = {"line": "7", "row": "6"}, "line 7: the quote is never closed"
    invalid = grpc.StatusCode.INVALID_ARGUMENT
    fake.stream_faults.append(Fault(invalid, "CSV_UNCLOSED_QUOTE", text, metadata, after=2))
    with pytest.raises(InvalidArgumentError, match=f"^{text}$") as caught:
        client.upload_devices("p1", csv_file)
    assert (caught.value.reason, caught.value.metadata) == ("CSV_UNCLOSED_QUOTE", metadata)
    assert len(fake.streams()) == 1


def test_an_upload_goes_on_in_another_process(
    client: AdminClient, fake: FakeRollbook, csv_file: Path
) -> None:
    opened = upload_pb2.Upload(upload_id="u1", state=upload_pb2.UPLOAD_STATE_OPEN)
    fake.uploads["u1"] = FakeUpload(opened, data=CONTENT[:300_000])
    client.upload_devices("p1", csv_file, upload_id="u1")
    assert fake.streams()[0][1].csv.offset == 300_000
    assert only_upload(fake).data == CONTENT


@pytest.mark.parametrize("content", [b"x" + CONTENT[1:], CONTENT[:299_999]])
def test_another_file_is_not_sent(client: AdminClient, fake: FakeRollbook, content: bytes) -> None:
    opened = upload_pb2.Upload(upload_id="u1", state=upload_pb2.UPLOAD_STATE_OPEN)
    fake.uploads["u1"] = FakeUpload(opened, data=CONTENT[:300_000])
    with pytest.raises(SourceChangedError, match="Nothing was sent") as caught:
        client.upload_devices("p1", lambda: io.BytesIO(content), upload_id="u1")
    assert caught.value.reason == "UPLOAD_SOURCE_CHANGED"
    assert fake.streams() == []


def test_a_finished_upload_answers_its_result(
    client: AdminClient, fake: FakeRollbook, csv_file: Path
) -> None:
    first = client.upload_devices("p1", csv_file, upload_id="u1")
    assert client.upload_devices("p1", csv_file, upload_id="u1") == first
    assert only_upload(fake).data == CONTENT


def test_a_file_that_grew_since_its_upload_finished_is_not_taken_for_uploaded(
    client: AdminClient, fake: FakeRollbook, csv_file: Path
) -> None:
    client.upload_devices("p1", csv_file, upload_id="u1")
    csv_file.write_bytes(CONTENT + b"\n")
    with pytest.raises(SourceChangedError, match=f"behind byte {len(CONTENT)}"):
        client.upload_devices("p1", csv_file, upload_id="u1")
    assert len(fake.streams()) == 1
