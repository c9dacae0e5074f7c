"""ProfileService: convert, call, convert."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollbook.v1 import profile_service_pb2, profile_service_pb2_grpc
from rollbook_server.domain import profiles, removals
from rollbook_server.domain.pages import page_request
from rollbook_server.transport.messages import profile_messages

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    import grpc

    from rollbook_server.domain.ports import Roll, Store
    from rollbook_server.domain.tokens import TokenMaker
    from rollbook_server.transport.answers import Answers


class ProfileServicer(profile_service_pb2_grpc.ProfileServiceServicer):
    """Looks after profiles; what is not overridden here answers UNIMPLEMENTED."""

    def __init__(
        self, store: Store, answers: Answers, maker: TokenMaker, sweep: Callable[[], None]
    ) -> None:
        self._store, self._answers, self._maker, self._sweep = store, answers, maker, sweep

    def CreateProfile(
        self,
        request: profile_service_pb2.CreateProfileRequest,
        context: grpc.ServicerContext,
    ) -> profile_service_pb2.CreateProfileResponse:
        """Create a profile."""
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
        """Give one profile."""
        found = self._store.read(lambda roll: profiles.get(roll, request.profile_id))
        return profile_service_pb2.GetProfileResponse(profile=profile_messages.profile(found))

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

        def delete(roll: Roll, _: datetime) -> profile_service_pb2.DeleteProfileResponse:
            count = removals.delete_profile(
                roll, request.profile_id, request.etag, force=request.force
            )
            return profile_service_pb2.DeleteProfileResponse(deleted_device_count=count)

        answer = self._answers.once(request, profile_service_pb2.DeleteProfileResponse, delete)
        self._sweep()
        return answer
