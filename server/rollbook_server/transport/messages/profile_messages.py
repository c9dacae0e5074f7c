"""Profiles between messages and the domain."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollbook.v1 import profile_pb2
from rollbook_server.domain.etags import etag
from rollbook_server.domain.profile_changes import ConfigurationEdit, ProfileEdit
from rollbook_server.domain.profiles import (
    NewProfile,
    Profile,
    ProfileOrder,
    ProfileOrigin,
    ProfileQuery,
    ProfileType,
)
from rollbook_server.transport.messages.configuration_messages import (
    configuration_in,
    configuration_out,
)
from rollbook_server.transport.messages.enums import wire, word
from rollbook_server.transport.messages.times import timestamp

if TYPE_CHECKING:
    from rollbook.v1 import profile_service_pb2


def new_profile(request: profile_service_pb2.CreateProfileRequest) -> NewProfile:
    """Read what an administrator says of a new profile."""
    return NewProfile(
        name=request.name,
        description=request.description,
        type=word(request, "type", ProfileType, ProfileType.SELF_MAINTAINED),
        origin=word(request, "origin", ProfileOrigin, ProfileOrigin.CSV),
        tokenless=request.tokenless,
        user_id=request.user_id,
        configuration=configuration_in(request.configuration),
    )


def profile_edit(request: profile_service_pb2.UpdateProfileRequest) -> ProfileEdit:
    """Read how an administrator changes a profile."""
    return ProfileEdit(
        profile_id=request.profile.profile_id,
        name=request.profile.name,
        description=request.profile.description,
        paths=tuple(request.update_mask.paths),
        etag=request.profile.etag,
    )


def configuration_edit(
    request: profile_service_pb2.UpdateConfigurationRequest,
) -> ConfigurationEdit:
    """Read how an administrator changes a configuration."""
    return ConfigurationEdit(
        profile_id=request.profile_id,
        configuration=configuration_in(request.configuration),
        paths=tuple(request.update_mask.paths),
        etag=request.etag,
    )


def profile_query(request: profile_service_pb2.ListProfilesRequest) -> ProfileQuery:
    """Read which profiles to list."""
    return ProfileQuery(
        name_contains=request.name_contains,
        user_id=request.user_id,
        order=word(request, "order", ProfileOrder, ProfileOrder.NAME),
    )


def profile(value: Profile) -> profile_pb2.Profile:
    """Write a profile."""
    return profile_pb2.Profile(
        profile_id=value.profile_id,
        name=value.name,
        description=value.description,
        type=wire(profile_pb2.ProfileType, value.type),
        origin=wire(profile_pb2.ProfileOrigin, value.origin),
        tokenless=value.tokenless,
        user_id=value.user_id,
        device_count=value.device_count,
        registered_count=value.registered_count,
        pending_count=value.pending_count,
        configuration=configuration_out(value.configuration),
        create_time=timestamp(value.create_time),
        update_time=timestamp(value.update_time),
        devices_update_time=timestamp(value.devices_update_time),
        etag=etag(value.revision),
        user_name=value.user_name,
    )
