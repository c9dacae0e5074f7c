"""What a device agent calls."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

from rollbook import _channel, _convert, _dual
from rollbook._calls import Caller, Calls
from rollbook._passwords import sendable
from rollbook._tls import tls
from rollbook.v1 import enrollment_service_pb2, enrollment_service_pb2_grpc

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rollbook._tls import Pem
    from rollbook.resources import Enrollment


class EnrollmentCalls(Calls):
    """Calls EnrollmentService."""

    def __init__(  # noqa: PLR0913 - whom to call, and how to be sure of each other
        self,
        address: str,
        *,
        timeout_seconds: float = 10.0,
        patience_seconds: float | None = None,
        root_certificates: Pem | None = None,
        client_certificate: Pem | None = None,
        client_key: Pem | None = None,
        server_name: str = "",
        plaintext: bool | None = None,
    ) -> None:
        secured = tls(root_certificates, client_certificate, client_key, server_name)
        endpoint = _channel.endpoint(address, tls=secured, plaintext=plaintext)
        caller = Caller(
            endpoint,
            self._transport(endpoint),
            timeout_seconds=timeout_seconds,
            patience_seconds=patience_seconds,
        )
        super().__init__(caller)

    @property
    def _enrollment(self) -> enrollment_service_pb2_grpc.EnrollmentServiceStub:
        return self._caller.stub(enrollment_service_pb2_grpc.EnrollmentServiceStub)

    @_dual.method
    async def enroll_device(
        self,
        *,
        token: str = "",
        imeis: Sequence[str] = (),
        serial_number: str = "",
        manufacturer: str = "",
        request_id: str | None = None,
    ) -> Enrollment:
        """Ask whether a device is on the roll, and register it if it is.

        Whatever a device can get wrong is an outcome, never an error: an error says
        that the server could not decide, and that the same call should be made again.
        Pass the same `request_id` to every call about one enrollment so that it counts
        once; left out, it is a fresh one that is kept over this call's own retries.
        """
        request = enrollment_service_pb2.EnrollDeviceRequest(
            token=token,
            imeis=_several(imeis),
            serial_number=serial_number,
            manufacturer=manufacturer,
            request_id=str(uuid4()) if request_id is None else request_id,
        )
        answer = await self._caller.unary(self._enrollment.EnrollDevice, request)
        return _convert.enrollment(answer)

    @_dual.method
    async def sign_in_device(  # noqa: PLR0913 - as much as a device and its user present
        self,
        *,
        user_name: str,
        password: str,
        imeis: Sequence[str] = (),
        serial_number: str = "",
        manufacturer: str = "",
        request_id: str | None = None,
    ) -> Enrollment:
        """Register a device of any profile to the user who signs in on it.

        The outcome is REGISTERED or NOT_REGISTERED; the latter does not tell a wrong
        user or password from an unknown device. Errors and `request_id` are as for
        `enroll_device`; where many sign in at once, it waits until the server has time.
        """
        request = enrollment_service_pb2.SignInDeviceRequest(
            user_name=user_name,
            password=sendable(password),
            imeis=_several(imeis),
            serial_number=serial_number,
            manufacturer=manufacturer,
            request_id=str(uuid4()) if request_id is None else request_id,
        )
        answer = await self._caller.unary(self._enrollment.SignInDevice, request)
        return _convert.enrollment(answer)


def _several(imeis: Sequence[str]) -> Sequence[str]:
    if isinstance(imeis, str):
        raise TypeError("imeis is a sequence of IMEIs, not one of them: write [imei]")
    return imeis
