"""Configurations between messages and the domain, by the fields' own names."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from google.protobuf import json_format, struct_pb2

from rollbook.v1 import configuration_pb2
from rollbook_server.domain.configurations import Configuration
from rollbook_server.transport.messages.enums import prefix

if TYPE_CHECKING:
    from collections.abc import Mapping

    from google.protobuf.message import Message


def configuration_in(message: configuration_pb2.Configuration) -> Configuration:
    """Read the three groups; what the domain refuses passes through to be refused there."""
    return Configuration(
        vendor_keys=_struct_in(message.vendor_keys),
        system_extras={
            field.name: _extra_in(field, value)
            for field, value in message.system_extras.ListFields()
        },
        custom_system_keys=_struct_in(message.custom_system_keys),
    )


def configuration_out(value: Configuration) -> configuration_pb2.Configuration:
    """Write the three groups."""
    message = configuration_pb2.Configuration()
    _struct_out(message.vendor_keys, value.vendor_keys)
    _struct_out(message.custom_system_keys, value.custom_system_keys)
    for name, extra in value.system_extras.items():
        _extra_out(message.system_extras, name, extra)
    return message


def _struct_in(message: struct_pb2.Struct) -> dict[str, Any]:
    return {name: _value_in(value) for name, value in message.fields.items()}


def _value_in(value: struct_pb2.Value) -> Any:
    """Read a value; infinity stands for all that JSON cannot say, for the domain to refuse."""
    try:
        return json_format.MessageToDict(value) if _is_a_value(value) else math.inf
    except ValueError:
        return math.inf


def _is_a_value(value: struct_pb2.Value) -> bool:
    """Tell whether a kind is set, throughout; protobuf reads none as null."""
    kind = value.WhichOneof("kind")
    if kind == "struct_value":
        return all(map(_is_a_value, value.struct_value.fields.values()))
    if kind == "list_value":
        return all(map(_is_a_value, value.list_value.values))
    return kind is not None


def _struct_out(message: struct_pb2.Struct, value: Mapping[str, Any]) -> None:
    message.update(value)


def _extra_in(field: Any, value: Any) -> object:
    if isinstance(value, struct_pb2.Struct):
        return _struct_in(value)
    if field.enum_type is None:
        return value
    known = field.enum_type.values_by_number.get(value)
    return known.name.removeprefix(prefix(field.enum_type)) if known else value


def _extra_out(extras: Message, name: str, value: Any) -> None:
    field = extras.DESCRIPTOR.fields_by_name[name]
    if field.message_type is not None:
        _struct_out(getattr(extras, name), value)
    elif field.enum_type is not None:
        word = prefix(field.enum_type) + value
        setattr(extras, name, field.enum_type.values_by_name[word].number)
    else:
        setattr(extras, name, value)
