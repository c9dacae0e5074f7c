"""Instants and lengths of time between messages and the domain."""

from __future__ import annotations

from datetime import UTC, timedelta
from typing import TYPE_CHECKING

from google.protobuf import timestamp_pb2

from rollbook_server.domain import clock
from rollbook_server.domain.errors import FieldsError

if TYPE_CHECKING:
    from datetime import datetime

    from google.protobuf import duration_pb2

_DAY = 86_400  # seconds
_NANOSECONDS = 1000  # in a microsecond


def timestamp(instant: datetime | None) -> timestamp_pb2.Timestamp | None:
    """Give the message; None stays absent.

    FromDatetime takes three times as long, and lists are full of times.
    """
    if instant is None:
        return None
    since = instant - clock.EPOCH
    seconds = since.days * _DAY + since.seconds
    return timestamp_pb2.Timestamp(seconds=seconds, nanos=since.microseconds * _NANOSECONDS)


def instant(message: timestamp_pb2.Timestamp, field: str) -> datetime:
    """Read an instant; a FieldsError names the field if it breaks protobuf's rules."""
    try:
        message.ToJsonString()  # the one method that checks
        return message.ToDatetime(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise FieldsError({field: "is no instant of the years 1 to 9999"}) from None


def length(message: duration_pb2.Duration) -> timedelta:
    """Read a length of time; the longest of all stands for one that breaks protobuf's rules.

    Parts of a microsecond count as a whole one, so that nothing below 0 or above a
    limit is taken for what it is not.
    """
    try:
        message.ToJsonString()  # the one method that checks
    except ValueError:
        return timedelta.max
    whole, part = divmod(abs(message.nanos), _NANOSECONDS)
    microseconds = whole + bool(part)
    sign = -1 if message.nanos < 0 else 1
    return timedelta(seconds=message.seconds, microseconds=sign * microseconds)
