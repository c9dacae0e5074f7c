"""The part of `AdminClient` that looks after profiles."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

from rollbook import _convert, _enums
from rollbook._calls import Client, pages
from rollbook.v1 import profile_pb2, profile_service_pb2, profile_service_pb2_grpc
from rollbook.words import ProfileOrder, ProfileOrigin

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rollbook._calls import Caller
    from rollbook.resources import Configuration, Profile


class ProfileCalls(Client):
    """Calls ProfileService."""

    def __init__(self, caller: Caller) -> None:
        super().__init__(caller)
        self._profiles = profile_service_pb2_grpc.ProfileServiceStub(caller.channel)

    def create_profile(  # noqa: PLR0913 - as many properties as a profile has
        self,
        name: str,
        *,
        description: str = "",
        origin: ProfileOrigin = ProfileOrigin.CSV,
        tokenless: bool = False,
        user_id: str = "",
        configuration: Configuration | None = None,
    ) -> Profile:
        """Create a profile, and its token unless it is tokenless.

        Its retries cannot create it twice.
        """
        request = profile_service_pb2.CreateProfileRequest(
            name=name,
            description=description,
            origin=_enums.name(profile_pb2.ProfileOrigin.DESCRIPTOR, origin),
            tokenless=tokenless,
            user_id=user_id,
            configuration=_convert.configuration_message(configuration),
            request_id=str(uuid4()),
        )
        return _convert.profile(self._caller.unary(self._profiles.CreateProfile, request).profile)

    def get_profile(self, profile_id: str) -> Profile:
        """Give one profile with its exact counts."""
        request = profile_service_pb2.GetProfileRequest(profile_id=profile_id)
        return _convert.profile(self._caller.unary(self._profiles.GetProfile, request).profile)

    def delete_profile(self, profile_id: str, *, etag: str = "", force: bool = False) -> int:
        """Delete a profile with its devices, uploads and token; gives how many devices went.

        Pass the etag that it has now, so that nothing is deleted which you have not
        seen, or `force`.
        """
        request = profile_service_pb2.DeleteProfileRequest(
            profile_id=profile_id, etag=etag, force=force, request_id=str(uuid4())
        )
        return self._caller.unary(self._profiles.DeleteProfile, request).deleted_device_count

    def list_profiles(
        self,
        *,
        name_contains: str = "",
        user_id: str = "",
        order: ProfileOrder = ProfileOrder.NAME,
        page_size: int = 0,
    ) -> Iterator[Profile]:
        """Give every profile that fits, fetching page after page while you iterate."""

        def fetch(page_token: str) -> profile_service_pb2.ListProfilesResponse:
            request = profile_service_pb2.ListProfilesRequest(
                page_size=page_size,
                page_token=page_token,
                name_contains=name_contains,
                user_id=user_id,
                order=_enums.name(profile_service_pb2.ProfileOrder.DESCRIPTOR, order),
            )
            return self._caller.unary(self._profiles.ListProfiles, request)

        for page in pages(fetch):
            yield from map(_convert.profile, page.profiles)
