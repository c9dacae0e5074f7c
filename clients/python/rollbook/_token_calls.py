"""The part of `AdminClient` that looks after tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollbook import _convert, _enums
from rollbook._calls import Client
from rollbook.v1 import token_service_pb2, token_service_pb2_grpc
from rollbook.words import QrCodeFormat

if TYPE_CHECKING:
    from rollbook._calls import Caller
    from rollbook.resources import QrCode, Token


class TokenCalls(Client):
    """Calls TokenService. For a tokenless profile all of it raises FailedPreconditionError."""

    def __init__(self, caller: Caller) -> None:
        super().__init__(caller)
        self._tokens = token_service_pb2_grpc.TokenServiceStub(caller.channel)

    def get_token(self, profile_id: str) -> Token:
        """Give the state of a profile's token, without its value."""
        request = token_service_pb2.GetTokenRequest(profile_id=profile_id)
        return _convert.token(self._caller.unary(self._tokens.GetToken, request).token)

    def reveal_token(self, profile_id: str) -> str:
        """Give the secret, in the grouped form in which people type it."""
        request = token_service_pb2.RevealTokenRequest(profile_id=profile_id)
        return self._caller.unary(self._tokens.RevealToken, request).value

    def generate_qr_code(
        self,
        profile_id: str,
        *,
        format: QrCodeFormat = QrCodeFormat.PNG,  # noqa: A002 - the contract's name
        scale: int = 0,
    ) -> QrCode:
        """Draw the QR code that Android's setup wizard reads; it holds the token.

        `scale` is pixels or points a module, 0 for the server's choice.
        """
        request = token_service_pb2.GenerateQrCodeRequest(
            profile_id=profile_id,
            format=_enums.name(token_service_pb2.QrCodeFormat.DESCRIPTOR, format),
            scale=scale,
        )
        return _convert.qr_code(self._caller.unary(self._tokens.GenerateQrCode, request))
