"""Which QR codes stand on a sheet, and which profiles have none that would work."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rollbook import FailedPreconditionError, InvalidArgumentError, QrCodeFormat, TokenState
from rollbook.cli.output import words
from rollbook.cli.profile_names import find_profile

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import datetime

    from rollbook import AdminClient, Profile, QrCode, Token

# Pixels a module: enough that no printer blurs its edge.
_SCALE = 10


@dataclass(frozen=True)
class SheetCode:
    """One code of a sheet, and what is written under it."""

    profile_id: str
    name: str
    expire_time: datetime | None
    picture: bytes
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class LeftOut:
    """A profile that has no place on the sheet, and why."""

    profile_id: str
    name: str
    reason: str
    message: str


def wanted_profiles(client: AdminClient, wanted: Sequence[str]) -> list[Profile]:
    """Give the profiles by id or name, each once in the order given; all if none is named."""
    named = (find_profile(client, one) for one in wanted)
    profiles = {one.profile_id: one for one in named}
    return [*profiles.values()] or [*client.list_profiles()]


def collect(
    client: AdminClient, profiles: Iterable[Profile], told: Callable[[int], None]
) -> tuple[list[SheetCode], list[LeftOut]]:
    """Give the codes of the profiles; `told` is called with how many were looked at."""
    codes: list[SheetCode] = []
    left_out: list[LeftOut] = []
    for count, profile in enumerate(profiles, start=1):
        found = _code(client, profile)
        if isinstance(found, SheetCode):
            codes.append(found)
        else:
            left_out.append(found)
        told(count)
    return codes, left_out


def _code(client: AdminClient, profile: Profile) -> SheetCode | LeftOut:
    if profile.tokenless:
        return _left_out(profile, "PROFILE_IS_TOKENLESS", "it has no token, for it is tokenless")
    _, token = client.get_profile_with_token(profile.profile_id)
    if token is None or token.state is not TokenState.ACTIVE:
        return _dead(profile, token)
    try:
        code = client.generate_qr_code(profile.profile_id, format=QrCodeFormat.PNG, scale=_SCALE)
    except (FailedPreconditionError, InvalidArgumentError) as error:
        return _left_out(profile, error.reason, error.message)
    return _of(profile, token, code)


def _of(profile: Profile, token: Token, code: QrCode) -> SheetCode:
    return SheetCode(profile.profile_id, profile.name, token.expire_time, code.image, code.warnings)


def _dead(profile: Profile, token: Token | None) -> LeftOut:
    state = str(token.state) if token else "MISSING"
    when = f" ({words(token.expire_time)})" if token and state == "EXPIRED" else ""
    return _left_out(profile, f"TOKEN_IS_{state}", f"its token is {state.lower()}{when}")


def _left_out(profile: Profile, reason: str, message: str) -> LeftOut:
    return LeftOut(profile.profile_id, profile.name, reason, message)
