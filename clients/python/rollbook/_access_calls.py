"""The part of `AdminClient` that looks after API keys."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

from google.protobuf import timestamp_pb2

from rollbook import _convert, _dual, _enums
from rollbook._calls import Calls, Pages
from rollbook.v1 import access_service_pb2, access_service_pb2_grpc
from rollbook.words import Role

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable
    from datetime import datetime

    from rollbook.resources import ApiKey, CreatedApiKey
    from rollbook.words import Right


class AccessCalls(Calls):
    """Calls AccessService."""

    @property
    def _access(self) -> access_service_pb2_grpc.AccessServiceStub:
        return self._caller.stub(access_service_pb2_grpc.AccessServiceStub)

    @_dual.method
    async def create_api_key(
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
        answer = await self._caller.unary(self._access.CreateApiKey, request)
        return _convert.created_api_key(answer)

    @_dual.iterator
    async def list_api_keys(self, *, page_size: int = 0) -> AsyncIterator[ApiKey]:
        """Give every API key, oldest first, fetching page after page while you iterate.

        Also those that expired or were revoked.
        """
        request = access_service_pb2.ListApiKeysRequest(page_size=page_size)
        async for page in Pages(self._caller, self._access.ListApiKeys, request):
            for each in page.api_keys:
                yield _convert.api_key(each)

    @_dual.method
    async def get_own_api_key(self) -> ApiKey:
        """Give the API key of this client, without its value: `rights` says what it may do."""
        request = access_service_pb2.GetOwnApiKeyRequest()
        answer = await self._caller.unary(self._access.GetOwnApiKey, request)
        return _convert.api_key(answer.api_key)

    @_dual.method
    async def revoke_api_key(self, api_key_id: str) -> ApiKey:
        """Void an API key at once; voiding it again changes nothing.

        `admin`, the key of the server's own file, raises FailedPreconditionError.
        """
        request = access_service_pb2.RevokeApiKeyRequest(
            api_key_id=api_key_id, request_id=str(uuid4())
        )
        answer = await self._caller.unary(self._access.RevokeApiKey, request)
        return _convert.api_key(answer.api_key)


def _timestamp(instant: datetime | None) -> timestamp_pb2.Timestamp | None:
    if instant is None:
        return None
    if instant.tzinfo is None:
        raise ValueError("expire_time has no time zone, so nobody knows when it is")
    message = timestamp_pb2.Timestamp()
    message.FromDatetime(instant)
    return message
