"""The contract with its comments: what the pages of the reference are made of.

Knows neither descriptors nor Markdown.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property

_UPPER_SNAKE = re.compile(r"\b[A-Z]+(?:_[A-Z]+)*\b")


@dataclass(frozen=True)
class Value:
    """One value of an enum."""

    name: str
    number: int
    comment: str


@dataclass(frozen=True)
class Enum:
    """An enum and its values, in the order of the file."""

    name: str
    comment: str
    values: list[Value]

    def short(self, value: Value) -> str:
        """Give the name of a value without the prefix that all of them have."""
        prefix = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", self.name).upper()
        return value.name.removeprefix(f"{prefix}_")


@dataclass(frozen=True)
class Field:
    """One field. `refers_to` is the message or enum in its type, if that is one of ours."""

    name: str
    number: int
    type: str
    refers_to: str
    oneof: str
    comment: str


@dataclass(frozen=True)
class Message:
    """A message and its fields, in the order of the file."""

    name: str
    comment: str
    fields: list[Field]


@dataclass(frozen=True)
class Method:
    """One RPC, with its comment as its paragraphs divide it."""

    service: str
    name: str
    request: str
    response: str
    kind: str
    told: str
    callers: str
    on_failure: str
    reasons: str

    def rights(self, known: set[str]) -> list[str]:
        """Give the rights it needs; those behind the first only in some cases, or instead."""
        return list(dict.fromkeys(w for w in _UPPER_SNAKE.findall(self.callers) if w in known))

    @property
    def asks_key(self) -> bool:
        """Tell whether it is for whoever has an API key."""
        return "API key" in self.callers


@dataclass(frozen=True)
class Service:
    """A service and its RPCs, in the order of the file."""

    name: str
    comment: str
    methods: list[Method]


@dataclass(frozen=True)
class File:
    """One .proto file; `stem` is its name without folder and ending."""

    stem: str
    services: list[Service]
    messages: list[Message]
    enums: list[Enum]


@dataclass(frozen=True)
class Contract:
    """All files, by name."""

    files: list[File]

    @cached_property
    def services(self) -> list[Service]:
        """Every service."""
        return [service for file in self.files for service in file.services]

    @cached_property
    def methods(self) -> list[Method]:
        """Every RPC of every service."""
        return [method for service in self.services for method in service.methods]

    @cached_property
    def enums(self) -> dict[str, Enum]:
        """Every enum by its name."""
        return {enum.name: enum for file in self.files for enum in file.enums}

    @cached_property
    def rights(self) -> set[str]:
        """The names of all rights, without their prefix."""
        enum = self.enums["Right"]
        return {enum.short(value) for value in enum.values}

    @cached_property
    def reasons(self) -> dict[str, Value]:
        """Every reason of a failed call by its name without prefix; UNSPECIFIED is none."""
        enum = self.enums["ErrorReason"]
        return {enum.short(value): value for value in enum.values[1:]}

    def reasons_of(self, method: Method) -> set[str]:
        """Give the reasons that the comment of an RPC names, one by one or as a group."""
        words = set(_UPPER_SNAKE.findall(method.reasons))
        groups = tuple(re.findall(r"\b([A-Z]+_)\s+reasons", method.reasons))
        found = {r for r in self.reasons if r in words or (groups and r.startswith(groups))}
        others = re.findall(r"\bas (\w+)", method.reasons)
        return found.union(*(self.reasons_of(m) for m in self.methods if m.name in others))


def status_of(reason: Value) -> str:
    """Give the status code, with which the comment of a reason ends."""
    return reason.comment.rstrip(".").split()[-1]
