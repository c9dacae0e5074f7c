"""The time of day: always aware, always UTC, injected so that tests can turn it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

Clock = Callable[[], datetime]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def now() -> datetime:
    """Give this instant."""
    return datetime.now(UTC)


def microseconds(instant: datetime) -> int:
    """Give microseconds since 1970, exactly: what is stored and sorted by."""
    return (instant - _EPOCH) // _MICROSECOND


def instant(microseconds: int) -> datetime:
    """Give the instant back."""
    return _EPOCH + timedelta(microseconds=microseconds)
