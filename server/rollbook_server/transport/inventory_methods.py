"""The part of DeviceService that gives CSV files: convert, call, convert."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollbook.v1 import device_service_pb2, device_service_pb2_grpc
from rollbook_server.domain import inventory, templates

if TYPE_CHECKING:
    from collections.abc import Iterator

    import grpc

    from rollbook_server.domain.ports import Store
    from rollbook_server.transport.streams import ExportStreams


class InventoryMethods(device_service_pb2_grpc.DeviceServiceServicer):
    """Gives files to fill in, and files of what is on the roll."""

    _store: Store
    _exports: ExportStreams

    def GetUploadTemplate(
        self,
        request: device_service_pb2.GetUploadTemplateRequest,
        context: grpc.ServicerContext,
    ) -> device_service_pb2.GetUploadTemplateResponse:
        """Give a CSV file to fill in."""
        data = self._store.read(lambda roll: templates.template(roll, request.profile_id))
        return device_service_pb2.GetUploadTemplateResponse(data=data)

    def ExportDevices(
        self,
        request: device_service_pb2.ExportDevicesRequest,
        context: grpc.ServicerContext,
    ) -> Iterator[device_service_pb2.ExportDevicesResponse]:
        """Stream the inventory of a profile; a place is held until the reader has it all."""
        with self._exports.one():
            for data in inventory.export(self._store, request.profile_id):
                self._exports.check_open()
                yield device_service_pb2.ExportDevicesResponse(data=data)
