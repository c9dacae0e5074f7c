"""What administrators and their services call, for asyncio."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING

from rollbook._admin_calls import AdminCalls
from rollbook.aio._client import AsyncioClient
from rollbook.aio._rows import RowSource
from rollbook.words import OnConflict, OnInvalidRow

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Callable, Iterable, Sequence

    from rollbook.resources import DeviceRow, Upload, UploadProgress


class AsyncAdminClient(AsyncioClient, AdminCalls):
    """Looks after all that `rollbook.AdminClient` looks after, in asyncio.

    All is as for that client, but methods are awaited, and what it iterates is iterated
    with `async for`. Close it, or use it in an `async with`.

    >>> async def main():
    ...     async with AsyncAdminClient(address, api_key=key) as admin:
    ...         profile = await admin.create_profile("Depot tablets")
    ...         await admin.upload_devices(profile.profile_id, "devices.csv")
    ...         return [each.state.name async for each in admin.list_devices(profile.profile_id)]
    >>> asyncio.run(main())
    ['PENDING']

    A task that is cancelled ends its call; an upload keeps what was committed.
    """

    async def upload_rows(  # noqa: PLR0913 - as many options as an upload has
        self,
        profile_id: str,
        rows: Callable[[], Iterable[DeviceRow] | AsyncIterable[DeviceRow]] | Sequence[DeviceRow],
        *,
        upload_id: str | None = None,
        file_name: str | None = None,
        on_invalid_row: OnInvalidRow = OnInvalidRow.SKIP,
        on_conflict: OnConflict = OnConflict.REJECT,
        validate_only: bool = False,
        progress: Callable[[UploadProgress], None] | None = None,
        give_up_after_seconds: float = 300.0,
    ) -> Upload:
        """Upload typed rows: a list, or a function that gives them from the first on.

        What the function gives may be iterated with `for` or with `async for`: an
        asynchronous generator runs in this event loop and is closed with the upload, all
        else is read in threads, never two at once.

        The function is called again for every stream and has to give the same rows in
        the same order; rows that come slowly are sent every second. For all else see
        `rollbook.AdminClient.upload_rows` and `upload_devices`. An iterator is refused with
        TypeError, for it could not be read again, and so is a function that gives the same
        one twice.
        """
        async with aclosing(RowSource(rows)) as source:
            return await self._upload(
                source.opener(),
                profile_id,
                upload_id=upload_id,
                file_name=file_name or "",
                on_invalid_row=on_invalid_row,
                on_conflict=on_conflict,
                validate_only=validate_only,
                column_mapping=None,
                progress=progress,
                give_up_after_seconds=give_up_after_seconds,
            )
