"""ProfileService: convert, call, convert."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollbook.v1 import profile_service_pb2, profile_service_pb2_grpc
from rollbook_server.domain import callers, profile_changes, profiles, removals, rights
from rollbook_server.domain.pages import page_request
from rollbook_server.domain.rights import Right
from rollbook_server.transport.messages import profile_messages, token_messages

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    import grpc

    from rollbook_server.domain.clock import Clock
    from rollbook_server.domain.ports import Roll, Store
    from rollbook_server.domain.tokens import TokenMaker
    from rollbook_server.transport.answers import Answers


class ProfileServicer(profile_service_pb2_grpc.ProfileServiceServicer):
    """Looks after profiles; what is not overridden here answers UNIMPLEMENTED.

    `csv_editable` lets name and description of CSV profiles be changed, too.
    """

    def __init__(  # noqa: PLR0913 - what it is wired to
        self,
        store: Store,
        answers: Answers,
        clock: Clock,
        maker: TokenMaker,
        *,
        csv_editable: bool,
        sweep: Callable[[], None],
        voided: Callable[[], None],
    ) -> None:
        self._store, self._answers, self._clock = store, answers, clock
        self._maker, self._csv_editable, self._sweep = maker, csv_editable, sweep
        self._voided = voided

    def CreateProfile(
        self,
        request: profile_service_pb2.CreateProfileRequest,
        context: grpc.ServicerContext,
    ) -> profile_service_pb2.CreateProfileResponse:
        """Create a profile."""
        if request.user_id:
            rights.require(callers.current(), Right.ASSIGN_USER)
        wanted = profile_messages.new_profile(request)

        def create(roll: Roll, now: datetime) -> profile_service_pb2.CreateProfileResponse:
            created = profiles.create(roll, wanted, self._maker, now)
            return profile_service_pb2.CreateProfileResponse(
                profile=profile_messages.profile(created),
                warnings=profiles.warnings(wanted.configuration),
            )

        return self._answers.once(request, profile_service_pb2.CreateProfileResponse, create)

    def GetProfile(
        self,
        request: profile_service_pb2.GetProfileRequest,
        context: grpc.ServicerContext,
    ) -> profile_service_pb2.GetProfileResponse:
        """Give one profile, and its token without the value."""
        found, token = self._store.read(lambda roll: profiles.with_token(roll, request.profile_id))
        return profile_service_pb2.GetProfileResponse(
            profile=profile_messages.profile(found),
            token=token_messages.token(token, self._clock()) if token else None,
        )

    def ListProfiles(
        self,
        request: profile_service_pb2.ListProfilesRequest,
        context: grpc.ServicerContext,
    ) -> profile_service_pb2.ListProfilesResponse:
        """List profiles."""
        query = profile_messages.profile_query(request)
        scope = ("profiles", query.name_contains, query.user_id, query.order)
        kinds = profiles.sort_kinds(query)
        wanted = page_request(request.page_size, request.page_token, scope, kinds=kinds)
        page = self._store.read(lambda roll: profiles.list_page(roll, query, wanted))
        return profile_service_pb2.ListProfilesResponse(
            profiles=[profile_messages.profile(each) for each in page.values],
            next_page_token=page.next_page_token,
        )

    def DeleteProfile(
        self,
        request: profile_service_pb2.DeleteProfileRequest,
        context: grpc.ServicerContext,
    ) -> profile_service_pb2.DeleteProfileResponse:
        """Delete a profile with all it holds."""

        def delete(roll: Roll, now: datetime) -> profile_service_pb2.DeleteProfileResponse:
            count = removals.delete_profile(
                roll, request.profile_id, request.etag, now, force=request.force
            )
            return profile_service_pb2.DeleteProfileResponse(deleted_device_count=count)

        answer = self._answers.once(request, profile_service_pb2.DeleteProfileResponse, delete)
        self._voided()
        self._sweep()
        return answer

    def UpdateProfile(
        self,
        request: profile_service_pb2.UpdateProfileRequest,
        context: grpc.ServicerContext,
    ) -> profile_service_pb2.UpdateProfileResponse:
        """Change name and description."""
        wanted = profile_messages.profile_edit(request)

        def edit(roll: Roll, now: datetime) -> profile_service_pb2.UpdateProfileResponse:
            edited = profile_changes.edit(roll, wanted, now, csv_editable=self._csv_editable)
            return profile_service_pb2.UpdateProfileResponse(
                profile=profile_messages.profile(edited)
            )

        return self._answers.once(request, profile_service_pb2.UpdateProfileResponse, edit)

    def AssignUser(
        self,
        request: profile_service_pb2.AssignUserRequest,
        context: grpc.ServicerContext,
    ) -> profile_service_pb2.AssignUserResponse:
        """Give a profile to a user, or to none."""

        def assign(roll: Roll, now: datetime) -> profile_service_pb2.AssignUserResponse:
            wanted = (request.profile_id, request.user_id, request.etag)
            assigned = profile_changes.assign_user(roll, *wanted, now)
            return profile_service_pb2.AssignUserResponse(
                profile=profile_messages.profile(assigned)
            )

        return self._answers.once(request, profile_service_pb2.AssignUserResponse, assign)

    def UpdateConfiguration(
        self,
        request: profile_service_pb2.UpdateConfigurationRequest,
        context: grpc.ServicerContext,
    ) -> profile_service_pb2.UpdateConfigurationResponse:
        """Change what the devices of a profile are given."""
        wanted = profile_messages.configuration_edit(request)

        def configure(roll: Roll, now: datetime) -> profile_service_pb2.UpdateConfigurationResponse:
            configured = profile_changes.configure(roll, wanted, now)
            return profile_service_pb2.UpdateConfigurationResponse(
                profile=profile_messages.profile(configured),
                warnings=profiles.warnings(configured.configuration),
            )

        return self._answers.once(
            request, profile_service_pb2.UpdateConfigurationResponse, configure
        )
