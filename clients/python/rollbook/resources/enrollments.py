"""What a device is told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rollbook.resources.profiles import Configuration
    from rollbook.resources.users import EnrolledUser
    from rollbook.words import EnrollOutcome


@dataclass(frozen=True, slots=True)
class Enrollment:
    """The server's decision about a device.

    Unless the outcome is REGISTERED, all is empty but `sign_in_available`.
    """

    outcome: EnrollOutcome
    device_id: str
    profile_id: str
    attributes: Mapping[str, str]
    user: EnrolledUser | None
    configuration: Configuration | None
    sign_in_available: bool
