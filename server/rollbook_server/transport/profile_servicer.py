"""ProfileService: convert, call, convert."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollbook.v1 import profile_service_pb2, profile_service_pb2_grpc
from rollbook_server.domain import profiles
from rollbook_server.domain.pages import page_request
from rollbook_server.transport import convert
from rollbook_server.transport.answers import answer_once

if TYPE_CHECKING:
    import grpc

    from rollbook_server.domain.clock import Clock
    from rollbook_server.domain.ports import Roll, Store
    from rollbook_server.domain.tokens import TokenMaker


class ProfileServicer(profile_service_pb2_grpc.ProfileServiceServicer):
    """Looks after profiles; what is not overridden here answers UNIMPLEMENTED."""

    def __init__(self, store: Store, maker: TokenMaker, clock: Clock) -> None:
        self._store, self._maker, self._clock = store, maker, clock

    def CreateProfile(
        self,
        request: profile_service_pb2.CreateProfileRequest,
        context: grpc.ServicerContext,
    ) -> profile_service_pb2.CreateProfileResponse:
        """Create a profile."""
        wanted, now = convert.new_profile(request), self._clock()

        def create(roll: Roll) -> profile_service_pb2.CreateProfileResponse:
            created = profiles.create(roll, wanted, self._maker, now)
            return profile_service_pb2.CreateProfileResponse(profile=convert.profile(created))

        kind = profile_service_pb2.CreateProfileResponse
        return answer_once(self._store, request, now, create, kind)

    def GetProfile(
        self,
        request: profile_service_pb2.GetProfileRequest,
        context: grpc.ServicerContext,
    ) -> profile_service_pb2.GetProfileResponse:
        """Give one profile."""
        found = self._store.read(lambda roll: profiles.get(roll, request.profile_id))
        return profile_service_pb2.GetProfileResponse(profile=convert.profile(found))

    def ListProfiles(
        self,
        request: profile_service_pb2.ListProfilesRequest,
        context: grpc.ServicerContext,
    ) -> profile_service_pb2.ListProfilesResponse:
        """List profiles."""
        query = convert.profile_query(request)
        scope = ("profiles", query.name_contains, query.user_id, query.order)
        kinds = profiles.sort_kinds(query)
        wanted = page_request(request.page_size, request.page_token, scope, kinds=kinds)
        page = self._store.read(lambda roll: profiles.list_page(roll, query, wanted))
        return profile_service_pb2.ListProfilesResponse(
            profiles=[convert.profile(each) for each in page.values],
            next_page_token=page.next_page_token,
        )
