"""Sources that come slowly or stand still: what is there is sent, and nobody hangs."""

from __future__ import annotations

import io
import os
from dataclasses import dataclass, field
from threading import Event
from typing import TYPE_CHECKING, BinaryIO, NoReturn

import pytest

from client.faults import Fault
from client.test_uploads import CONTENT, only_upload
from rollbook import AdminClient, DeviceRow, UploadState, _blocking
from rollbook._sources import CsvReader, RowReader
from rollbook.aio import _transport

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import grpc

    from client.conftest import FakeTime
    from client.fake_server import FakeRollbook


class SlowPipe(io.BytesIO):
    """Gives eight bytes at a time, each after a while."""

    def __init__(self, data: bytes, wait: Callable[[], None]) -> None:
        super().__init__(data)
        self._wait = wait

    def seekable(self) -> bool:
        return False

    def read1(self, size: int | None = -1, /) -> bytes:
        self._wait()
        return super().read1(8 if size is None else min(size, 8))


class WatchedReader(io.BufferedReader):
    """Tells when it is read, and when it is closed."""

    def __init__(self, raw: io.RawIOBase) -> None:
        super().__init__(raw)
        self.is_read, self.is_closed = Event(), Event()

    def read1(self, size: int = -1, /) -> bytes:
        self.is_read.set()
        return super().read1(size)

    def close(self) -> None:
        super().close()
        self.is_closed.set()


@dataclass(frozen=True)
class LateFault(Fault):
    """Fails once something else has happened."""

    when: Event = field(default_factory=Event)

    def raise_in(self, context: grpc.ServicerContext) -> NoReturn:
        assert self.when.wait(10)
        super().raise_in(context)


def slow_rows(fake_time: FakeTime, seconds: float, count: int) -> Iterator[DeviceRow]:
    for number in range(count):
        fake_time.now += seconds
        yield DeviceRow(imei=str(number))


def test_rows_that_trickle_are_sent_after_a_second(fake_time: FakeTime) -> None:
    reader = RowReader(slow_rows(fake_time, 0.4, 7), fake_time.clock)
    batches = [message.rows for message in reader.messages() if message.HasField("rows")]
    assert [(batch.first_row, len(batch.rows)) for batch in batches] == [(0, 3), (3, 3), (6, 1)]


def test_rows_that_hurry_wait_for_each_other(fake_time: FakeTime) -> None:
    reader = RowReader(slow_rows(fake_time, 0.0001, 1_001), fake_time.clock)
    sizes = [len(message.rows.rows) for message in reader.messages()]
    assert sizes == [1_000, 1, 0]


@pytest.mark.parametrize(("seconds", "sizes"), [(0.4, [24, 24, 2]), (0.0, [50])])
def test_a_pipe_is_sent_as_it_comes(fake_time: FakeTime, seconds: float, sizes: list[int]) -> None:
    def wait() -> None:
        fake_time.now += seconds

    reader = CsvReader(SlowPipe(b"x" * 50, wait), fake_time.clock)
    *chunks, last = list(reader.messages())
    assert [len(message.csv.data) for message in chunks] == sizes
    assert [message.csv.offset for message in chunks] == [sum(sizes[:n]) for n in range(len(sizes))]
    assert last.finish.total_bytes == 50


def test_a_source_that_stands_still_holds_nobody(
    client: AdminClient, fake: FakeRollbook, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server ends the stream meanwhile; the next one does not wait for the first pipe."""
    for transport in (_blocking, _transport):
        monkeypatch.setattr(transport, "_SOURCE_SECONDS", 0.01)
    theirs, ours = os.pipe()
    silent = WatchedReader(io.FileIO(theirs))
    fake.stream_faults.append(LateFault(reason="REQUEST_IDLE", after=1, when=silent.is_read))
    sources: list[BinaryIO] = [io.BytesIO(CONTENT), silent]
    upload = client.upload_devices("p1", sources.pop)
    assert upload.state is UploadState.FINISHED
    assert only_upload(fake).data == CONTENT
    assert not silent.is_closed.is_set()
    os.close(ours)
    assert silent.is_closed.wait(10), "whoever reads it last closes it"
