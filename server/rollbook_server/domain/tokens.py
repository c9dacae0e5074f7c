"""Enrollment tokens: their lifetime, their state, and how one is made."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from rollbook_server.domain import token_values
from rollbook_server.domain.errors import Reason, RollbookError
from rollbook_server.domain.ids import new_id

if TYPE_CHECKING:
    from datetime import datetime

    from rollbook_server.domain.ports import Roll, Sealer
    from rollbook_server.domain.profiles import Profile

DEFAULT_LIFETIME = timedelta(days=7)  # the seed: "Default token expiry is within 7 days"


class TokenState(StrEnum):
    """Whether a token opens its profile; see `TokenState` in the contract."""

    ACTIVE = "ACTIVE"
    EXPIRED = "EXPIRED"
    REVOKED = "REVOKED"


@dataclass(frozen=True, slots=True)
class Token:
    """The enrollment secret of a profile as it is stored: digest and sealed value."""

    token_id: str
    profile_id: str
    digest: bytes
    sealed_value: bytes
    obfuscated_value: str
    create_time: datetime
    expire_time: datetime
    revoke_time: datetime | None = None
    use_count: int = 0
    last_use_time: datetime | None = None

    def state(self, now: datetime) -> TokenState:
        """Tell whether the token opens its profile at that instant."""
        if self.revoke_time is not None:
            return TokenState.REVOKED
        return TokenState.ACTIVE if now < self.expire_time else TokenState.EXPIRED


@dataclass(frozen=True, slots=True)
class TokenMaker:
    """What new tokens need: a way to seal them and how long they live."""

    sealer: Sealer
    lifetime: timedelta = DEFAULT_LIFETIME


def create(maker: TokenMaker, profile_id: str, now: datetime) -> Token:
    """Make a token with a new secret; its value leaves this function sealed."""
    token_id = new_id("tok")
    value = token_values.new_value()
    sealer = maker.sealer
    return Token(
        token_id=token_id,
        profile_id=profile_id,
        digest=sealer.digest(value),
        sealed_value=sealer.seal(value, token_id=token_id, profile_id=profile_id),
        obfuscated_value=token_values.obfuscate(value),
        create_time=now,
        expire_time=now + maker.lifetime,
    )


def current(roll: Roll, profile: Profile) -> Token:
    """Give a profile's current token, or raise RollbookError with PROFILE_IS_TOKENLESS."""
    token = roll.tokens.current(profile.profile_id)
    if token is None:
        raise RollbookError(
            Reason.PROFILE_IS_TOKENLESS,
            f"Profile {profile.name!r} is tokenless: its devices are matched by their "
            "identifiers alone, so it has no token and no QR code.",
            profile_id=profile.profile_id,
        )
    return token


def reveal(token: Token, sealer: Sealer) -> str:
    """Give the value in the form in which people type it.

    Raises RollbookError with TOKEN_UNREADABLE if its sealing key is missing.
    """
    return token_values.grouped(
        sealer.unseal(token.sealed_value, token_id=token.token_id, profile_id=token.profile_id)
    )
