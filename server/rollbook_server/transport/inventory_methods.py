"""The part of DeviceService that gives CSV files: convert, call, convert."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from rollbook.v1 import device_service_pb2, device_service_pb2_grpc
from rollbook_server.domain import inventory, templates
from rollbook_server.domain.errors import Reason, RollbookError
from rollbook_server.transport.idle_limit import end_call

if TYPE_CHECKING:
    from collections.abc import Iterator

    import grpc

    from rollbook_server.domain.clock import Clock
    from rollbook_server.domain.ports import Store
    from rollbook_server.transport.idle_limit import IdleLimit
    from rollbook_server.transport.streams import ExportStreams


class InventoryMethods(device_service_pb2_grpc.DeviceServiceServicer):
    """Gives files to fill in, and files of what is on the roll."""

    _store: Store
    _clock: Clock
    _exports: ExportStreams
    _idle: IdleLimit

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
        now = self._clock()
        end = partial(end_call, context, _idle(self._idle.seconds))
        with self._exports.one(), self._idle.watch(end) as reader:
            for data in inventory.export(self._store, request.profile_id, now):
                self._exports.check_open()
                reader.touch()
                yield device_service_pb2.ExportDevicesResponse(data=data)
                reader.pause()


def _idle(seconds: float) -> RollbookError:
    return RollbookError(
        Reason.EXPORT_IDLE,
        f"The reader took nothing of the inventory for {seconds:g} seconds, and others wait for "
        "its place. Ask for the inventory anew, and read it without a break.",
    )
