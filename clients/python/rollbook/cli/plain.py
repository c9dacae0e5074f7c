"""Values as other programs read them: the documents of `--output json`.

Field names are those of the contract, times are RFC 3339 in UTC, enums are
words, bytes are base64.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from enum import Enum
from functools import singledispatch
from pathlib import PurePath


@singledispatch
def plain(value: object) -> object:
    """Give a value made of what JSON knows."""
    if is_dataclass(value):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    return value


@plain.register
def _(value: Enum) -> object:
    return value.value


@plain.register
def _(value: datetime) -> str:
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")


@plain.register
def _(value: bytes) -> str:
    return b64encode(value).decode("ascii")


@plain.register(str)
@plain.register(PurePath)
def _(value: str | PurePath) -> str:
    return str(value)


@plain.register(Mapping)
def _(value: Mapping[object, object]) -> dict[str, object]:
    return {str(plain(key)): plain(item) for key, item in value.items()}


@plain.register(Iterable)
def _(value: Iterable[object]) -> list[object]:
    return [plain(item) for item in value]


def document(value: object, **more: object) -> dict[str, object]:
    """Give the fields of a value object, and further ones, as one JSON object."""
    own = plain(value)
    if not isinstance(own, dict):
        message = f"{type(value).__name__} has no fields"
        raise TypeError(message)
    return {**own, **{name: plain(item) for name, item in more.items()}}
