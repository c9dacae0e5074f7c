"""The part of `AdminClient` that gives CSV files: to fill in, and of what is on the roll."""

from __future__ import annotations

from contextlib import aclosing
from functools import partial
from typing import TYPE_CHECKING

from rollbook import _dual
from rollbook._broken_off import broken_off
from rollbook._calls import Calls
from rollbook.errors import RollbookError
from rollbook.v1 import device_service_pb2, device_service_pb2_grpc

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator
    from typing import BinaryIO


class InventoryCalls(Calls):
    """Calls the part of DeviceService that gives files."""

    @property
    def _devices(self) -> device_service_pb2_grpc.DeviceServiceStub:
        return self._caller.stub(device_service_pb2_grpc.DeviceServiceStub)

    @_dual.method
    async def get_upload_template(self, profile_id: str = "") -> bytes:
        """Give a CSV file to fill in, with an example row.

        It has the attribute columns of the profile, or of all profiles if none is named.
        """
        request = device_service_pb2.GetUploadTemplateRequest(profile_id=profile_id)
        answer = await self._caller.unary(self._devices.GetUploadTemplate, request)
        return answer.data

    @_dual.iterator
    async def export_devices(self, profile_id: str) -> AsyncIterator[bytes]:
        """Give the inventory of a profile as a CSV file, piece by piece as you iterate.

        UTF-8 with BOM; it can be uploaded again. The pieces are cut anywhere, and only
        all of them are the file: an export that breaks raises RollbookError, says so,
        and has to begin anew. It may take as long as it likes. To stop it early, close
        the iterator.
        """
        async with aclosing(self._pieces(profile_id)) as pieces:
            async for piece in pieces:
                yield piece

    @_dual.method
    async def write_inventory(self, profile_id: str, file: BinaryIO) -> int:
        """Write the inventory of a profile to a file open in binary mode; gives its bytes.

        What is written when an error is raised is no whole file; see `export_devices`.

        >>> with open("inventory.csv", "wb") as file:
        ...     size = admin.write_inventory(profile_id, file)
        """
        written = 0
        async with aclosing(self._pieces(profile_id)) as pieces:
            async for piece in pieces:
                written += await self._caller.transport.run(partial(file.write, piece))
        return written

    async def _pieces(self, profile_id: str) -> AsyncGenerator[bytes, None]:
        request = device_service_pb2.ExportDevicesRequest(profile_id=profile_id)
        begun = False
        try:
            async with aclosing(
                self._caller.receive(self._devices.ExportDevices, request)
            ) as messages:
                async for message in messages:
                    begun = True
                    yield message.data
        except RollbookError as error:
            if begun:
                raise broken_off(error, "The inventory") from error
            raise
