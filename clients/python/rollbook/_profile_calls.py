"""The part of `AdminClient` that looks after profiles."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

from google.protobuf import field_mask_pb2

from rollbook import _convert, _dual, _enums
from rollbook._calls import Calls, Pages
from rollbook.v1 import profile_pb2, profile_service_pb2, profile_service_pb2_grpc
from rollbook.words import ProfileOrder, ProfileOrigin

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable

    from rollbook.resources import Configuration, Profile, Token


class ProfileCalls(Calls):
    """Calls ProfileService."""

    @property
    def _profiles(self) -> profile_service_pb2_grpc.ProfileServiceStub:
        return self._caller.stub(profile_service_pb2_grpc.ProfileServiceStub)

    @_dual.method
    async def create_profile(  # noqa: PLR0913 - as many properties as a profile has
        self,
        name: str,
        *,
        description: str = "",
        origin: ProfileOrigin = ProfileOrigin.CSV,
        tokenless: bool = False,
        user_id: str = "",
        configuration: Configuration | None = None,
        on_warning: Callable[[str], None] | None = None,
    ) -> Profile:
        """Create a profile, and its token unless it is tokenless.

        `on_warning` hears each sentence about what Android would ignore or misread of
        the configuration. Its retries cannot create it twice.

        >>> wifi = Configuration(system_extras={"wifi_ssid": "Depot", "wifi_hidden": True})
        >>> admin.create_profile("Scanners", configuration=wifi).name
        'Scanners'
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
        answer = await self._caller.unary(self._profiles.CreateProfile, request)
        _tell(answer.warnings, on_warning)
        return _convert.profile(answer.profile)

    @_dual.method
    async def get_profile(self, profile_id: str) -> Profile:
        """Give one profile with its exact counts."""
        request = profile_service_pb2.GetProfileRequest(profile_id=profile_id)
        answer = await self._caller.unary(self._profiles.GetProfile, request)
        return _convert.profile(answer.profile)

    @_dual.method
    async def delete_profile(self, profile_id: str, *, etag: str = "", force: bool = False) -> int:
        """Delete a profile with its devices, uploads and token; gives how many devices went.

        Pass the etag that it has now, so that nothing is deleted which you have not
        seen, or `force`.
        """
        request = profile_service_pb2.DeleteProfileRequest(
            profile_id=profile_id, etag=etag, force=force, request_id=str(uuid4())
        )
        answer = await self._caller.unary(self._profiles.DeleteProfile, request)
        return answer.deleted_device_count

    @_dual.method
    async def get_profile_with_token(self, profile_id: str) -> tuple[Profile, Token | None]:
        """Give a profile and its token (None if it is tokenless) as of one instant."""
        request = profile_service_pb2.GetProfileRequest(profile_id=profile_id)
        answer = await self._caller.unary(self._profiles.GetProfile, request)
        token = _convert.token(answer.token) if answer.HasField("token") else None
        return _convert.profile(answer.profile), token

    @_dual.method
    async def update_profile(
        self,
        profile_id: str,
        *,
        name: str | None = None,
        description: str | None = None,
        etag: str = "",
    ) -> Profile:
        """Change name and description of a SINGLE_DEVICE profile; None leaves one as it is.

        With an etag, only the state that was read with it is changed, else AbortedError.
        A CSV profile raises FailedPreconditionError unless its server allows it.
        """
        values = {"name": name, "description": description}
        request = profile_service_pb2.UpdateProfileRequest(
            profile=profile_pb2.Profile(
                profile_id=profile_id, name=name or "", description=description or "", etag=etag
            ),
            update_mask=field_mask_pb2.FieldMask(
                paths=[field for field, value in values.items() if value is not None]
            ),
            request_id=str(uuid4()),
        )
        answer = await self._caller.unary(self._profiles.UpdateProfile, request)
        return _convert.profile(answer.profile)

    @_dual.method
    async def assign_user(self, profile_id: str, user_id: str, *, etag: str = "") -> Profile:
        """Give the devices of a profile to a user; an empty user_id gives them to none."""
        request = profile_service_pb2.AssignUserRequest(
            profile_id=profile_id, user_id=user_id, etag=etag, request_id=str(uuid4())
        )
        answer = await self._caller.unary(self._profiles.AssignUser, request)
        return _convert.profile(answer.profile)

    @_dual.method
    async def update_configuration(
        self,
        profile_id: str,
        configuration: Configuration,
        *,
        update_mask: Iterable[str] = (),
        etag: str = "",
        on_warning: Callable[[str], None] | None = None,
    ) -> Profile:
        """Change what the devices of a profile are given; the whole of it without a mask.

        A mask names `vendor_keys`, `custom_system_keys`, `system_extras`, or
        `system_extras.FIELD`; what it names and the configuration lacks is cleared.
        `on_warning` hears each sentence about what Android would ignore or misread.
        """
        request = profile_service_pb2.UpdateConfigurationRequest(
            profile_id=profile_id,
            configuration=_convert.configuration_message(configuration),
            update_mask=field_mask_pb2.FieldMask(paths=update_mask),
            etag=etag,
            request_id=str(uuid4()),
        )
        answer = await self._caller.unary(self._profiles.UpdateConfiguration, request)
        _tell(answer.warnings, on_warning)
        return _convert.profile(answer.profile)

    @_dual.iterator
    async def list_profiles(
        self,
        *,
        name_contains: str = "",
        user_id: str = "",
        order: ProfileOrder = ProfileOrder.NAME,
        page_size: int = 0,
    ) -> AsyncIterator[Profile]:
        """Give every profile that fits, fetching page after page while you iterate.

        One that changes meanwhile can be missed by the order LAST_UPDATED, for it goes to
        the front; none comes twice.
        """
        request = profile_service_pb2.ListProfilesRequest(
            page_size=page_size,
            name_contains=name_contains,
            user_id=user_id,
            order=_enums.name(profile_service_pb2.ProfileOrder.DESCRIPTOR, order),
        )
        async for page in Pages(self._caller, self._profiles.ListProfiles, request):
            for each in page.profiles:
                yield _convert.profile(each)


def _tell(warnings: Iterable[str], on_warning: Callable[[str], None] | None) -> None:
    if on_warning is not None:
        for warning in warnings:
            on_warning(warning)
