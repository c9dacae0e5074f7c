"""Instants as messages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from google.protobuf import timestamp_pb2

if TYPE_CHECKING:
    from datetime import datetime


def timestamp(instant: datetime | None) -> timestamp_pb2.Timestamp | None:
    """Give the message; None stays absent."""
    if instant is None:
        return None
    message = timestamp_pb2.Timestamp()
    message.FromDatetime(instant)
    return message
