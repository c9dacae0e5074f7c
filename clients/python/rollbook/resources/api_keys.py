"""API keys, with which administrators and their services call."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from rollbook.words import Right, Role


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key without its value; `role` is UNSPECIFIED for a set of rights of its own."""

    api_key_id: str
    display_name: str
    role: Role
    rights: tuple[Right, ...]
    create_time: datetime | None
    expire_time: datetime | None
    last_use_time: datetime | None
    revoke_time: datetime | None


@dataclass(frozen=True, slots=True)
class CreatedApiKey:
    """A new key with its value, which cannot be had again."""

    api_key: ApiKey
    value: str = field(repr=False)
