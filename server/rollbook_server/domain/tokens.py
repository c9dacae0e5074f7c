"""Enrollment tokens: their lifetime, their state, and how one is made, extended and voided."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from rollbook_server.domain import audit, token_values
from rollbook_server.domain.audit import Action, Subject
from rollbook_server.domain.errors import Reason, RollbookError
from rollbook_server.domain.ids import new_id

if TYPE_CHECKING:
    from rollbook_server.domain.ports import Roll, Sealer
    from rollbook_server.domain.profiles import Profile


AT_ONCE = datetime.fromtimestamp(0, UTC)
"""From when on a token is void that was voided without an overlap.

Not from the instant itself: a clock that is set back behind it would bring the token to life.
When that was is in the audit log.
"""


@dataclass(frozen=True, slots=True)
class TokenLimits:
    """How long tokens live, and for how long they can be extended.

    The defaults are the seed's: "Default token expiry is within 7 days", "Extend
    Upto" 7 to 99 days.
    """

    default_days: int = 7
    fewest_days: int = 7
    most_days: int = 99
    longest_overlap: timedelta = timedelta(hours=24)


class TokenState(StrEnum):
    """Whether a token opens its profile; see `TokenState` in the contract."""

    ACTIVE = "ACTIVE"
    EXPIRED = "EXPIRED"
    REVOKED = "REVOKED"


@dataclass(frozen=True, slots=True)
class Token:
    """The enrollment secret of a profile as it is stored: digest and sealed value.

    From `revoke_time` on it opens nothing, see `AT_ONCE`; until then an old token may still
    be in its overlap, but never beyond its own `expire_time`.
    """

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
        if self.revoke_time is not None and self.revoke_time <= now:
            return TokenState.REVOKED
        return TokenState.ACTIVE if now < self.expire_time else TokenState.EXPIRED


@dataclass(frozen=True, slots=True)
class TokenMaker:
    """What new tokens need: a way to seal them and how long they live."""

    sealer: Sealer
    limits: TokenLimits = TokenLimits()


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
        expire_time=now + timedelta(days=maker.limits.default_days),
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


def reveal(roll: Roll, profile: Profile, sealer: Sealer, now: datetime) -> str:
    """Give the value of a profile's token to a caller, which is told in the audit log.

    Raises RollbookError with PROFILE_IS_TOKENLESS, or as `value_of` does.
    """
    token = current(roll, profile)
    value = value_of(token, sealer)
    audit.tell(roll, Action.REVEAL_TOKEN, now, _subject(token))
    return value


def value_of(token: Token, sealer: Sealer) -> str:
    """Give the value in the form in which people type it.

    Raises RollbookError with TOKEN_UNREADABLE if its sealing key is missing.
    """
    return token_values.grouped(
        sealer.unseal(token.sealed_value, token_id=token.token_id, profile_id=token.profile_id)
    )


def refresh(
    roll: Roll, profile: Profile, maker: TokenMaker, overlap: timedelta, now: datetime
) -> Token:
    """Give the profile a new token with the default lifetime.

    No older one works longer than the overlap, nor longer than it would have
    without. Raises RollbookError with PROFILE_IS_TOKENLESS or TOKEN_OVERLAP_INVALID.
    """
    before = current(roll, profile)
    _check_overlap(overlap, maker.limits.longest_overlap)
    token = create(maker, profile.profile_id, now)
    roll.tokens.void(profile.profile_id, now + overlap if overlap else AT_ONCE)
    roll.tokens.add(token)
    told = {"before": before.token_id, "overlap_seconds": int(overlap.total_seconds())}
    audit.tell(roll, Action.REFRESH_TOKEN, now, _subject(token), told)
    return token


def _subject(token: Token) -> Subject:
    return Subject(token.profile_id, resource_id=token.token_id)


def _check_overlap(overlap: timedelta, longest: timedelta) -> None:
    if not timedelta(0) <= overlap <= longest:
        hours = longest / timedelta(hours=1)
        raise RollbookError(
            Reason.TOKEN_OVERLAP_INVALID,
            f"The overlap must be 0 to {hours:g} hours; without one the old token ends at once.",
            longest_hours=f"{hours:g}",
        )


def extend(roll: Roll, profile: Profile, days: int, limits: TokenLimits, now: datetime) -> Token:
    """Set the expiry to so many days from now, never earlier than it stands.

    An expired token works again. Raises RollbookError with PROFILE_IS_TOKENLESS,
    TOKEN_DAYS_MISSING, TOKEN_DAYS_NEGATIVE, TOKEN_DAYS_TOO_FEW, TOKEN_DAYS_TOO_MANY
    or TOKEN_IS_REVOKED.
    """
    token = current(roll, profile)
    _check_days(days, limits)
    if token.state(now) is TokenState.REVOKED:
        raise RollbookError(
            Reason.TOKEN_IS_REVOKED,
            f"The token of profile {profile.name!r} was revoked and cannot come back; refresh it.",
            profile_id=profile.profile_id,
        )
    extended = replace(token, expire_time=max(token.expire_time, now + timedelta(days=days)))
    roll.tokens.extend(extended.token_id, extended.expire_time)
    told = {"days": days, "expire_time": extended.expire_time.isoformat()}
    audit.tell(roll, Action.EXTEND_TOKEN, now, _subject(token), told)
    return extended


def _check_days(days: int, limits: TokenLimits) -> None:
    reason = _days_fault(days, limits)
    if reason is not None:
        fewest, most = limits.fewest_days, limits.most_days
        raise RollbookError(
            reason,
            f"{_DAYS_FAULTS[reason]} {fewest} to {most} days are allowed.",
            fewest=fewest,
            most=most,
        )


def _days_fault(days: int, limits: TokenLimits) -> Reason | None:
    if days == 0:
        return Reason.TOKEN_DAYS_MISSING
    if days < 0:
        return Reason.TOKEN_DAYS_NEGATIVE
    if days < limits.fewest_days:
        return Reason.TOKEN_DAYS_TOO_FEW
    return Reason.TOKEN_DAYS_TOO_MANY if days > limits.most_days else None


_DAYS_FAULTS = {
    Reason.TOKEN_DAYS_MISSING: "Say by how many days to extend the token.",
    Reason.TOKEN_DAYS_NEGATIVE: "A token cannot be extended by a negative number of days.",
    Reason.TOKEN_DAYS_TOO_FEW: "These are too few days.",
    Reason.TOKEN_DAYS_TOO_MANY: "These are too many days.",
}


def revoke(roll: Roll, profile: Profile, now: datetime) -> Token:
    """Void the token of the profile, and older ones in their overlap; again changes nothing.

    Raises RollbookError with PROFILE_IS_TOKENLESS.
    """
    roll.tokens.void(profile.profile_id, AT_ONCE)
    token = current(roll, profile)
    audit.tell(roll, Action.REVOKE_TOKEN, now, _subject(token))
    return token


def revoke_all(roll: Roll, now: datetime) -> int:
    """Void every token of every profile; gives how many could have worked."""
    count = roll.tokens.void_all(now)
    roll.tokens.void_all(AT_ONCE)
    audit.tell(roll, Action.REVOKE_ALL_TOKENS, now, Subject(), {"count": count})
    return count
