"""How much is on the roll, and how long its tokens still live: for whoever watches it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from rollbook_server.domain.devices import DeviceState
    from rollbook_server.domain.tokens import TokenState

HORIZONS = (timedelta(days=1), timedelta(days=7), timedelta(days=30))
"""How far one looks ahead for tokens that expire."""


@dataclass(frozen=True, slots=True)
class Figures:
    """The roll at one instant, in numbers.

    Of tokens only the current one of each profile counts. `expiring` are those that are
    ACTIVE now and will not be after so long; `next_expiry` is that of the first of them.
    """

    profiles: int
    devices: Mapping[DeviceState, int]
    open_uploads: int
    tokens: Mapping[TokenState, int]
    expiring: Mapping[timedelta, int]
    next_expiry: datetime | None
    next_key_expiry: datetime | None


class FiguresRepository(Protocol):
    """Counts what is stored; takes time with the number of profiles, not of devices."""

    def at(self, now: datetime) -> Figures:
        """Give the figures as of an instant."""
