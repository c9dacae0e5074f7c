"""What administrators and their services call."""

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


class AdminClient(
    ProfileCalls,
    UploadCalls,
    InventoryCalls,
    DeviceCalls,
    TokenCalls,
    UserCalls,
    AccessCalls,
    AuditCalls,
):
    """Looks after profiles, uploads, devices, inventories, tokens, users and API keys.

    It calls with an API key; what that has no right to raises PermissionDeniedError.

    It reads the audit log of all that, too.

    Plaintext on loopback, TLS everywhere else: the key leaves this machine unencrypted
    only with `plaintext=True`; `plaintext=False` means TLS on loopback, too, and so do
    certificates. `root_certificates` are trusted in place of those that gRPC brings along;
    `client_certificate` and `client_key` are shown to servers that ask for them. Each is PEM
    as bytes, or the path of a file, read once. `server_name` is what the server's
    certificate is for, if that is not the host of the address. Raises ValueError or OSError
    for what cannot be used.

    `timeout_seconds` bounds each call with its retries, but no upload or export. Threads
    may share one. Close it, or use it in a `with`.
    """

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
        super().__init__(Caller(endpoint, timeout_seconds=timeout_seconds, api_key=api_key))
