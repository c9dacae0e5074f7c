"""TokenService: convert, call, convert."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollbook.v1 import token_service_pb2, token_service_pb2_grpc
from rollbook_server.domain import profiles, qr_codes, tokens
from rollbook_server.transport.messages import token_messages
from rollbook_server.transport.messages.enums import word

if TYPE_CHECKING:
    import grpc

    from rollbook_server.domain.clock import Clock
    from rollbook_server.domain.ports import Roll, Sealer, Store
    from rollbook_server.domain.qr_codes import Draw
    from rollbook_server.domain.tokens import Token


class TokenServicer(token_service_pb2_grpc.TokenServiceServicer):
    """Looks after tokens; what is not overridden here answers UNIMPLEMENTED."""

    def __init__(
        self, store: Store, sealer: Sealer, clock: Clock, draw: Draw, server_address: str
    ) -> None:
        self._store, self._sealer, self._clock = store, sealer, clock
        self._draw, self._server_address = draw, server_address

    def GetToken(
        self,
        request: token_service_pb2.GetTokenRequest,
        context: grpc.ServicerContext,
    ) -> token_service_pb2.GetTokenResponse:
        """Give a profile's token without its value."""
        token = self._current(request.profile_id)
        return token_service_pb2.GetTokenResponse(token=token_messages.token(token, self._clock()))

    def RevealToken(
        self,
        request: token_service_pb2.RevealTokenRequest,
        context: grpc.ServicerContext,
    ) -> token_service_pb2.RevealTokenResponse:
        """Give the value of a profile's token."""
        value = tokens.reveal(self._current(request.profile_id), self._sealer)
        return token_service_pb2.RevealTokenResponse(value=value)

    def GenerateQrCode(
        self,
        request: token_service_pb2.GenerateQrCodeRequest,
        context: grpc.ServicerContext,
    ) -> token_service_pb2.GenerateQrCodeResponse:
        """Draw a profile's QR code."""
        form = word(request, "format", qr_codes.QrFormat, qr_codes.QrFormat.PNG)
        scale = qr_codes.checked_scale(request.scale)
        subject = self._store.read(lambda roll: qr_codes.subject(roll, request.profile_id))
        code = qr_codes.generate(subject, self._sealer, self._server_address, self._clock())
        picture = self._draw(code.payload, form, scale)
        return token_service_pb2.GenerateQrCodeResponse(
            image=picture.image,
            media_type=picture.media_type,
            payload=code.payload,
            warnings=code.warnings,
        )

    def _current(self, profile_id: str) -> Token:
        def find(roll: Roll) -> Token:
            return tokens.current(roll, profiles.get(roll, profile_id))

        return self._store.read(find)
