"""TokenService: convert, call, convert."""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Protocol

from rollbook.v1 import token_service_pb2, token_service_pb2_grpc
from rollbook_server.domain import profiles, qr_codes, tokens
from rollbook_server.transport.messages import token_messages
from rollbook_server.transport.messages.enums import word
from rollbook_server.transport.messages.times import length

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    import grpc

    from rollbook_server.domain.clock import Clock
    from rollbook_server.domain.ports import Roll, Store
    from rollbook_server.domain.qr_codes import Draw
    from rollbook_server.domain.tokens import Token, TokenMaker
    from rollbook_server.transport.answers import Answers


# Of a rotation that is followed, an answer comes so often; who waits for its end holds a
# thread no longer than that.
PIECE_SECONDS = 1.0
WHOLE_SECONDS = 30.0


class Rotation(Protocol):
    """The sealing key that is in use now, and how much of what there was is sealed with it."""

    @property
    def key_id(self) -> str: ...  # noqa: D102 - as in the contract
    @property
    def resealed_count(self) -> int: ...  # noqa: D102
    @property
    def total_count(self) -> int: ...  # noqa: D102
    @property
    def unreadable_count(self) -> int: ...  # noqa: D102
    @property
    def resumed(self) -> bool: ...  # noqa: D102

    def is_under_way(self, seconds: float | None, left: Future[None], /) -> bool:
        """Wait for the end, so long at most, or until `left`; raises what it ended by."""


@dataclass(frozen=True, slots=True)
class TokenKeeper:
    """What keeps tokens safe outside the database.

    `voided` notes that tokens were voided, `settle` that all were; each before the caller
    is told so. `rotate` puts a new sealing key to use, or gives the rotation that is not over,
    and tells whether it does; `rotation` gives that of a key.
    """

    voided: Callable[[], None]
    settle: Callable[[], None]
    rotate: Callable[[datetime], tuple[Rotation, bool]]
    rotation: Callable[[str, datetime], Rotation]


class TokenServicer(token_service_pb2_grpc.TokenServiceServicer):
    """Looks after tokens."""

    def __init__(  # noqa: PLR0913 - what tokens and their pictures are made of
        self,
        store: Store,
        answers: Answers,
        clock: Clock,
        maker: TokenMaker,
        *,
        draw: Draw,
        server_address: str,
        keeper: TokenKeeper,
    ) -> None:
        self._store, self._answers, self._clock, self._maker = store, answers, clock, maker
        self._draw, self._server_address, self._keeper = draw, server_address, keeper

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
        now, sealer = self._clock(), self._maker.sealer

        def reveal(roll: Roll) -> str:
            return tokens.reveal(roll, profiles.get(roll, request.profile_id), sealer, now)

        return token_service_pb2.RevealTokenResponse(value=self._store.write(reveal))

    def RefreshToken(
        self,
        request: token_service_pb2.RefreshTokenRequest,
        context: grpc.ServicerContext,
    ) -> token_service_pb2.RefreshTokenResponse:
        """Make a new token and void the old one."""
        overlap = length(request.overlap)

        def refresh(roll: Roll, now: datetime) -> token_service_pb2.RefreshTokenResponse:
            owner = profiles.get(roll, request.profile_id)
            token = tokens.refresh(roll, owner, self._maker, overlap, now)
            return token_service_pb2.RefreshTokenResponse(token=token_messages.token(token, now))

        answer = self._answers.once(request, token_service_pb2.RefreshTokenResponse, refresh)
        self._keeper.voided()
        return answer

    def ExtendToken(
        self,
        request: token_service_pb2.ExtendTokenRequest,
        context: grpc.ServicerContext,
    ) -> token_service_pb2.ExtendTokenResponse:
        """Give the token more time."""

        def extend(roll: Roll, now: datetime) -> token_service_pb2.ExtendTokenResponse:
            owner = profiles.get(roll, request.profile_id)
            token = tokens.extend(roll, owner, request.days, self._maker.limits, now)
            return token_service_pb2.ExtendTokenResponse(token=token_messages.token(token, now))

        return self._answers.once(request, token_service_pb2.ExtendTokenResponse, extend)

    def RevokeToken(
        self,
        request: token_service_pb2.RevokeTokenRequest,
        context: grpc.ServicerContext,
    ) -> token_service_pb2.RevokeTokenResponse:
        """Void the token at once."""

        def revoke(roll: Roll, now: datetime) -> token_service_pb2.RevokeTokenResponse:
            token = tokens.revoke(roll, profiles.get(roll, request.profile_id), now)
            return token_service_pb2.RevokeTokenResponse(token=token_messages.token(token, now))

        answer = self._answers.once(request, token_service_pb2.RevokeTokenResponse, revoke)
        self._keeper.voided()
        return answer

    def RevokeAllTokens(
        self,
        request: token_service_pb2.RevokeAllTokensRequest,
        context: grpc.ServicerContext,
    ) -> token_service_pb2.RevokeAllTokensResponse:
        """Void the tokens of all profiles."""
        counts: list[int] = []

        def revoke_all(roll: Roll, now: datetime) -> token_service_pb2.RevokeAllTokensResponse:
            counts.append(tokens.revoke_all(roll, now))
            return token_service_pb2.RevokeAllTokensResponse(revoked_count=counts[-1])

        answer = self._answers.once(request, token_service_pb2.RevokeAllTokensResponse, revoke_all)
        if counts:  # a stored answer voided nothing, and may be of an older database
            self._keeper.settle()
        return answer

    def RotateSealingKey(
        self,
        request: token_service_pb2.RotateSealingKeyRequest,
        context: grpc.ServicerContext,
    ) -> token_service_pb2.RotateSealingKeyResponse:
        """Put a new sealing key to use."""
        keeper, key_id, now = self._keeper, request.key_id, self._clock()
        rotation, joined = (keeper.rotation(key_id, now), False) if key_id else keeper.rotate(now)
        seconds = PIECE_SECONDS if request.in_pieces else WHOLE_SECONDS
        under_way = rotation.is_under_way(seconds, _left(context))
        return token_service_pb2.RotateSealingKeyResponse(
            key_id=rotation.key_id,
            resealed_count=rotation.resealed_count,
            under_way=under_way,
            total_count=rotation.total_count,
            joined=joined,
            resumed=rotation.resumed,
            unreadable_count=rotation.unreadable_count,
        )

    def GenerateQrCode(
        self,
        request: token_service_pb2.GenerateQrCodeRequest,
        context: grpc.ServicerContext,
    ) -> token_service_pb2.GenerateQrCodeResponse:
        """Draw a profile's QR code."""
        form = word(request, "format", qr_codes.QrFormat, qr_codes.QrFormat.PNG)
        scale = qr_codes.checked_scale(request.scale)
        subject = self._store.read(lambda roll: qr_codes.subject(roll, request.profile_id))
        sealer, now = self._maker.sealer, self._clock()
        code = qr_codes.generate(subject, sealer, self._server_address, now)
        picture = self._draw(code.payload, form, scale)
        self._store.write(lambda roll: qr_codes.tell_drawn(roll, subject, form, now))
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


def _left(context: grpc.ServicerContext) -> Future[None]:
    """Give what is done once the caller is gone, whether it was answered or not."""
    left = Future[None]()
    if not context.add_callback(partial(left.set_result, None)):  # it is gone already
        left.set_result(None)
    return left
