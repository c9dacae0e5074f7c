"""API keys between messages and the domain."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollbook.v1 import access_service_pb2
from rollbook_server.domain.api_keys import NewApiKey
from rollbook_server.domain.errors import FieldsError
from rollbook_server.domain.rights import Right, Role
from rollbook_server.transport.messages.enums import prefix, wire, word
from rollbook_server.transport.messages.times import instant, timestamp

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rollbook_server.domain.api_keys import ApiKey


def new_api_key(request: access_service_pb2.CreateApiKeyRequest) -> NewApiKey:
    """Read what an administrator says of a new key."""
    has_end = request.HasField("expire_time")
    return NewApiKey(
        display_name=request.display_name,
        role=word(request, "role", Role, None),
        rights=frozenset(map(_right, request.rights)),
        expire_time=instant(request.expire_time, "expire_time") if has_end else None,
    )


def _right(number: int) -> Right:
    enum = access_service_pb2.Right.DESCRIPTOR
    value = enum.values_by_number.get(number)
    if number == 0 or value is None:
        allowed = ", ".join(each.name for each in enum.values[1:])
        raise FieldsError({"rights": f"holds the unknown value {number}; allowed are {allowed}"})
    return Right(value.name.removeprefix(prefix(enum)))


def api_key(value: ApiKey) -> access_service_pb2.ApiKey:
    """Write an API key, without its secret."""
    return access_service_pb2.ApiKey(
        api_key_id=value.api_key_id,
        display_name=value.display_name,
        role=wire(access_service_pb2.Role, value.role or "UNSPECIFIED"),
        rights=_in_order(value.rights),
        create_time=timestamp(value.create_time),
        expire_time=timestamp(value.expire_time),
        last_use_time=timestamp(value.last_use_time),
        revoke_time=timestamp(value.revoke_time),
    )


def _in_order(rights: Iterable[Right]) -> list[access_service_pb2.Right]:
    return sorted(wire(access_service_pb2.Right, right) for right in rights)
