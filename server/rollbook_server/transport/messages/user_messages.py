"""Users between messages and the domain."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollbook.v1 import user_service_pb2
from rollbook_server.domain import masks, users
from rollbook_server.domain.etags import etag
from rollbook_server.transport.messages.times import timestamp

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rollbook_server.domain.users import User

_CHANGEABLE = ("user_name", "display_name", "email", "disabled")


def new_values(request: user_service_pb2.CreateUserRequest) -> Mapping[str, str | bool]:
    """Read and check what an administrator says of a new user, but for the password."""
    return users.checked_values({name: getattr(request.user, name) for name in _CHANGEABLE})


def changed_values(request: user_service_pb2.UpdateUserRequest) -> Mapping[str, str | bool]:
    """Read and check the values that an administrator wants changed."""
    values = {name: getattr(request.user, name) for name in _CHANGEABLE}
    paths = request.update_mask.paths
    named = masks.named(paths, _CHANGEABLE) if paths else {n for n in values if values[n]}
    return users.checked_values({name: values[name] for name in values if name in named})


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
