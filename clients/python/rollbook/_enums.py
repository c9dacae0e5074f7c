"""Enum values of the contract as words without their prefix, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from google.protobuf.descriptor import EnumDescriptor


def words(enum: EnumDescriptor) -> list[str]:
    """Give every word of the enum; the first is UNSPECIFIED."""
    return [str(value.name).removeprefix(_prefix(enum)) for value in enum.values]


def word(enum: EnumDescriptor, number: int) -> str:
    """Give the word for a number; UNSPECIFIED for one that a newer server made up."""
    known = enum.values_by_number.get(number)
    return str(known.name).removeprefix(_prefix(enum)) if known is not None else "UNSPECIFIED"


def name(enum: EnumDescriptor, word: str) -> str:
    """Give the contract's name for a word; ValueError names the right ones."""
    if word not in words(enum):
        # UNSPECIFIED is taken, but nobody means it.
        raise ValueError(f"{str(word)!r} is not one of {', '.join(words(enum)[1:])}")
    return f"{_prefix(enum)}{word}"


def _prefix(enum: EnumDescriptor) -> str:
    """Tell what every name begins with; zero is always PREFIX_UNSPECIFIED."""
    return str(enum.values_by_number[0].name).removesuffix("UNSPECIFIED")
