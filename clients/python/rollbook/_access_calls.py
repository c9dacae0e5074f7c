"""The part of `AdminClient` that looks after API keys."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

from google.protobuf import timestamp_pb2

from rollbook import _convert, _enums
from rollbook._calls import Client, pages
from rollbook.v1 import access_service_pb2, access_service_pb2_grpc
from rollbook.words import Role

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from rollbook._calls import Caller
    from rollbook.resources import ApiKey, CreatedApiKey
    from rollbook.words import Right


class AccessCalls(Client):
    """Calls AccessService."""

    def __init__(self, caller: Caller) -> None:
        super().__init__(caller)
        self._access = access_service_pb2_grpc.AccessServiceStub(caller.channel)

    def create_api_key(
        self,
        display_name: str,
        *,
        role: Role = Role.UNSPECIFIED,
        rights: Iterable[Right] = (),
        expire_time: datetime | None = None,
    ) -> CreatedApiKey:
        """Create an API key with a role, or with a set of rights of its own.

        Nobody can give rights that their own key lacks; raises PermissionDeniedError.
        `expire_time` must be aware; without it the key has no end. The value is in this
        answer only. Its retries make one key.
        """
        request = access_service_pb2.CreateApiKeyRequest(
            display_name=display_name,
            role=_enums.name(access_service_pb2.Role.DESCRIPTOR, role),
            rights=[_enums.name(access_service_pb2.Right.DESCRIPTOR, each) for each in rights],
            expire_time=_timestamp(expire_time),
            request_id=str(uuid4()),
        )
        return _convert.created_api_key(self._caller.unary(self._access.CreateApiKey, request))

    def list_api_keys(self, *, page_size: int = 0) -> Iterator[ApiKey]:
        """Give every API key, oldest first, fetching page after page while you iterate.

        Also those that expired or were revoked.
        """

        def fetch(page_token: str) -> access_service_pb2.ListApiKeysResponse:
            request = access_service_pb2.ListApiKeysRequest(
                page_size=page_size, page_token=page_token
            )
            return self._caller.unary(self._access.ListApiKeys, request)

        for page in pages(fetch):
            yield from map(_convert.api_key, page.api_keys)

    def revoke_api_key(self, api_key_id: str) -> ApiKey:
        """Void an API key at once; voiding it again changes nothing.

        `admin`, the key of the server's own file, raises FailedPreconditionError.
        """
        request = access_service_pb2.RevokeApiKeyRequest(
            api_key_id=api_key_id, request_id=str(uuid4())
        )
        return _convert.api_key(self._caller.unary(self._access.RevokeApiKey, request).api_key)


def _timestamp(instant: datetime | None) -> timestamp_pb2.Timestamp | None:
    if instant is None:
        return None
    if instant.tzinfo is None:
        raise ValueError("expire_time has no time zone, so nobody knows when it is")
    message = timestamp_pb2.Timestamp()
    message.FromDatetime(instant)
    return message
