"""Messages that are no sensible protobuf, or far too deep, at every method of the contract."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from methods import Caller, methods
from rollbook_server.health import SERVICES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from running import Server

METHODS = methods(*SERVICES)
DEEP = 20_000


def varint(number: int) -> bytes:
    digits = []
    while number > 127:
        digits.append(number & 127 | 128)
        number >>= 7
    return bytes([*digits, number])


def nested(field: int, depth: int) -> bytes:
    """Give a message within a message within a message, by that field each."""
    content = b""
    for _ in range(depth):
        content = varint(field << 3 | 2) + varint(len(content)) + content
    return content


def struct(depth: int) -> bytes:
    """Give a Struct within a Struct: the one message of the contract that may hold itself."""
    content = b""
    for _ in range(depth):
        content = at(1, content=at(1, content=b"a") + at(2, 5, content=content))
    return content


def at(*path: int, content: bytes) -> bytes:
    """Put bytes into a field, named by its number in each message around it."""
    for field in reversed(path):
        content = varint(field << 3 | 2) + varint(len(content)) + content
    return content


BAD = {
    "groups without end": b"\x0b" * DEEP,
    "groups that end": b"\x0b" * DEEP + b"\x0c" * DEEP,
    "a length beyond the end": b"\x0a\xff\xff\xff\xff\x0f",
    "a length below 0": b"\x0a" + b"\xff" * 9 + b"\x01",
    "a number of too many bytes": b"\x08" + b"\xff" * 20,
    "field 0": b"\x00\x00",
    "the largest field": varint(((1 << 29) - 1) << 3) + b"\x00",
    "wrong kinds": b"".join(varint(field << 3 | 5) + b"\0\0\0\0" for field in range(1, 30)),
    "texts that are none": b"".join(at(field, content=b"\xff\xfe\x80") for field in range(1, 30)),
    "many times the same": at(1, content=b"x") * 10_000,
    **{f"deep in field {field}": nested(field, 200) for field in (1, 2, 3)},
    **{
        f"a deep structure in field {field}": at(field, 1, content=struct(200))
        for field in (1, 2, 4)
    },
}


@pytest.fixture
def caller(server: Server) -> Iterator[Caller]:
    caller = Caller(server)
    yield caller
    caller.channel.close()


def test_whatever_a_message_is_the_answer_is_one_that_is_promised(caller: Caller) -> None:
    for method in METHODS:
        for content in BAD.values():
            caller.send_anything(method, content)


def test_a_structure_that_is_too_deep_is_refused_and_one_that_is_not_is_kept(
    caller: Caller,
) -> None:
    """vendor_keys of the configuration of a new profile."""
    create = next(method for method in METHODS if method.name == "CreateProfile")
    (configuration,) = [
        field.number
        for field in create.descriptor.input_type.fields
        if field.name == "configuration"
    ]
    for depth, works in ((10, True), (100, False), (5_000, False)):
        name = at(1, content=f"Depth {depth}".encode())
        sent = name + at(configuration, 1, content=struct(depth))
        if works:
            assert caller.send(create, sent, key=caller.key)
        else:
            assert caller.error(create, sent, key=caller.key).code == "INVALID_ARGUMENT"
