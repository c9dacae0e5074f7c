"""The part of DeviceService that gives CSV files: convert, call, convert."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollbook.v1 import device_service_pb2, device_service_pb2_grpc
from rollbook_server.domain import templates

if TYPE_CHECKING:
    import grpc

    from rollbook_server.domain.ports import Store


class InventoryMethods(device_service_pb2_grpc.DeviceServiceServicer):
    """Gives files to fill in, and files of what is on the roll."""

    _store: Store

    def GetUploadTemplate(
        self,
        request: device_service_pb2.GetUploadTemplateRequest,
        context: grpc.ServicerContext,
    ) -> device_service_pb2.GetUploadTemplateResponse:
        """Give a CSV file to fill in."""
        data = self._store.read(lambda roll: templates.template(roll, request.profile_id))
        return device_service_pb2.GetUploadTemplateResponse(data=data)
