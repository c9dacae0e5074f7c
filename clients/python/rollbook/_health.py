"""Asks a server for its health, as load balancers ask every gRPC server (grpc.health.v1)."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

# Messages of one field each: on the wire those of the health service are the same, and
# their own package need not be installed.
from google.protobuf.wrappers_pb2 import Int32Value, StringValue

from rollbook import _channel, _dual
from rollbook._blocking import BlockingClient
from rollbook._calls import Caller
from rollbook._tls import tls

if TYPE_CHECKING:
    import grpc

    from rollbook._tls import Pem

_CHECK = "/grpc.health.v1.Health/Check"


class Health(StrEnum):
    """What a server says of itself or of one of its services."""

    UNKNOWN = "UNKNOWN"
    SERVING = "SERVING"
    NOT_SERVING = "NOT_SERVING"


_BY_NUMBER = {1: Health.SERVING, 2: Health.NOT_SERVING}


class _HealthStub:
    def __init__(self, channel: grpc.Channel) -> None:
        self.check = channel.unary_unary(
            _CHECK, StringValue.SerializeToString, Int32Value.FromString
        )


class HealthProbe(BlockingClient):
    """Asks without a key; what it takes is as for `EnrollmentAgent`. Close it."""

    def __init__(  # noqa: PLR0913 - whom to call, and how to be sure of each other
        self,
        address: str,
        *,
        timeout_seconds: float,
        root_certificates: Pem | None = None,
        client_certificate: Pem | None = None,
        client_key: Pem | None = None,
        server_name: str = "",
        plaintext: bool | None = None,
    ) -> None:
        secured = tls(root_certificates, client_certificate, client_key, server_name)
        endpoint = _channel.endpoint(address, tls=secured, plaintext=plaintext)
        transport = self._transport(endpoint)
        super().__init__(Caller(endpoint, transport, timeout_seconds=timeout_seconds))

    @_dual.method
    async def check(self, service: str = "") -> Health:
        """Ask for the health of a service, or of the whole server.

        Raises NotFoundError for a service that the server does not know.
        """
        check = self._caller.stub(_HealthStub).check
        answer = await self._caller.unary(check, StringValue(value=service))
        return _BY_NUMBER.get(answer.value, Health.UNKNOWN)
