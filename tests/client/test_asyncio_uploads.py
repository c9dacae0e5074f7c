"""Uploads of asyncio clients: cancelled, out of time, and of rows that come asynchronously."""

from __future__ import annotations

import asyncio
import io
from itertools import groupby
from typing import TYPE_CHECKING

import pytest

from client.faults import Fault
from client.holding import Gate, cancelled, until
from client.test_upload_rows import ROWS
from client.test_uploads import CONTENT, only_upload
from rollbook import AsyncAdminClient, DeviceRow, UploadProgress, UploadState
from rollbook.v1 import upload_pb2

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from client.conftest import Use
    from client.fake_server import FakeRollbook


def test_a_source_that_stands_still_holds_up_nobody_else(
    use: Callable[[Use], None], fake: FakeRollbook
) -> None:
    async def body(client: AsyncAdminClient) -> None:
        gate = Gate()
        upload = asyncio.create_task(client.upload_devices("p1", lambda: gate))
        await until(gate.reached)
        assert (await client.get_profile("p2")).profile_id == "p2"
        gate.opened.set()
        assert (await upload).state is UploadState.FINISHED

    use(body)
    assert only_upload(fake).data == CONTENT


def test_a_cancelled_upload_ends_its_call_and_goes_on_later(
    use: Callable[[Use], None], fake: FakeRollbook
) -> None:
    async def body(client: AsyncAdminClient) -> None:
        gate = Gate()
        upload = asyncio.create_task(client.upload_devices("p1", lambda: gate, upload_id="u1"))
        await until(gate.reached)
        assert [await asyncio.to_thread(fake.taken.get, timeout=10) for _ in "12"] == [
            "open",
            "csv",
        ]
        await cancelled(upload)
        await asyncio.to_thread(fake.ended_streams.get, timeout=10)
        gate.opened.set()
        await until(gate.let_go)
        assert await client.upload_devices("p1", lambda: io.BytesIO(CONTENT), upload_id="u1")

    use(body)
    assert fake.streams()[1][1].csv.offset == 256 * 1024
    assert only_upload(fake).data == CONTENT


def test_an_upload_that_is_given_no_more_time_ends(
    use: Callable[[Use], None], fake: FakeRollbook
) -> None:
    """As web frameworks cancel: from outside, and the client goes on."""

    async def body(client: AsyncAdminClient) -> None:
        gate = Gate()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(None) as limit:
                await client.upload_devices(
                    "p1", lambda: gate, progress=lambda _: limit.reschedule(0)
                )
        gate.opened.set()
        assert (await client.get_profile("p1")).profile_id == "p1"

    use(body)
    finished = upload_pb2.UPLOAD_STATE_FINISHED
    assert all(upload.message.state != finished for upload in fake.uploads.values())


def test_rows_may_come_asynchronously_and_begin_anew_for_every_stream(
    use: Callable[[Use], None], fake: FakeRollbook
) -> None:
    loops, events = set[object](), list[str]()

    async def rows() -> AsyncIterator[DeviceRow]:
        loops.add(asyncio.get_running_loop())
        events.append("begun")
        try:
            for number, row in enumerate(ROWS):
                if number % 100 == 0:
                    await asyncio.sleep(0)
                yield row
        finally:
            events.append("closed")

    async def body(client: AsyncAdminClient) -> None:
        fake.stream_faults.append(Fault(after=2))
        upload = await client.upload_rows("p1", rows)
        assert (upload.state, upload.committed_rows) == (UploadState.FINISHED, 2_500)
        assert loops == {asyncio.get_running_loop()}

    use(body)
    assert [row.serial_number for row in only_upload(fake).rows] == [r.serial_number for r in ROWS]
    assert events == ["begun", "closed"] * 2


def test_an_asynchronous_iterator_of_a_cancelled_upload_is_closed_while_it_waits(
    use: Callable[[Use], None], fake: FakeRollbook
) -> None:
    async def body(client: AsyncAdminClient) -> None:
        waits, closed = asyncio.Event(), asyncio.Event()

        async def rows() -> AsyncIterator[DeviceRow]:
            try:
                yield ROWS[0]
                waits.set()
                await asyncio.Event().wait()
            finally:
                await asyncio.sleep(0)  # as what gives a connection back
                closed.set()

        upload = asyncio.create_task(client.upload_rows("p1", rows))
        await asyncio.wait_for(waits.wait(), 10)
        await cancelled(upload)
        assert closed.is_set()

    use(body)
    assert all(not message.HasField("finish") for stream in fake.streams() for message in stream)


def test_what_asynchronous_rows_raise_is_raised_to_the_caller(
    use: Callable[[Use], None], fake: FakeRollbook
) -> None:
    async def rows() -> AsyncIterator[DeviceRow]:
        yield ROWS[0]
        raise LookupError("no such branch")

    async def body(client: AsyncAdminClient) -> None:
        with pytest.raises(LookupError, match="no such branch"):
            await client.upload_rows("p1", rows)

    use(body)
    assert only_upload(fake).message.state == upload_pb2.UPLOAD_STATE_OPEN


def test_an_asynchronous_iterator_that_could_not_be_read_again_is_refused(
    use: Callable[[Use], None], fake: FakeRollbook
) -> None:
    async def rows() -> AsyncIterator[DeviceRow]:
        yield ROWS[0]

    async def body(client: AsyncAdminClient) -> None:
        begun = rows()
        with pytest.raises(TypeError, match="cannot be read again"):
            await client.upload_rows("p1", begun)  # type: ignore[arg-type]  # refused
        fake.stream_faults.append(Fault(after=1))
        with pytest.raises(TypeError, match="has to give a new one"):
            await client.upload_rows("p1", lambda: begun)

    use(body)


def test_progress_is_told_in_the_event_loop(use: Callable[[Use], None]) -> None:
    async def body(client: AsyncAdminClient) -> None:
        told: list[tuple[object, int]] = []

        def note(progress: UploadProgress) -> None:
            told.append((asyncio.get_running_loop(), progress.sent_rows))

        await client.upload_rows("p1", ROWS, progress=note)
        assert {loop for loop, _ in told} == {asyncio.get_running_loop()}
        # The last is told again and again, the longer the answer takes.
        assert [rows for rows, _ in groupby(rows for _, rows in told)] == [1_000, 2_000, 2_500]

    use(body)
