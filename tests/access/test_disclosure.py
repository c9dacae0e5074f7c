"""Who may change a thing and not see it learns by no answer more than what names it."""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Any

import pytest
from google.protobuf.message_factory import GetMessageClass

from methods import Method, methods
from rollbook import (
    Configuration,
    DeviceUpdate,
    ProfileOrigin,
    Right,
    TokenState,
    UploadState,
)
from rollbook.v1 import (
    access_service_pb2,
    device_pb2,
    device_service_pb2,
    profile_pb2,
    profile_service_pb2,
    token_service_pb2,
    user_service_pb2,
)
from rollbook_server.domain.rights import NEEDED
from rollbook_server.health import SERVICES
from uploads.wire import imei

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from google.protobuf.message import Message

    from methods import Caller
    from rollbook import AdminClient

BLIND: set[Right] = {*Right} - {Right.UNSPECIFIED, Right.VIEW, Right.REVEAL_TOKEN}
CANARY, IMEI = "canary", imei(7)
MISREAD = Configuration(custom_system_keys={f"{CANARY}.key": "true"})  # Android reads no such text
# A second call like the first is answered alike without a request_id.
REPEATABLE = {"UploadDevices", "RotateSealingKey"}


@dataclass
class House:
    """Something of every kind, with canaries in all that it says of itself."""

    profile_id: str
    single_id: str
    user_id: str
    device_id: str
    upload_id: str
    api_key_id: str


@pytest.fixture
def house(admin: AdminClient) -> House:
    email = f"{CANARY}@example.com"
    user = admin.create_user(CANARY, display_name=CANARY, email=email)
    profile = admin.create_profile(
        CANARY, description=CANARY, configuration=MISREAD, user_id=user.user_id
    )
    origin = ProfileOrigin.SINGLE_DEVICE
    single = admin.create_profile(f"{CANARY} 2", description=CANARY, origin=origin)
    file = f"imei,serial,manufacturer,{CANARY}\n{IMEI},{CANARY}-1,HTC,{CANARY}\nnone,,,{CANARY}\n"
    upload = admin.upload_devices(
        profile.profile_id,
        lambda: BytesIO(file.encode()),
        file_name=f"{CANARY}.csv",
        upload_id="u1",
    )
    assert (upload.created_count, upload.rejected_count) == (1, 1)
    (device,) = admin.list_devices(profile.profile_id)
    key = admin.create_api_key("Another", rights=[Right.DELETE]).api_key
    ids = profile.profile_id, single.profile_id, user.user_id, device.device_id, upload.upload_id
    return House(*ids, key.api_key_id)


def upload(of: House) -> Iterator[Message]:
    """Make an upload that meets the device of the house in vain."""
    row = device_pb2.DeviceRow(imei=IMEI, attributes={"other": "one"})
    open_ = device_service_pb2.UploadOpen(profile_id=of.single_id, upload_id="u2")
    yield device_service_pb2.UploadDevicesRequest(open=open_)
    rows = device_service_pb2.UploadRows(first_row=0, rows=[row])
    yield device_service_pb2.UploadDevicesRequest(rows=rows)
    finish = device_service_pb2.UploadFinish(total_rows=1)
    yield device_service_pb2.UploadDevicesRequest(finish=finish)


def unchanging(of: House) -> Message:
    update = device_service_pb2.DeviceUpdate(device=device_pb2.Device(device_id=of.device_id))
    return device_service_pb2.UpdateDevicesRequest(updates=[update])


def configuring(of: House) -> Message:
    request = profile_service_pb2.UpdateConfigurationRequest(profile_id=of.profile_id)
    request.update_mask.paths.append("vendor_keys")  # of which there are none
    return request


def new_profile(_: House) -> Message:
    return profile_service_pb2.CreateProfileRequest(name=f"{CANARY} 3", description=CANARY)


def new_device(of: House) -> Message:
    row = device_pb2.DeviceRow(imei=imei(8), attributes={CANARY: CANARY})
    return device_service_pb2.CreateDevicesRequest(profile_id=of.single_id, devices=[row])


def new_user(_: House) -> Message:
    user = user_service_pb2.User(user_name=f"{CANARY}-2", display_name=CANARY)
    return user_service_pb2.CreateUserRequest(user=user)


def new_key(_: House) -> Message:
    right = access_service_pb2.RIGHT_DELETE
    return access_service_pb2.CreateApiKeyRequest(display_name="Other", rights=[right])


# In an order in which each succeeds.
REQUESTS: dict[str, Callable[[House], Message]] = {
    "CreateProfile": new_profile,
    "UpdateProfile": lambda of: profile_service_pb2.UpdateProfileRequest(
        profile=profile_pb2.Profile(profile_id=of.single_id)
    ),
    "AssignUser": lambda of: profile_service_pb2.AssignUserRequest(
        profile_id=of.profile_id, user_id=of.user_id
    ),
    "UpdateConfiguration": configuring,
    "CreateDevices": new_device,
    "UpdateDevices": unchanging,
    "ExtendToken": lambda of: token_service_pb2.ExtendTokenRequest(
        profile_id=of.profile_id, days=7
    ),
    "RefreshToken": lambda of: token_service_pb2.RefreshTokenRequest(profile_id=of.profile_id),
    "RevokeToken": lambda of: token_service_pb2.RevokeTokenRequest(profile_id=of.profile_id),
    "RevokeAllTokens": lambda _: token_service_pb2.RevokeAllTokensRequest(),
    "RotateSealingKey": lambda _: token_service_pb2.RotateSealingKeyRequest(),
    "CreateUser": new_user,
    "UpdateUser": lambda of: user_service_pb2.UpdateUserRequest(
        user=user_service_pb2.User(user_id=of.user_id)
    ),
    "CreateApiKey": new_key,
    "RevokeApiKey": lambda of: access_service_pb2.RevokeApiKeyRequest(api_key_id=of.api_key_id),
    "DeleteDevices": lambda of: device_service_pb2.DeleteDevicesRequest(
        devices=[device_service_pb2.DeviceDeletion(device_id=of.device_id)]
    ),
    "DiscardUpload": lambda of: device_service_pb2.DiscardUploadRequest(upload_id=of.upload_id),
    "DeleteUser": lambda of: user_service_pb2.DeleteUserRequest(user_id=of.user_id),
    "DeleteProfile": lambda of: profile_service_pb2.DeleteProfileRequest(
        profile_id=of.profile_id, force=True
    ),
}

# Whose answers to those who may see it hold what others must not.
TELLING = {
    *("CreateProfile", "UpdateProfile", "AssignUser", "UpdateConfiguration"),
    *("CreateDevices", "UpdateDevices", "DiscardUpload", "CreateUser", "UpdateUser"),
    *("ExtendToken", "RefreshToken", "RevokeToken"),
}
SECRET = re.compile(rf"{CANARY}|obfuscated", re.IGNORECASE)


def changing() -> dict[str, Method]:
    """Give every method with a request_id, and those that need none."""
    found = {}
    for method in methods(*SERVICES):
        table_name = f"{method.service.rpartition('.')[2]}/{method.name}"
        named = "request_id" in method.descriptor.input_type.fields_by_name
        if table_name in NEEDED and (named or method.name in REPEATABLE):
            found[method.name] = method
    return found


def ask(caller: Caller, method: Method, messages: list[Message], key: str) -> str:
    told = caller.send(method, *(each.SerializeToString() for each in messages), key=key)
    kind: Any = GetMessageClass(method.descriptor.output_type)
    return str(kind.FromString(told))


@pytest.mark.parametrize("blind_first", [True, False])
def test_what_only_view_shows_is_in_no_answer_without_it_also_not_in_a_stored_one(
    caller: Caller, admin: AdminClient, house: House, *, blind_first: bool
) -> None:
    blind = f"Bearer {admin.create_api_key('Blind', rights=sorted(BLIND)).value}"
    found = changing()
    assert set(found) == {*REQUESTS, "UploadDevices"}
    telling = set()
    for name in ["UploadDevices", *REQUESTS]:
        messages = [*upload(house)] if name == "UploadDevices" else [REQUESTS[name](house)]
        if name not in REPEATABLE:
            messages[0].request_id = str(uuid.uuid4())  # type: ignore[attr-defined]
        keys = [blind, caller.key] if blind_first else [caller.key, blind]
        answers = {key: ask(caller, found[name], messages, key) for key in keys}
        assert not SECRET.search(answers[blind]), name
        assert name == "UploadDevices" or IMEI[:14] not in answers[blind], name
        telling |= {name} if SECRET.search(answers[caller.key]) else set()
    assert telling == TELLING


def test_it_is_told_what_it_needs_to_go_on(
    admin: AdminClient, house: House, holder: Callable[..., AdminClient]
) -> None:
    blind = holder(*sorted(BLIND))
    warnings: list[str] = []
    made = blind.create_profile("Other", configuration=MISREAD, on_warning=warnings.append)
    assert CANARY in warnings[-1]  # for it sent that itself
    whole = admin.get_profile(made.profile_id)
    assert (made.profile_id, made.etag) == (whole.profile_id, whole.etag)
    assert (made.create_time, made.update_time) == (whole.create_time, whole.update_time)
    assert (made.name, made.device_count, made.configuration) == ("", 0, Configuration())

    (device,) = blind.update_devices([DeviceUpdate(house.device_id, attributes={"a": "b"})])
    known = admin.get_device(house.device_id)
    assert (device.state, device.etag, device.upload_id) == (known.state, known.etag, "u1")
    assert blind.extend_token(house.profile_id, 9).state is TokenState.ACTIVE
    taken_back = blind.discard_upload("u1")
    assert (taken_back.removed_count, taken_back.upload.state) == (1, UploadState.DISCARDED)
    assert blind.create_api_key("Key", rights=[Right.DELETE]).api_key.display_name == "Key"
