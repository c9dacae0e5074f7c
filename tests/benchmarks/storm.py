"""A school opens its tablets: tens of thousands of agents switch on in one instant.

`python storm.py AGENTS` prints how long they waited; all of them end registered.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import grpc.aio

sys.path.insert(0, str(Path(__file__).parents[1]))  # `running`, as the tests know it

from benchmarks.servers import fresh_server
from rollbook import DeviceRow, UnavailableError
from rollbook._channel import Endpoint
from rollbook._failures import from_rpc_error
from rollbook._patience import Patience
from rollbook.v1 import enrollment_service_pb2, enrollment_service_pb2_grpc

if TYPE_CHECKING:
    from collections.abc import Sequence

CHANNELS = 64  # as many connections; an agent's own would measure the client's machine


def main(agents: int) -> None:
    """Let all agents call at once, each as long as it takes, with the library's waits."""
    with tempfile.TemporaryDirectory() as folder, fresh_server(Path(folder) / "s") as server:
        imeis = [f"35{number:012}" for number in range(agents)]
        with server.admin() as admin:
            profile = admin.create_profile("Storm", tokenless=True).profile_id
            admin.upload_rows(profile, [DeviceRow(imei=imei) for imei in imeis])
            waits = sorted(asyncio.run(_storm(server.address, imeis)))
            registered = admin.get_profile(profile).registered_count
    print(f"{agents:,} agents at once: {registered:,} registered")
    for share, place in (("half", 0.5), ("99 %", 0.99), ("the slowest", 1.0)):
        wait = waits[min(len(waits) - 1, int(len(waits) * place))]
        print(f"{share} waited at most {wait:.1f} s")
    sys.exit(registered != agents)


async def _storm(address: str, imeis: Sequence[str]) -> list[float]:
    channels = [grpc.aio.insecure_channel(address) for _ in range(CHANNELS)]
    stubs: list[Any] = [
        enrollment_service_pb2_grpc.EnrollmentServiceStub(channel) for channel in channels
    ]
    endpoint = Endpoint(address, plaintext=True)
    agents = (
        _switch_on(stubs[index % CHANNELS], imei, endpoint) for index, imei in enumerate(imeis)
    )
    waits = await asyncio.gather(*agents)
    for channel in channels:
        await channel.close()
    return waits


async def _switch_on(stub: Any, imei: str, endpoint: Endpoint) -> float:
    """Give how long the device waited until it was registered."""
    begun = time.perf_counter()
    patience = Patience()
    request = enrollment_service_pb2.EnrollDeviceRequest(imeis=[imei], request_id=imei)
    while True:
        try:
            answer = await stub.EnrollDevice(request, timeout=60)
        except grpc.aio.AioRpcError as error:
            told = from_rpc_error(error, endpoint)
            if not isinstance(told, UnavailableError):
                raise told from error
            delay = patience.delay(told.retry_after_seconds or 0.0, give_up_after_seconds=1e6)
            assert delay is not None
            await asyncio.sleep(delay)
        else:
            assert answer.device_id
            return time.perf_counter() - begun


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 40_000)
