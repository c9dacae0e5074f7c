"""What a profile's QR code says; how it is drawn is another room's job."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple, Protocol

from rollbook_server.domain import audit, configuration_linter, profiles, provisioning, tokens
from rollbook_server.domain.addresses import host_of, is_no_destination
from rollbook_server.domain.audit import Action
from rollbook_server.domain.errors import FieldsError, Reason, RollbookError
from rollbook_server.domain.tokens import TokenState

if TYPE_CHECKING:
    from datetime import datetime

    from rollbook_server.domain.ports import Roll, Sealer
    from rollbook_server.domain.profiles import Profile
    from rollbook_server.domain.tokens import Token

DEFAULT_SCALE = 8
LARGEST_SCALE = 40  # about 7,000 pixels for the largest code: a poster


class QrFormat(StrEnum):
    """Forms of the picture; see `QrCodeFormat` in the contract."""

    PNG = "PNG"
    SVG = "SVG"
    PDF = "PDF"
    TERMINAL = "TERMINAL"


class Picture(NamedTuple):
    """A drawn code; `image` is UTF-8 text where `media_type` is a text type."""

    image: bytes
    media_type: str


class Draw(Protocol):
    """Draws a payload, or raises RollbookError with QR_PAYLOAD_TOO_LARGE."""

    def __call__(self, payload: str, format: QrFormat, scale: int) -> Picture:  # noqa: A002
        """Draw; `scale` is pixels or points a module."""


@dataclass(frozen=True, slots=True)
class QrCode:
    """The JSON for the setup wizard, and what is doubtful about it, a sentence each."""

    payload: str
    warnings: list[str]


@dataclass(frozen=True, slots=True)
class Subject:
    """A profile with its token, as they stood in one instant."""

    profile: Profile
    token: Token


def subject(roll: Roll, profile_id: str) -> Subject:
    """Find what a code is about.

    Raises RollbookError with PROFILE_NOT_FOUND or PROFILE_IS_TOKENLESS.
    """
    profile = profiles.get(roll, profile_id)
    return Subject(profile, tokens.current(roll, profile))


def tell_drawn(roll: Roll, subject: Subject, form: QrFormat, now: datetime) -> None:
    """Tell that a code is given away, which holds the token; before it is."""
    token = subject.token
    about = audit.Subject(token.profile_id, resource_id=token.token_id)
    audit.tell(roll, Action.GENERATE_QR_CODE, now, about, {"format": form})


def checked_scale(scale: int) -> int:
    """Give the scale, 0 being the default; raises FieldsError beyond 1 to 40."""
    if scale and not 1 <= scale <= LARGEST_SCALE:
        raise FieldsError({"scale": f"must be 1 to {LARGEST_SCALE}, or 0 for {DEFAULT_SCALE}"})
    return scale or DEFAULT_SCALE


def generate(subject: Subject, sealer: Sealer, server_address: str, now: datetime) -> QrCode:
    """Compose a profile's code.

    Raises RollbookError with TOKEN_IS_REVOKED or TOKEN_UNREADABLE.
    """
    profile, token = subject.profile, subject.token
    warnings = configuration_linter.warnings(profile.configuration)
    state = token.state(now)
    if state is TokenState.REVOKED:
        raise RollbookError(
            Reason.TOKEN_IS_REVOKED,
            "The token of this profile was revoked; refresh it, then draw the code.",
            profile_id=profile.profile_id,
        )
    if state is TokenState.EXPIRED:
        warnings.append("The token in this code has expired; extend it before devices scan it.")
    if is_no_destination(host_of(server_address)):
        warnings.append(
            f"The code tells devices to call {server_address}, which no other machine can "
            "reach; start the server with --public-address."
        )
    payload = provisioning.payload(
        profile.configuration,
        server_address=server_address,
        token=tokens.value_of(token, sealer),
        profile_id=profile.profile_id,
    )
    return QrCode(payload, warnings)
