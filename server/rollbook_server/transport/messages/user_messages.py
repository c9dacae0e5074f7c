"""Users between messages and the domain."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollbook.v1 import user_service_pb2
from rollbook_server.domain.etags import etag
from rollbook_server.domain.users import UserChange
from rollbook_server.transport.messages.times import timestamp

if TYPE_CHECKING:
    from rollbook_server.domain.users import User

_CHANGEABLE = ("user_name", "display_name", "email", "disabled")


def new_user(request: user_service_pb2.CreateUserRequest) -> UserChange:
    """Read what an administrator says of a new user."""
    return UserChange(_values(request.user), password=request.password)


def user_change(request: user_service_pb2.UpdateUserRequest) -> UserChange:
    """Read how an administrator changes a user."""
    paths = tuple(request.update_mask.paths)
    return UserChange(_values(request.user), paths, request.password)


def _values(message: user_service_pb2.User) -> dict[str, str | bool]:
    return {name: getattr(message, name) for name in _CHANGEABLE}


def user(value: User) -> user_service_pb2.User:
    """Write a user; of the password only whether it opens anything."""
    return user_service_pb2.User(
        user_id=value.user_id,
        user_name=value.user_name,
        display_name=value.display_name,
        email=value.email,
        disabled=value.disabled,
        create_time=timestamp(value.create_time),
        update_time=timestamp(value.update_time),
        etag=etag(value.revision),
        can_sign_in=value.can_sign_in,
    )
