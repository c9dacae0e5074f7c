"""Configuration groups as messages, and back: plain mappings on the one side.

Its own room beside `_convert` because the values check themselves with it, so it
must not know them.
"""

from __future__ import annotations

from difflib import get_close_matches
from math import isfinite
from typing import TYPE_CHECKING, cast

from google.protobuf import struct_pb2

from rollbook import _enums
from rollbook.v1 import configuration_pb2

if TYPE_CHECKING:
    from collections.abc import Mapping

    from google.protobuf.descriptor import FieldDescriptor

_Extras = configuration_pb2.AndroidSystemExtras

# The stubs of protobuf know two classes of FieldDescriptor; at run time it is one.
_FIELDS = cast("Mapping[str, FieldDescriptor]", _Extras.DESCRIPTOR.fields_by_name)

# Beyond it a double, the only number a Struct has, skips integers.
_LARGEST_EXACT_INTEGER = 2**53


def struct(values: Mapping[str, object], path: str) -> struct_pb2.Struct:
    """Give the mapping as a Struct; ValueError names the key it cannot hold."""
    message = struct_pb2.Struct()
    for key, value in values.items():
        _check_exact(value, f"{path}.{key}")
        try:
            message.update(cast("dict[str, str]", {key: value}))
        except UnicodeEncodeError as error:
            raise ValueError(f"{path}.{key!a}: holds what is no Unicode text") from error
        except (TypeError, ValueError, AttributeError) as error:
            raise ValueError(f"{path}.{key}: JSON has no {type(value).__name__}") from error
    return message


def _check_exact(value: object, path: str) -> None:
    if isinstance(value, dict):
        for key, inner in value.items():
            _check_exact(inner, f"{path}.{key}")
    elif isinstance(value, list | tuple):
        for position, inner in enumerate(value):
            _check_exact(inner, f"{path}[{position}]")
    elif isinstance(value, int) and abs(value) > _LARGEST_EXACT_INTEGER:
        raise ValueError(f"{path}: {value} would be rounded; write it as a string")
    elif isinstance(value, float) and not isfinite(value):
        raise ValueError(f"{path}: JSON has no {value}")


def from_struct(message: struct_pb2.Struct) -> dict[str, object]:
    """Give a Struct as a mapping; whole numbers become int again."""
    return {key: _from_value(value) for key, value in message.fields.items()}


def _from_value(value: struct_pb2.Value) -> object:
    match value.WhichOneof("kind"):
        case "struct_value":
            return from_struct(value.struct_value)
        case "list_value":
            return [_from_value(inner) for inner in value.list_value.values]
        case "number_value":
            return _from_number(value.number_value)
        case None | "null_value":
            return None
        case kind:
            return getattr(value, kind)


def _from_number(number: float) -> float:
    exact = number.is_integer() and abs(number) <= _LARGEST_EXACT_INTEGER
    return int(number) if exact else number


def system_extras(values: Mapping[str, object]) -> configuration_pb2.AndroidSystemExtras:
    """Give the mapping as a message; ValueError names the nearest right name or word."""
    message = _Extras()
    for name, value in values.items():
        if name not in _FIELDS:
            raise ValueError(f"system_extras: there is no {name!r}{_nearest(name)}")
        try:
            _set(message, _FIELDS[name], value)
        except (TypeError, ValueError) as error:
            raise ValueError(f"system_extras.{name}: {error}") from error
    return message


def _nearest(name: str) -> str:
    """Suggest a name; also for Android's own android.app.extra.PROVISIONING_... form."""
    bare = name.rpartition("PROVISIONING_")[2].lower()
    found = get_close_matches(bare, _FIELDS, n=1)
    return f"; did you mean {found[0]!r}?" if found else "; custom_system_keys takes other keys"


def _set(message: _Extras, field: FieldDescriptor, value: object) -> None:
    if field.enum_type is not None:
        enum = field.enum_type
        setattr(message, field.name, enum.values_by_name[_enums.name(enum, str(value))].number)
    elif field.message_type is not None:
        getattr(message, field.name).CopyFrom(_bundle(field.name, value))
    else:
        setattr(message, field.name, value)


def _bundle(name: str, value: object) -> struct_pb2.Struct:
    if not isinstance(value, dict):
        raise TypeError(f"takes a mapping, not {type(value).__name__}")
    return struct(value, name)


def from_system_extras(message: configuration_pb2.AndroidSystemExtras) -> dict[str, object]:
    """Give the fields that are set."""
    return {field.name: _plain(field, value) for field, value in message.ListFields()}


def _plain(field: FieldDescriptor, value: object) -> object:
    if isinstance(value, struct_pb2.Struct):
        return from_struct(value)
    if field.enum_type is not None:
        return _enums.word(field.enum_type, cast("int", value))
    return value
