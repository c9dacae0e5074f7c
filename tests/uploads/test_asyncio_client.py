"""The client of asyncio against a real server: nothing is lost or doubled by kills and cancels."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from devices.calls import imei
from rollbook import AsyncAdminClient, AsyncEnrollmentAgent, DeviceRow, EnrollOutcome, UploadState

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from rollbook import UploadProgress
    from running import Server, ServerProcess

ROWS = 60_000


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Give a file of four chunks."""
    path = tmp_path / "devices.csv"
    path.write_text("\n".join(["IMEI", *map(imei, range(ROWS)), ""]))
    return path


def test_a_server_that_is_killed_in_an_upload_gets_every_row_once(
    process: ServerProcess, file: Path
) -> None:
    streams: list[int] = []

    def kill_once(progress: UploadProgress) -> None:
        streams.append(progress.streams)
        if streams == [1, 1]:
            process.kill()
            process.start()

    async def main() -> None:
        async with AsyncAdminClient(process.address, api_key=process.api_key) as admin:
            profile = await admin.create_profile("Depot")
            upload = await admin.upload_devices(profile.profile_id, file, progress=kill_once)
            assert (upload.state, upload.row_count) == (UploadState.FINISHED, ROWS)
            assert (await admin.get_profile(profile.profile_id)).device_count == ROWS

    asyncio.run(main())
    assert streams[-1] == 2


def test_a_cancelled_upload_is_resumed_and_has_every_row_once(server: Server, file: Path) -> None:
    async def main() -> None:
        async with AsyncAdminClient(server.address, api_key=server.api_key) as admin:
            profile = await admin.create_profile("Depot")

            async def upload(*, cancel: bool) -> UploadState:
                task = asyncio.current_task()
                assert task is not None

                def told(_: UploadProgress) -> None:
                    if cancel:
                        task.cancel()

                given = await admin.upload_devices(
                    profile.profile_id, file, upload_id="monday", progress=told
                )
                return given.state

            for _ in range(3):
                with pytest.raises(asyncio.CancelledError):
                    await asyncio.create_task(upload(cancel=True))
            assert await upload(cancel=False) is UploadState.FINISHED
            assert (await admin.get_upload("monday")).created_count == ROWS
            assert (await admin.get_profile(profile.profile_id)).device_count == ROWS

    asyncio.run(main())


def test_rows_go_up_and_devices_enroll_in_one_event_loop(server: Server) -> None:
    async def rows() -> AsyncIterator[DeviceRow]:
        for number in range(100):
            await asyncio.sleep(0)
            yield DeviceRow(imei=imei(number), attributes={"site": "North"})

    async def main() -> None:
        async with (
            AsyncAdminClient(server.address, api_key=server.api_key) as admin,
            AsyncEnrollmentAgent(server.address, patience_seconds=120) as agent,
        ):
            profile = await admin.create_profile("Depot")
            await admin.upload_rows(profile.profile_id, rows)
            token = await admin.reveal_token(profile.profile_id)
            enrolled = await asyncio.gather(
                *(agent.enroll_device(token=token, imeis=[imei(n)]) for n in range(100))
            )
            assert {each.outcome for each in enrolled} == {EnrollOutcome.REGISTERED}
            listed = {each.device_id async for each in admin.list_devices(page_size=7)}
            assert listed == {each.device_id for each in enrolled}
            pieces = [piece async for piece in admin.export_devices(profile.profile_id)]
            assert b"".join(pieces).count(b"North") == 100

    asyncio.run(main())
