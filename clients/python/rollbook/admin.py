"""What administrators and their services call."""

from __future__ import annotations

from rollbook import _channel
from rollbook._access_calls import AccessCalls
from rollbook._audit_calls import AuditCalls
from rollbook._calls import Caller
from rollbook._device_calls import DeviceCalls
from rollbook._inventory_calls import InventoryCalls
from rollbook._profile_calls import ProfileCalls
from rollbook._token_calls import TokenCalls
from rollbook._upload_calls import UploadCalls
from rollbook._user_calls import UserCalls


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
    only with `plaintext=True`. `root_certificates` (PEM) replace those of the system.
    `timeout_seconds` bounds each call with its retries, but no upload or export. Threads
    may share one. Close it, or use it in a `with`.
    """

    def __init__(
        self,
        address: str,
        *,
        api_key: str,
        timeout_seconds: float = 30.0,
        root_certificates: bytes | None = None,
        plaintext: bool | None = None,
    ) -> None:
        endpoint = _channel.endpoint(
            address, root_certificates=root_certificates, plaintext=plaintext
        )
        super().__init__(Caller(endpoint, timeout_seconds=timeout_seconds, api_key=api_key))
