"""The part of `AdminClient` that looks after single devices."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

from rollbook import _convert, _dual, _enums
from rollbook._calls import Calls, Pages
from rollbook.v1 import device_pb2, device_service_pb2, device_service_pb2_grpc
from rollbook.words import DeviceState

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable

    from rollbook.resources import Device, DeviceRow, DeviceUpdate, MatchExplanation


class DeviceCalls(Calls):
    """Calls the part of DeviceService that is about single devices."""

    @property
    def _devices(self) -> device_service_pb2_grpc.DeviceServiceStub:
        return self._caller.stub(device_service_pb2_grpc.DeviceServiceStub)

    @_dual.method
    async def create_devices(self, profile_id: str, rows: Iterable[DeviceRow]) -> list[Device]:
        """Put 1 to 1,000 devices on the roll, all or none; gives them in their order.

        If some cannot be taken, `metadata["indexes"]` of the InvalidArgumentError
        names every one of them, as in "0,3,7-12", and `fields` says what is wrong with
        as many as fit. Its retries cannot create them twice.

        >>> rows = [DeviceRow(imei="490154203237518", attributes={"site": "South"})]
        >>> [device.state.name for device in admin.create_devices(profile_id, rows)]
        ['PENDING']
        """
        request = device_service_pb2.CreateDevicesRequest(
            profile_id=profile_id,
            devices=map(_convert.device_row_message, rows),
            request_id=str(uuid4()),
        )
        answer = await self._caller.unary(self._devices.CreateDevices, request)
        return [_convert.device(device) for device in answer.devices]

    @_dual.method
    async def get_device(self, device_id: str) -> Device:
        """Give one device."""
        request = device_service_pb2.GetDeviceRequest(device_id=device_id)
        answer = await self._caller.unary(self._devices.GetDevice, request)
        return _convert.device(answer.device)

    @_dual.iterator
    async def list_devices(
        self,
        profile_id: str = "",
        *,
        state: DeviceState = DeviceState.UNSPECIFIED,
        identifier_prefix: str = "",
        upload_id: str = "",
        page_size: int = 0,
    ) -> AsyncIterator[Device]:
        """Give every device that fits, in the order in which they came.

        `identifier_prefix` is what an IMEI, MEID or serial number begins with. Pages are
        fetched one after another while you iterate.
        """
        request = device_service_pb2.ListDevicesRequest(
            profile_id=profile_id,
            page_size=page_size,
            state=_enums.name(device_pb2.DeviceState.DESCRIPTOR, state),
            identifier_prefix=identifier_prefix,
            upload_id=upload_id,
        )
        async for page in Pages(self._caller, self._devices.ListDevices, request):
            for each in page.devices:
                yield _convert.device(each)

    @_dual.method
    async def update_devices(self, updates: Iterable[DeviceUpdate]) -> list[Device]:
        """Change 1 to 1,000 devices, all or none; gives them in the order of the updates.

        Together they may exchange identifiers. Errors name every bad one, as those of
        `create_devices` do; of a device that changed since its etag was read it is an
        AbortedError.
        """
        request = device_service_pb2.UpdateDevicesRequest(
            updates=map(_convert.device_update_message, updates), request_id=str(uuid4())
        )
        answer = await self._caller.unary(self._devices.UpdateDevices, request)
        return [_convert.device(device) for device in answer.devices]

    @_dual.method
    async def delete_devices(self, devices: Iterable[Device | str]) -> int:
        """Take 1 to 1,000 devices off the roll, all or none; gives how many.

        A device that is named by its id goes as it stands, a Device only if it has not
        changed since.
        """
        request = device_service_pb2.DeleteDevicesRequest(
            devices=map(_convert.device_deletion_message, devices), request_id=str(uuid4())
        )
        answer = await self._caller.unary(self._devices.DeleteDevices, request)
        return answer.deleted_count

    @_dual.method
    async def explain_match(
        self,
        *,
        token: str = "",
        imeis: Iterable[str] = (),
        serial_number: str = "",
        manufacturer: str = "",
    ) -> MatchExplanation:
        """Tell what a device that presents this would be told, and why; enrolls nothing.

        >>> explained = admin.explain_match(token=token, imeis=["490154203237518"])
        >>> explained.outcome.name, explained.rule.name
        ('NOT_REGISTERED', 'NONE')
        """
        request = device_service_pb2.ExplainMatchRequest(
            token=token, imeis=imeis, serial_number=serial_number, manufacturer=manufacturer
        )
        answer = await self._caller.unary(self._devices.ExplainMatch, request)
        return _convert.match_explanation(answer)
