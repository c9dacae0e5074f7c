"""The part of `AdminClient` that gives CSV files: to fill in, and of what is on the roll."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollbook._broken_off import broken_off
from rollbook._calls import Client
from rollbook.errors import RollbookError
from rollbook.v1 import device_service_pb2, device_service_pb2_grpc

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

    from rollbook._calls import Caller


class InventoryCalls(Client):
    """Calls the part of DeviceService that gives files."""

    def __init__(self, caller: Caller) -> None:
        super().__init__(caller)
        self._inventory = device_service_pb2_grpc.DeviceServiceStub(caller.channel)

    def get_upload_template(self, profile_id: str = "") -> bytes:
        """Give a CSV file to fill in, with an example row.

        It has the attribute columns of the profile, or of all profiles if none is named.
        """
        request = device_service_pb2.GetUploadTemplateRequest(profile_id=profile_id)
        return self._caller.unary(self._inventory.GetUploadTemplate, request).data

    def export_devices(self, profile_id: str) -> Iterator[bytes]:
        """Give the inventory of a profile as a CSV file, piece by piece as you iterate.

        UTF-8 with BOM; it can be uploaded again. The pieces are cut anywhere, and only
        all of them are the file: an export that breaks raises RollbookError, says so,
        and has to begin anew. It may take as long as it likes. To stop it early, close
        the iterator.
        """
        request = device_service_pb2.ExportDevicesRequest(profile_id=profile_id)
        begun = False
        with self._caller.translated():
            call = self._inventory.ExportDevices(request, metadata=self._caller.metadata)
        try:
            with self._caller.translated():
                for piece in call:
                    begun = True
                    yield piece.data
        except RollbookError as error:
            if begun:
                raise broken_off(error, "The inventory") from error
            raise
        finally:
            call.cancel()

    def write_inventory(self, profile_id: str, file: BinaryIO) -> int:
        """Write the inventory of a profile to a file open in binary mode; gives its bytes.

        What is written when an error is raised is no whole file; see `export_devices`.
        """
        return sum(file.write(piece) for piece in self.export_devices(profile_id))
