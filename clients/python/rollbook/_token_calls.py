"""The part of `AdminClient` that looks after tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

from google.protobuf import duration_pb2

from rollbook import _convert, _dual, _enums
from rollbook._calls import Calls
from rollbook.resources import SealingKeyRotation
from rollbook.v1 import token_service_pb2, token_service_pb2_grpc
from rollbook.words import QrCodeFormat

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import timedelta

    from rollbook.resources import QrCode, Token


class TokenCalls(Calls):
    """Calls TokenService. For a tokenless profile all of it raises FailedPreconditionError."""

    @property
    def _tokens(self) -> token_service_pb2_grpc.TokenServiceStub:
        return self._caller.stub(token_service_pb2_grpc.TokenServiceStub)

    @_dual.method
    async def get_token(self, profile_id: str) -> Token:
        """Give the state of a profile's token, without its value."""
        request = token_service_pb2.GetTokenRequest(profile_id=profile_id)
        answer = await self._caller.unary(self._tokens.GetToken, request)
        return _convert.token(answer.token)

    @_dual.method
    async def reveal_token(self, profile_id: str) -> str:
        """Give the secret, in the grouped form in which people type it."""
        request = token_service_pb2.RevealTokenRequest(profile_id=profile_id)
        answer = await self._caller.unary(self._tokens.RevealToken, request)
        return answer.value

    @_dual.method
    async def refresh_token(self, profile_id: str, *, overlap: timedelta | None = None) -> Token:
        """Make a new token; older ones, and their QR codes, end at once or after `overlap`.

        The overlap is at most 24 hours unless the server was told otherwise. Its retries
        make one token.
        """
        request = token_service_pb2.RefreshTokenRequest(
            profile_id=profile_id, overlap=_duration(overlap), request_id=str(uuid4())
        )
        answer = await self._caller.unary(self._tokens.RefreshToken, request)
        return _convert.token(answer.token)

    @_dual.method
    async def extend_token(self, profile_id: str, days: int) -> Token:
        """Set the expiry to so many days from now, never earlier than it stands.

        7 to 99 days unless the server was told otherwise. An expired token works
        again, a revoked one raises FailedPreconditionError.
        """
        request = token_service_pb2.ExtendTokenRequest(
            profile_id=profile_id, days=days, request_id=str(uuid4())
        )
        answer = await self._caller.unary(self._tokens.ExtendToken, request)
        return _convert.token(answer.token)

    @_dual.method
    async def revoke_token(self, profile_id: str) -> Token:
        """Void the token at once, and older ones still in their overlap; refresh makes a new one.

        Revoking again changes nothing.
        """
        request = token_service_pb2.RevokeTokenRequest(
            profile_id=profile_id, request_id=str(uuid4())
        )
        answer = await self._caller.unary(self._tokens.RevokeToken, request)
        return _convert.token(answer.token)

    @_dual.method
    async def revoke_all_tokens(self) -> int:
        """Void the tokens of all profiles at once, and give how many were not revoked before.

        For after an older database was put back; `refresh_token` makes new ones.
        """
        request = token_service_pb2.RevokeAllTokensRequest(request_id=str(uuid4()))
        answer = await self._caller.unary(self._tokens.RevokeAllTokens, request)
        return answer.revoked_count

    @_dual.method
    async def rotate_sealing_key(
        self, *, progress: Callable[[SealingKeyRotation], None] | None = None
    ) -> SealingKeyRotation:
        """Let the server seal all token values in its database with a new key.

        Tokens stay as they are and can be read all the time. `progress` is called about
        every second, and at the end; what it raises is raised to you, and the server goes on
        nevertheless. A rotation that is not over yet is followed instead of begun anew, and
        goes on if it broke off. Raises FailedPreconditionError if the server's keys come from its
        environment.
        """
        request = token_service_pb2.RotateSealingKeyRequest(in_pieces=True)
        done: SealingKeyRotation | None = None
        while True:
            answer = await self._caller.unary(self._tokens.RotateSealingKey, request)
            done = _rotation(answer, joined=done.joined if done else answer.joined)
            if progress is not None:
                progress(done)
            if not answer.under_way:
                return done
            request.key_id = answer.key_id

    @_dual.method
    async def generate_qr_code(
        self,
        profile_id: str,
        *,
        format: QrCodeFormat = QrCodeFormat.PNG,  # noqa: A002 - the contract's name
        scale: int = 0,
    ) -> QrCode:
        """Draw the QR code that Android's setup wizard reads; it holds the token.

        `scale` is pixels or points a module, 0 for the server's choice.

        >>> admin.generate_qr_code(profile_id, format=QrCodeFormat.SVG).media_type
        'image/svg+xml'
        """
        request = token_service_pb2.GenerateQrCodeRequest(
            profile_id=profile_id,
            format=_enums.name(token_service_pb2.QrCodeFormat.DESCRIPTOR, format),
            scale=scale,
        )
        answer = await self._caller.unary(self._tokens.GenerateQrCode, request)
        return _convert.qr_code(answer)


def _duration(length: timedelta | None) -> duration_pb2.Duration | None:
    if length is None:
        return None
    message = duration_pb2.Duration()
    message.FromTimedelta(length)
    return message


def _rotation(
    answer: token_service_pb2.RotateSealingKeyResponse, *, joined: bool
) -> SealingKeyRotation:
    return SealingKeyRotation(
        key_id=answer.key_id,
        resealed_count=answer.resealed_count,
        total_count=answer.total_count,
        unreadable_count=answer.unreadable_count,
        joined=joined,
        resumed=answer.resumed,
    )
