"""The clients of Rollbook for asyncio.

`AsyncAdminClient` and `AsyncEnrollmentAgent` have the methods of `rollbook.AdminClient` and
`rollbook.EnrollmentAgent`, with the same arguments, retries, deadlines and errors. What gives
one answer there is awaited here; what is iterated there is iterated with `async for` here:

    >>> async def main():
    ...     async with AsyncAdminClient(address, api_key=key) as admin:
    ...         profile = await admin.create_profile("Spring tablets")
    ...         upload = await admin.upload_devices(profile.profile_id, "devices.csv")
    ...         async for device in admin.list_devices(profile.profile_id):
    ...             print(device.imei, device.state)
    >>> asyncio.run(main())
    49015420323751 PENDING

A client belongs to the event loop of its first call; its tasks may share it. A task that is
cancelled ends its call at once. What a cancelled upload committed stays, and the upload goes
on from there when it is called again with the same `upload_id`.
"""

from __future__ import annotations

from rollbook.aio._admin import AsyncAdminClient
from rollbook.aio._agent import AsyncEnrollmentAgent

__all__ = ["AsyncAdminClient", "AsyncEnrollmentAgent"]
