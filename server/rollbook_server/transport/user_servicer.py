"""UserService: convert, call, convert."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from rollbook.v1 import user_service_pb2, user_service_pb2_grpc
from rollbook_server.domain import users
from rollbook_server.domain.pages import page_request
from rollbook_server.domain.users import UserQuery
from rollbook_server.transport.messages import user_messages

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    import grpc

    from rollbook_server.domain.ports import PasswordHasher, Roll, Store
    from rollbook_server.domain.users import UserChange
    from rollbook_server.transport.answers import Answers


class UserServicer(user_service_pb2_grpc.UserServiceServicer):
    """Looks after users; `voided` notes that one was changed or deleted."""

    def __init__(
        self, store: Store, answers: Answers, hasher: PasswordHasher, voided: Callable[[], None]
    ) -> None:
        self._store, self._answers, self._hasher = store, answers, hasher
        self._voided = voided

    def CreateUser(
        self,
        request: user_service_pb2.CreateUserRequest,
        context: grpc.ServicerContext,
    ) -> user_service_pb2.CreateUserResponse:
        """Create a user."""
        wanted = self._hashed(user_messages.new_user(request))

        def create(roll: Roll, now: datetime) -> user_service_pb2.CreateUserResponse:
            created = users.create(roll, wanted, now)
            return user_service_pb2.CreateUserResponse(user=user_messages.user(created))

        return self._answers.once(request, user_service_pb2.CreateUserResponse, create)

    def ListUsers(
        self,
        request: user_service_pb2.ListUsersRequest,
        context: grpc.ServicerContext,
    ) -> user_service_pb2.ListUsersResponse:
        """List users."""
        query = UserQuery(name_contains=request.name_contains)
        scope = ("users", query.name_contains)
        wanted = page_request(request.page_size, request.page_token, scope, kinds=users.SORT_KINDS)
        page = self._store.read(lambda roll: users.list_page(roll, query, wanted))
        return user_service_pb2.ListUsersResponse(
            users=[user_messages.user(each) for each in page.values],
            next_page_token=page.next_page_token,
        )

    def UpdateUser(
        self,
        request: user_service_pb2.UpdateUserRequest,
        context: grpc.ServicerContext,
    ) -> user_service_pb2.UpdateUserResponse:
        """Change a user."""
        wanted = self._hashed(user_messages.user_change(request))
        user_id, etag = request.user.user_id, request.user.etag

        def update(roll: Roll, now: datetime) -> user_service_pb2.UpdateUserResponse:
            changed = users.update(roll, user_id, etag, wanted, now)
            return user_service_pb2.UpdateUserResponse(user=user_messages.user(changed))

        answer = self._answers.once(request, user_service_pb2.UpdateUserResponse, update)
        self._voided()
        return answer

    def DeleteUser(
        self,
        request: user_service_pb2.DeleteUserRequest,
        context: grpc.ServicerContext,
    ) -> user_service_pb2.DeleteUserResponse:
        """Delete a user."""

        def delete(roll: Roll, now: datetime) -> user_service_pb2.DeleteUserResponse:
            users.delete(roll, request.user_id, request.etag, now)
            return user_service_pb2.DeleteUserResponse()

        answer = self._answers.once(request, user_service_pb2.DeleteUserResponse, delete)
        self._voided()
        return answer

    def _hashed(self, wanted: UserChange) -> UserChange:
        """Hash the password, if it may be one: before the transaction, for it takes long."""
        password = users.new_password(wanted.password)
        return replace(wanted, password_hash=self._hasher.hash(password)) if password else wanted
