"""The part of DeviceService that is about single devices: convert, call, convert."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollbook.v1 import device_service_pb2, device_service_pb2_grpc
from rollbook_server.domain import (
    device_changes,
    device_lists,
    device_updates,
    enrollment,
    explaining,
)
from rollbook_server.domain.device_choices import Choice
from rollbook_server.domain.enrollment import Enrollment
from rollbook_server.domain.matching import Presented
from rollbook_server.domain.pages import page_request
from rollbook_server.transport.messages import device_messages

if TYPE_CHECKING:
    from datetime import datetime

    import grpc

    from rollbook_server.domain.clock import Clock
    from rollbook_server.domain.ports import Roll, Sealer, Store
    from rollbook_server.transport.answers import Answers


class DeviceMethods(device_service_pb2_grpc.DeviceServiceServicer):
    """Looks after the devices of the roll one by one."""

    _store: Store
    _clock: Clock
    _answers: Answers
    _sealer: Sealer

    def CreateDevices(
        self,
        request: device_service_pb2.CreateDevicesRequest,
        context: grpc.ServicerContext,
    ) -> device_service_pb2.CreateDevicesResponse:
        """Put devices on the roll."""

        def create(roll: Roll, now: datetime) -> device_service_pb2.CreateDevicesResponse:
            rows = device_messages.typed_rows(request.devices)
            made = device_changes.create(roll, request.profile_id, rows, now)
            return device_service_pb2.CreateDevicesResponse(devices=device_messages.answer(made))

        return self._answers.once(request, device_service_pb2.CreateDevicesResponse, create)

    def GetDevice(
        self,
        request: device_service_pb2.GetDeviceRequest,
        context: grpc.ServicerContext,
    ) -> device_service_pb2.GetDeviceResponse:
        """Give one device."""
        found = self._store.read(lambda roll: device_lists.get(roll, request.device_id))
        return device_service_pb2.GetDeviceResponse(device=device_messages.device(found))

    def ListDevices(
        self,
        request: device_service_pb2.ListDevicesRequest,
        context: grpc.ServicerContext,
    ) -> device_service_pb2.ListDevicesResponse:
        """List devices."""
        query = device_messages.device_query(request)
        filters = (query.profile_id, query.state, query.upload_id)
        scope = ("devices", *filters, query.imei_prefix, query.serial_prefix)
        wanted = page_request(request.page_size, request.page_token, scope, kinds=(str,))
        page = self._store.read(lambda roll: device_lists.list_page(roll, query, wanted))
        return device_service_pb2.ListDevicesResponse(
            devices=map(device_messages.device, page.values),
            next_page_token=page.next_page_token,
        )

    def UpdateDevices(
        self,
        request: device_service_pb2.UpdateDevicesRequest,
        context: grpc.ServicerContext,
    ) -> device_service_pb2.UpdateDevicesResponse:
        """Change devices."""
        updates = device_messages.device_updates(request.updates)

        def update(roll: Roll, now: datetime) -> device_service_pb2.UpdateDevicesResponse:
            changed = device_updates.update(roll, updates, now)
            return device_service_pb2.UpdateDevicesResponse(devices=device_messages.answer(changed))

        return self._answers.once(request, device_service_pb2.UpdateDevicesResponse, update)

    def DeleteDevices(
        self,
        request: device_service_pb2.DeleteDevicesRequest,
        context: grpc.ServicerContext,
    ) -> device_service_pb2.DeleteDevicesResponse:
        """Take devices off the roll."""
        choices = [Choice(each.device_id, each.etag) for each in request.devices]

        def delete(roll: Roll, now: datetime) -> device_service_pb2.DeleteDevicesResponse:
            count = device_changes.delete(roll, choices, now)
            return device_service_pb2.DeleteDevicesResponse(deleted_count=count)

        return self._answers.once(request, device_service_pb2.DeleteDevicesResponse, delete)

    def ExplainMatch(
        self,
        request: device_service_pb2.ExplainMatchRequest,
        context: grpc.ServicerContext,
    ) -> device_service_pb2.ExplainMatchResponse:
        """Tell what EnrollDevice would answer, and why."""
        wanted = Enrollment(
            Presented.of(request.imeis, request.serial_number, request.manufacturer),
            enrollment.token_digest(self._sealer, request.token),
        )
        now, imeis = self._clock(), tuple(request.imeis)
        told = self._store.read(lambda roll: explaining.explain(roll, wanted, imeis, now))
        return device_messages.explanation(told)
