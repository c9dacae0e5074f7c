"""The part of `AdminClient` that looks after users."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

from rollbook import _convert, _dual
from rollbook._calls import Calls, Pages
from rollbook._passwords import sendable
from rollbook.v1 import user_service_pb2, user_service_pb2_grpc

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from rollbook.resources import User


class UserCalls(Calls):
    """Calls UserService."""

    @property
    def _users(self) -> user_service_pb2_grpc.UserServiceStub:
        return self._caller.stub(user_service_pb2_grpc.UserServiceStub)

    @_dual.method
    async def create_user(
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
        answer = await self._caller.unary(self._users.CreateUser, request)
        return _convert.user(answer.user)

    @_dual.iterator
    async def list_users(
        self, *, name_contains: str = "", page_size: int = 0
    ) -> AsyncIterator[User]:
        """Give every user that fits by name, fetching page after page while you iterate."""
        request = user_service_pb2.ListUsersRequest(
            page_size=page_size, name_contains=name_contains
        )
        async for page in Pages(self._caller, self._users.ListUsers, request):
            for each in page.users:
                yield _convert.user(each)

    @_dual.method
    async def update_user(  # noqa: PLR0913 - as many properties as a user has
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
        answer = await self._caller.unary(self._users.UpdateUser, request)
        return _convert.user(answer.user)

    @_dual.method
    async def delete_user(self, user_id: str, *, etag: str = "") -> None:
        """Delete a user; profiles and devices that were given to them are given to none.

        With `etag` only if nobody changed the user since; raises AbortedError.
        """
        request = user_service_pb2.DeleteUserRequest(
            user_id=user_id, etag=etag, request_id=str(uuid4())
        )
        await self._caller.unary(self._users.DeleteUser, request)
