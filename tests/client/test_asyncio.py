"""What only a client of asyncio can do, or get wrong: be cancelled, and hold up its loop."""

from __future__ import annotations

import asyncio
import io
from dataclasses import dataclass, field
from itertools import groupby
from threading import Event
from typing import TYPE_CHECKING, Any, NoReturn

import grpc
import grpc.aio
import pytest

from client.faults import Fault
from client.test_upload_rows import ROWS
from client.test_uploads import CONTENT, only_upload
from rollbook import AsyncAdminClient, DeviceRow, UnavailableError, UploadProgress, UploadState
from rollbook.aio._endings import Ending
from rollbook.v1 import profile_pb2, upload_pb2

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from client.conftest import FakeTime
    from client.fake_server import FakeRollbook, Running

    Use = Callable[[AsyncAdminClient], Awaitable[None]]


@dataclass(frozen=True)
class HeldFault(Fault):
    """Keeps a call waiting until it is let go."""

    held: Event = field(default_factory=Event)
    let_go: Event = field(default_factory=Event)

    def raise_in(self, context: grpc.ServicerContext) -> NoReturn:
        self.held.set()
        assert self.let_go.wait(10)
        super().raise_in(context)


class Gate(io.BytesIO):
    """A file that stands still behind its first chunk until it is let go on."""

    def __init__(self) -> None:
        super().__init__(CONTENT)
        self.reached, self.opened, self.let_go = Event(), Event(), Event()

    def read(self, size: int | None = -1, /) -> bytes:
        if self.tell():
            self.reached.set()
            assert self.opened.wait(10)
        return super().read(size)

    def close(self) -> None:
        super().close()
        self.let_go.set()


@pytest.fixture
def use(running: Running, fake_time: FakeTime) -> Callable[[Use], None]:
    """Give what runs a coroutine function with a client, in an event loop."""

    async def main(body: Use) -> None:
        async with AsyncAdminClient(running.address, api_key="key-1") as client:
            fake_time.rule(client)
            await body(client)

    return lambda body: asyncio.run(main(body))


async def until(event: Event) -> None:
    assert await asyncio.to_thread(event.wait, 10)


async def cancelled(task: asyncio.Task[Any]) -> None:
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


def test_calls_of_many_tasks_are_under_way_at_once(
    use: Callable[[Use], None], fake: FakeRollbook
) -> None:
    async def body(client: AsyncAdminClient) -> None:
        profiles = await asyncio.gather(*(client.get_profile(str(n)) for n in range(20)))
        assert [profile.profile_id for profile in profiles] == [str(n) for n in range(20)]

    use(body)
    assert len(fake.requests) == 20


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


def test_a_wait_between_attempts_can_be_cancelled(running: Running, fake: FakeRollbook) -> None:
    fake.unary_faults.extend([Fault(reason="SERVER_BUSY", retry_after=20.0)] * 5)

    async def main() -> None:
        async with AsyncAdminClient(running.address, api_key="key-1") as client:
            waiting, sleep = asyncio.Event(), client._caller.sleep

            async def told(seconds: float) -> None:
                waiting.set()
                await sleep(seconds)

            client._caller.sleep = told
            call = asyncio.create_task(client.get_profile("p1"))
            await asyncio.wait_for(waiting.wait(), 10)
            await cancelled(call)

    asyncio.run(main())


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


def test_a_client_may_be_made_before_its_event_loop_runs(running: Running) -> None:
    client = AsyncAdminClient(running.address, api_key="key-1")

    async def main() -> str:
        async with client:
            return (await client.get_profile("p1")).profile_id

    assert asyncio.run(main()) == "p1"


def test_in_another_event_loop_it_says_what_to_do(running: Running) -> None:
    client = AsyncAdminClient(running.address, api_key="key-1")
    with asyncio.Runner() as first, asyncio.Runner() as second:
        first.run(client.get_profile("p1"))
        with pytest.raises(RuntimeError, match="make one in each"):
            second.run(client.get_profile("p1"))
        first.run(client.close())


def test_closing_the_client_is_no_cancellation_of_who_waits(use: Callable[[Use], None]) -> None:
    async def body(client: AsyncAdminClient) -> None:
        gate = Gate()
        upload = asyncio.create_task(client.upload_devices("p1", lambda: gate))
        await until(gate.reached)
        await client.close()
        gate.opened.set()
        with pytest.raises(ValueError, match="this client is closed"):
            await upload  # which would have gone on with another stream
        with pytest.raises(ValueError, match="this client is closed"):
            await client.get_profile("p1")

    use(body)


def test_a_call_that_is_cut_off_by_closing_says_so(running: Running, fake: FakeRollbook) -> None:
    fault = HeldFault()
    fake.unary_faults.append(fault)

    async def main() -> None:
        client = AsyncAdminClient(running.address, api_key="key-1")
        call = asyncio.create_task(client.get_profile("p1"))
        await until(fault.held)
        await client.close()
        with pytest.raises(UnavailableError, match="the client was closed"):
            await call

    asyncio.run(main())
    fault.let_go.set()


class OverwrittenCall:
    """A call of grpc.aio of which a message fails to be sent before or after it has ended."""

    def __init__(self, *endings: tuple[grpc.StatusCode, str]) -> None:
        self._endings = endings
        self._now = endings[0]

    def add_done_callback(self, note: Callable[[object], None]) -> None:
        for ending in self._endings:
            self._now = ending
            note(self)

    async def code(self) -> grpc.StatusCode:
        return self._now[0]

    async def details(self) -> str:
        return self._now[1]

    async def trailing_metadata(self) -> grpc.aio.Metadata:
        return grpc.aio.Metadata(("told", self._now[1]))


SAID = (grpc.StatusCode.ABORTED, "superseded")
NOT_SENT = (grpc.StatusCode.INTERNAL, "Internal error from Core")


@pytest.mark.parametrize("endings", [(SAID, NOT_SENT), (NOT_SENT, SAID), (SAID,)])
def test_what_the_server_said_is_not_written_over_by_what_could_not_be_sent(
    endings: tuple[tuple[grpc.StatusCode, str], ...],
) -> None:
    nothing = grpc.aio.Metadata()
    raised = grpc.aio.AioRpcError(NOT_SENT[0], nothing, nothing, NOT_SENT[1])
    told = Ending(OverwrittenCall(*endings)).told(raised)
    assert (told.code(), told.details()) == SAID
    assert tuple(told.trailing_metadata() or ()) == (("told", "superseded"),)
    assert Ending(OverwrittenCall(NOT_SENT)).told(raised) is raised


def test_a_list_may_be_left_before_its_end(use: Callable[[Use], None], fake: FakeRollbook) -> None:
    fake.profiles = [profile_pb2.Profile(profile_id=str(number)) for number in range(5)]

    async def body(client: AsyncAdminClient) -> None:
        async for profile in client.list_profiles():
            assert profile.profile_id == "0"
            break

    use(body)
    assert len(fake.requests) == 1
