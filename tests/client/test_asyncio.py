"""What only a client of asyncio can do, or get wrong: be cancelled, and hold up its loop."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import grpc
import grpc.aio
import pytest

from client.faults import Fault
from client.holding import Gate, HeldFault, cancelled, until
from rollbook import AsyncAdminClient, UnavailableError
from rollbook.aio._endings import Ending
from rollbook.v1 import profile_pb2

if TYPE_CHECKING:
    from collections.abc import Callable

    from client.conftest import Use
    from client.fake_server import FakeRollbook, Running


def test_calls_of_many_tasks_are_under_way_at_once(
    use: Callable[[Use], None], fake: FakeRollbook
) -> None:
    async def body(client: AsyncAdminClient) -> None:
        profiles = await asyncio.gather(*(client.get_profile(str(n)) for n in range(20)))
        assert [profile.profile_id for profile in profiles] == [str(n) for n in range(20)]

    use(body)
    assert len(fake.requests) == 20


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
