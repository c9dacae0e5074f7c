"""Reads the contract from proto/, with the comments in it.

Knows protobuf's descriptors and nothing of Markdown.
"""

from __future__ import annotations

import re
import subprocess
import sysconfig
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from google.protobuf import descriptor_pb2

from reference.contract import Contract, Enum, Field, File, Message, Method, Service, Value

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

ROOT = Path(__file__).parents[2]
PACKAGE = "rollbook/v1/"
_TYPE = descriptor_pb2.FieldDescriptorProto.Type
_REPEATED = descriptor_pb2.FieldDescriptorProto.LABEL_REPEATED
# What stands in a path of SourceCodeInfo before the index of a thing of its kind.
_MESSAGE, _ENUM, _SERVICE, _FIELD, _ONEOF, _VALUE, _METHOD = 4, 5, 6, 2, 8, 2, 2
_Thing = TypeVar("_Thing")


class CommentMissingError(Exception):
    """Something of the contract has no comment, or that of an RPC lacks a part."""


def read() -> Contract:
    """Compile proto/ with buf and read it. Raises CommentMissingError."""
    buf = Path(sysconfig.get_path("scripts"), "buf")
    built = subprocess.run([buf, "build", "-o", "-"], cwd=ROOT, check=True, capture_output=True)
    files = descriptor_pb2.FileDescriptorSet.FromString(built.stdout).file
    ours = sorted((f for f in files if f.name.startswith(PACKAGE)), key=lambda file: file.name)
    return Contract([_Reader(file).file() for file in ours])


class _Reader:
    """Reads one file; paths are those of SourceCodeInfo."""

    def __init__(self, file: descriptor_pb2.FileDescriptorProto) -> None:
        self._file = file
        self._comments = {
            tuple(each.path): each.leading_comments for each in file.source_code_info.location
        }

    def file(self) -> File:
        return File(
            Path(self._file.name).stem,
            [self._service(*each) for each in _numbered(self._file.service, _SERVICE)],
            [self._message(*each) for each in _numbered(self._file.message_type, _MESSAGE)],
            [self._enum(*each) for each in _numbered(self._file.enum_type, _ENUM)],
        )

    def _comment(self, name: str, path: tuple[int, ...]) -> str:
        lines = self._comments.get(path, "").splitlines()
        text = "\n".join(line.removeprefix(" ").rstrip() for line in lines).strip()
        if not text:
            raise CommentMissingError(f"{self._file.name}: {name} has no comment")
        return text

    def _service(
        self, service: descriptor_pb2.ServiceDescriptorProto, path: tuple[int, ...]
    ) -> Service:
        methods = _numbered(service.method, _METHOD, *path)
        return Service(
            service.name,
            self._comment(service.name, path),
            [self._method(service.name, *each) for each in methods],
        )

    def _method(
        self, service: str, method: descriptor_pb2.MethodDescriptorProto, path: tuple[int, ...]
    ) -> Method:
        comment = self._comment(method.name, path)
        told, *parts = re.split(r"^(?:Callers|On failure|Reasons):", comment, flags=re.MULTILINE)
        if len(parts) != 3:  # noqa: PLR2004 - the three that the pattern names
            raise CommentMissingError(
                f"{method.name}: Callers, On failure and Reasons, in this order"
            )
        callers, on_failure, reasons = (" ".join(part.split()) for part in parts)
        return Method(
            service=service,
            name=method.name,
            request=method.input_type.rpartition(".")[2],
            response=method.output_type.rpartition(".")[2],
            kind=_kind(method),
            told=told.strip(),
            callers=callers,
            on_failure=on_failure,
            reasons=reasons,
        )

    def _message(self, message: descriptor_pb2.DescriptorProto, path: tuple[int, ...]) -> Message:
        for index, oneof in enumerate(message.oneof_decl):
            if not oneof.name.startswith("_"):  # the compiler's own, around an optional field
                self._comment(f"{message.name}.{oneof.name}", (*path, _ONEOF, index))
        fields = _numbered(message.field, _FIELD, *path)
        return Message(
            message.name,
            self._comment(message.name, path),
            [self._field(message, *each) for each in fields],
        )

    def _field(
        self,
        message: descriptor_pb2.DescriptorProto,
        each: descriptor_pb2.FieldDescriptorProto,
        path: tuple[int, ...],
    ) -> Field:
        name, refers_to = _type(message, each)
        in_oneof = each.HasField("oneof_index") and not each.proto3_optional
        oneof = message.oneof_decl[each.oneof_index].name if in_oneof else ""
        comment = self._comment(f"{message.name}.{each.name}", path)
        return Field(each.name, each.number, name, refers_to, oneof, comment)

    def _enum(self, enum: descriptor_pb2.EnumDescriptorProto, path: tuple[int, ...]) -> Enum:
        values = _numbered(enum.value, _VALUE, *path)
        return Enum(
            enum.name,
            self._comment(enum.name, path),
            [Value(v.name, v.number, self._comment(v.name, at)) for v, at in values],
        )


def _numbered(
    things: Iterable[_Thing], kind: int, *path: int
) -> Iterator[tuple[_Thing, tuple[int, ...]]]:
    return ((thing, (*path, kind, index)) for index, thing in enumerate(things))


def _kind(method: descriptor_pb2.MethodDescriptorProto) -> str:
    streams = (method.client_streaming, method.server_streaming)
    return {
        (False, False): "unary",
        (True, False): "client stream",
        (False, True): "server stream",
        (True, True): "stream both ways",
    }[streams]


def _type(
    message: descriptor_pb2.DescriptorProto, each: descriptor_pb2.FieldDescriptorProto
) -> tuple[str, str]:
    """Give the type of a field as one reads it, and the name of ours in it."""
    nested = {nested.name: nested for nested in message.nested_type}
    name = each.type_name.removeprefix(".").removeprefix("rollbook.v1.")
    entry = nested.get(name.rpartition(".")[2])
    if entry is not None and entry.options.map_entry:
        key, value = (_type(entry, part) for part in entry.field)
        return f"map<{key[0]}, {value[0]}>", value[1]
    plain = name or _TYPE.Name(each.type).removeprefix("TYPE_").lower()
    label = "repeated " if each.label == _REPEATED else ""
    optional = "optional " if each.proto3_optional else ""
    return f"{label}{optional}{plain}", "" if "." in name else name
