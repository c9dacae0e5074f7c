"""What administrators and their services call, all of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollbook import _channel
from rollbook._access_calls import AccessCalls
from rollbook._audit_calls import AuditCalls
from rollbook._calls import Caller
from rollbook._device_calls import DeviceCalls
from rollbook._inventory_calls import InventoryCalls
from rollbook._profile_calls import ProfileCalls
from rollbook._tls import tls
from rollbook._token_calls import TokenCalls
from rollbook._upload_calls import UploadCalls
from rollbook._user_calls import UserCalls

if TYPE_CHECKING:
    from rollbook._tls import Pem


class AdminCalls(
    ProfileCalls,
    UploadCalls,
    InventoryCalls,
    DeviceCalls,
    TokenCalls,
    UserCalls,
    AccessCalls,
    AuditCalls,
):
    """Calls every service that takes an API key."""

    def __init__(  # noqa: PLR0913 - whom to call, and how to be sure of each other
        self,
        address: str,
        *,
        api_key: str,
        timeout_seconds: float = 30.0,
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
            api_key=api_key,
        )
        super().__init__(caller)
