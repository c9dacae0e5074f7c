"""AccessService: convert, call, convert."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollbook.v1 import access_service_pb2, access_service_pb2_grpc
from rollbook_server.domain import api_keys, callers
from rollbook_server.domain.pages import page_request
from rollbook_server.transport.messages import access_messages

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    import grpc

    from rollbook_server.domain.key_ring import KeyRing
    from rollbook_server.domain.ports import Roll, Store
    from rollbook_server.transport.answers import Answers


class AccessServicer(access_service_pb2_grpc.AccessServiceServicer):
    """Looks after API keys; `voided` notes that one was revoked."""

    def __init__(
        self, store: Store, answers: Answers, keys: KeyRing, voided: Callable[[], None]
    ) -> None:
        self._store, self._answers, self._keys = store, answers, keys
        self._voided = voided

    def CreateApiKey(
        self,
        request: access_service_pb2.CreateApiKeyRequest,
        context: grpc.ServicerContext,
    ) -> access_service_pb2.CreateApiKeyResponse:
        """Create an API key."""
        wanted, value = access_messages.new_api_key(request), api_keys.new_value()
        # Before the stored answer as well, which holds a value with these rights.
        api_keys.check_rights(wanted, callers.current())

        def create(roll: Roll, now: datetime) -> access_service_pb2.CreateApiKeyResponse:
            created = api_keys.create(roll, wanted, value, now)
            return access_service_pb2.CreateApiKeyResponse(
                api_key=access_messages.api_key(created), value=value
            )

        return self._answers.once(request, access_service_pb2.CreateApiKeyResponse, create)

    def ListApiKeys(
        self,
        request: access_service_pb2.ListApiKeysRequest,
        context: grpc.ServicerContext,
    ) -> access_service_pb2.ListApiKeysResponse:
        """List API keys."""
        wanted = page_request(
            request.page_size, request.page_token, ("api_keys",), kinds=api_keys.SORT_KINDS
        )
        page = self._store.read(lambda roll: api_keys.list_page(roll, wanted))
        return access_service_pb2.ListApiKeysResponse(
            api_keys=[access_messages.api_key(self._keys.freshened(key)) for key in page.values],
            next_page_token=page.next_page_token,
        )

    def GetOwnApiKey(
        self,
        request: access_service_pb2.GetOwnApiKeyRequest,
        context: grpc.ServicerContext,
    ) -> access_service_pb2.GetOwnApiKeyResponse:
        """Tell of the API key that calls."""
        api_key_id = callers.current().api_key_id
        own = self._store.read(lambda roll: api_keys.get(roll, api_key_id))
        return access_service_pb2.GetOwnApiKeyResponse(
            api_key=access_messages.api_key(self._keys.freshened(own))
        )

    def RevokeApiKey(
        self,
        request: access_service_pb2.RevokeApiKeyRequest,
        context: grpc.ServicerContext,
    ) -> access_service_pb2.RevokeApiKeyResponse:
        """Void an API key; no call is let in with it once this one is answered."""

        def revoke(roll: Roll, now: datetime) -> access_service_pb2.RevokeApiKeyResponse:
            revoked = self._keys.freshened(api_keys.revoke(roll, request.api_key_id, now))
            return access_service_pb2.RevokeApiKeyResponse(api_key=access_messages.api_key(revoked))

        try:
            answer = self._answers.once(request, access_service_pb2.RevokeApiKeyResponse, revoke)
        finally:
            self._keys.forget()
        self._voided()
        return answer
