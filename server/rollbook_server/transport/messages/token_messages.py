"""Tokens as messages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollbook.v1 import token_pb2
from rollbook_server.transport.messages.enums import wire
from rollbook_server.transport.messages.times import timestamp

if TYPE_CHECKING:
    from datetime import datetime

    from rollbook_server.domain.tokens import Token


def token(value: Token, now: datetime) -> token_pb2.Token:
    """Write a token as it stands at that instant."""
    return token_pb2.Token(
        token_id=value.token_id,
        profile_id=value.profile_id,
        obfuscated_value=value.obfuscated_value,
        state=wire(token_pb2.TokenState, value.state(now)),
        create_time=timestamp(value.create_time),
        expire_time=timestamp(value.expire_time),
        use_count=value.use_count,
        last_use_time=timestamp(value.last_use_time),
    )
