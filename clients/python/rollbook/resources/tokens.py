"""Tokens of profiles, and the codes that hold them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from rollbook.words import TokenState


@dataclass(frozen=True, slots=True)
class Token:
    """The enrollment secret of a profile, without the secret."""

    token_id: str
    profile_id: str
    obfuscated_value: str
    state: TokenState
    create_time: datetime | None
    expire_time: datetime | None
    use_count: int
    last_use_time: datetime | None


@dataclass(frozen=True, slots=True)
class SealingKeyRotation:
    """The key that seals tokens in the database now; the id says nothing about the key itself.

    `total_count` is how many tokens and stored answers there were to be sealed anew, and
    `resealed_count` how many of them were. `resumed` says that it broke off, with the server or
    for want of room, and went on: both counts are from then on, and 0 if nothing was left.
    `joined` says that this rotation was not over when another was asked for, and no other key
    was made. At the end, `unreadable_count` is how many no key of the server opens: they stay
    as they were, and all others can be read.
    """

    key_id: str
    resealed_count: int
    total_count: int = 0
    unreadable_count: int = 0
    joined: bool = False
    resumed: bool = False


@dataclass(frozen=True, slots=True)
class QrCode:
    """A picture for Android's setup wizard; it and `payload` hold the token.

    `warnings` say what Android would ignore or misread, one sentence each.
    """

    image: bytes = field(repr=False)
    media_type: str
    payload: str = field(repr=False)
    warnings: tuple[str, ...]
