"""The part of `AdminClient` that looks after users."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

from rollbook import _convert
from rollbook._calls import Client, pages
from rollbook._passwords import sendable
from rollbook.v1 import user_service_pb2, user_service_pb2_grpc

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rollbook._calls import Caller
    from rollbook.resources import User


class UserCalls(Client):
    """Calls UserService."""

    def __init__(self, caller: Caller) -> None:
        super().__init__(caller)
        self._users = user_service_pb2_grpc.UserServiceStub(caller.channel)

    def create_user(
        self,
        user_name: str,
        *,
        display_name: str = "",
        email: str = "",
        disabled: bool = False,
        password: str = "",
    ) -> User:
        """Create a user, who may sign in with a password of 8 to 256 characters.

        Without one devices and profiles can be given to them all the same. Its retries
        cannot create it twice.
        """
        request = user_service_pb2.CreateUserRequest(
            user=user_service_pb2.User(
                user_name=user_name, display_name=display_name, email=email, disabled=disabled
            ),
            password=sendable(password),
            request_id=str(uuid4()),
        )
        return _convert.user(self._caller.unary(self._users.CreateUser, request).user)

    def list_users(self, *, name_contains: str = "", page_size: int = 0) -> Iterator[User]:
        """Give every user that fits by name, fetching page after page while you iterate."""

        def fetch(page_token: str) -> user_service_pb2.ListUsersResponse:
            request = user_service_pb2.ListUsersRequest(
                page_size=page_size, page_token=page_token, name_contains=name_contains
            )
            return self._caller.unary(self._users.ListUsers, request)

        for page in pages(fetch):
            yield from map(_convert.user, page.users)

    def update_user(  # noqa: PLR0913 - as many properties as a user has
        self,
        user_id: str,
        *,
        user_name: str | None = None,
        display_name: str | None = None,
        email: str | None = None,
        disabled: bool | None = None,
        password: str = "",
        etag: str = "",
    ) -> User:
        """Change what is given, and leave the rest of the user as it is.

        With `etag` only if nobody changed the user since; raises AbortedError.
        """
        given = {
            "user_name": user_name,
            "display_name": display_name,
            "email": email,
            "disabled": disabled,
        }
        changed = {name: value for name, value in given.items() if value is not None}
        request = user_service_pb2.UpdateUserRequest(
            user={"user_id": user_id, "etag": etag, **changed},
            update_mask={"paths": list(changed)},
            password=sendable(password),
            request_id=str(uuid4()),
        )
        return _convert.user(self._caller.unary(self._users.UpdateUser, request).user)

    def delete_user(self, user_id: str, *, etag: str = "") -> None:
        """Delete a user; profiles and devices that were given to them are given to none.

        With `etag` only if nobody changed the user since; raises AbortedError.
        """
        request = user_service_pb2.DeleteUserRequest(
            user_id=user_id, etag=etag, request_id=str(uuid4())
        )
        self._caller.unary(self._users.DeleteUser, request)
