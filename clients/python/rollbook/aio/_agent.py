"""What device agents call, for asyncio."""

from __future__ import annotations

from rollbook._enrollment_calls import EnrollmentCalls
from rollbook.aio._client import AsyncioClient


class AsyncEnrollmentAgent(AsyncioClient, EnrollmentCalls):
    """Speaks for a device that switches on, in asyncio; needs no API key.

    All is as for `rollbook.EnrollmentAgent`, but methods are awaited. Close it, or use it
    in an `async with`.

    >>> async def main():
    ...     async with AsyncEnrollmentAgent(address, patience_seconds=600) as agent:
    ...         return await agent.enroll_device(token=token, imeis=["356938035643809"])
    >>> asyncio.run(main()).attributes
    {'site': 'North'}
    """
