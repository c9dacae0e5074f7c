"""Calls of DeviceService as they go over the wire, where the client library would not help."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from raw_calls import unary
from rollbook import RollbookError
from rollbook.v1 import device_pb2, device_service_pb2

if TYPE_CHECKING:
    from rollbook import AdminClient

NUL_AND_MORE = "a\0b"


class Wire:
    """The stub, with an administrator's key; failures are RollbookErrors."""

    def __init__(self, admin: AdminClient) -> None:
        self._admin = admin
        self._stub = admin._devices

    def call(self, name: str, **fields: Any) -> Any:
        request = getattr(device_service_pb2, f"{name}Request")(**fields)
        return unary(self._admin, getattr(self._stub, name), request)

    def failure(self, name: str, **fields: Any) -> RollbookError:
        try:
            answer = self.call(name, **fields)
        except RollbookError as error:
            return error
        message = f"{name} did not fail: {str(answer)[:500]}"
        raise AssertionError(message)


def new(**fields: Any) -> device_pb2.DeviceRow:
    return device_pb2.DeviceRow(**fields)


def update(device_id: str, paths: list[str] | None = None, **fields: Any) -> Any:
    message = device_service_pb2.DeviceUpdate(device=device_pb2.Device(device_id=device_id))
    if paths is not None:
        message.update_mask.paths.extend(paths)
    message.device.MergeFrom(device_pb2.Device(**fields))
    return message


def deletion(device_id: str, etag: str = "") -> device_service_pb2.DeviceDeletion:
    return device_service_pb2.DeviceDeletion(device_id=device_id, etag=etag)


def imei(number: int) -> str:
    """Give a 14-digit core that can be taken for nothing else."""
    return f"35{number:012d}"
