"""Enum values of the wire to words of the domain and back, by their names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from rollbook_server.domain.errors import FieldsError

if TYPE_CHECKING:
    from enum import StrEnum

    from google.protobuf.message import Message

W = TypeVar("W", bound="StrEnum")
D = TypeVar("D")


def prefix(enum_descriptor: Any) -> str:
    """Give what every value of the enum begins with: that of its zero, UNSPECIFIED."""
    zero: str = enum_descriptor.values_by_number[0].name
    return zero.removesuffix("UNSPECIFIED")


def word(message: Message, field: str, words: type[W], default: D) -> W | D:
    """Read an enum field; UNSPECIFIED is the default, an unknown number a FieldsError."""
    descriptor: Any = message.DESCRIPTOR.fields_by_name[field].enum_type
    number = getattr(message, field)
    if number == 0:
        return default
    value = descriptor.values_by_number.get(number)
    if value is None:
        allowed = ", ".join(each.name for each in descriptor.values[1:])
        raise FieldsError({field: f"has the unknown value {number}; allowed are {allowed}"})
    return words(value.name.removeprefix(prefix(descriptor)))


def wire(enum: Any, value: str) -> Any:
    """Give the number for a word of the domain."""
    return enum.Value(prefix(enum.DESCRIPTOR) + value)
