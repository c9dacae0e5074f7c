"""A page token says where a list goes on, and opens nothing: anybody may read or write one."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from google.protobuf import message_factory
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from methods import Caller, Method, methods
from rollbook import DeviceRow, Right
from rollbook_server.health import SERVICES
from uploads.wire import imei

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rollbook import AdminClient
    from running import Server

LISTS = [
    method
    for method in methods(*SERVICES)
    if "page_token" in method.descriptor.input_type.fields_by_name
]
each_list = pytest.mark.parametrize("method", LISTS, ids=lambda method: method.name)


@pytest.fixture
def caller(server: Server) -> Iterator[Caller]:
    caller = Caller(server)
    yield caller
    caller.channel.close()


@pytest.fixture
def asked(admin: AdminClient) -> dict[str, dict[str, Any]]:
    """Give two things to ask of every list: the own one, and another with things of its own."""
    ids: list[tuple[str, str]] = []
    for name in ("Depot", "Other"):
        profile_id = admin.create_profile(name).profile_id
        rows = [DeviceRow(imei(len(ids) * 100 + number)) for number in range(5)]
        uploads = [admin.upload_rows(profile_id, [*rows, DeviceRow("1"), DeviceRow("2")])]
        uploads += [admin.upload_rows(profile_id, [DeviceRow(n)]) for n in "345"]
        ids.append((profile_id, uploads[0].upload_id))
    for number in range(3):
        admin.create_user(f"user {number}")
        admin.create_api_key(f"key {number}", rights=[Right.VIEW])
    (mine, upload), (other, other_upload) = ids
    own: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
        "ListDevices": ({"profile_id": mine}, {"profile_id": other}),
        "ListUploads": ({"profile_id": mine}, {"profile_id": other}),
        "ListUploadErrors": ({"upload_id": upload}, {"upload_id": other_upload}),
        "ListAuditEvents": ({"profile_id": mine}, {"profile_id": other}),
        "ListProfiles": ({}, {"name_contains": "e"}),
        "ListUsers": ({}, {"name_contains": "e"}),
    }
    return {
        method.name: dict(zip(("mine", "other"), own.get(method.name, ({}, None)), strict=True))
        for method in LISTS
    }


def page(caller: Caller, method: Method, key: str | None = None, **fields: Any) -> Any:
    """Ask for a page; raises grpc.RpcError."""
    request = message_factory.GetMessageClass(method.descriptor.input_type)(**fields)
    answer = caller.send(method, request.SerializeToString(), key=key)
    return message_factory.GetMessageClass(method.descriptor.output_type).FromString(answer)


def listed(answer: Any) -> list[bytes]:
    """Give what a page holds, each as bytes."""
    return [
        each.SerializeToString()
        for field, value in answer.ListFields()
        if field.is_repeated and field.message_type
        for each in value
    ]


def first_of(caller: Caller, method: Method, fields: dict[str, Any]) -> str:
    size = {} if method.name == "VerifyAuditLog" else {"page_size": 1}
    return str(page(caller, method, caller.key, **size, **fields).next_page_token)


PAGED = [method for method in LISTS if method.name != "VerifyAuditLog"]
each_paged = pytest.mark.parametrize("method", PAGED, ids=lambda method: method.name)


@each_paged
def test_a_page_token_lets_nobody_in(
    caller: Caller, admin: AdminClient, asked: dict[str, dict[str, Any]], method: Method
) -> None:
    fields = asked[method.name]["mine"]
    token = first_of(caller, method, fields)
    assert token
    kind = message_factory.GetMessageClass(method.descriptor.input_type)
    request = kind(page_token=token, **fields).SerializeToString()
    useless = admin.create_api_key("Useless", rights=[Right.DELETE]).value
    assert caller.error(method, request).reason == "API_KEY_MISSING"
    assert caller.error(method, request, key=f"Bearer {token}").reason == "API_KEY_INVALID"
    assert caller.error(method, request, key=f"Bearer {useless}").reason == "RIGHT_MISSING"


@each_paged
def test_a_page_token_of_one_list_does_not_go_on_with_another(
    caller: Caller, asked: dict[str, dict[str, Any]], method: Method
) -> None:
    token = first_of(caller, method, asked[method.name]["mine"])
    other = asked[method.name]["other"]
    if other is not None:
        with pytest.raises(grpc.RpcError) as caught:
            page(caller, method, caller.key, page_token=token, **other)
        assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    for stranger in (each for each in LISTS if each != method):
        with pytest.raises(grpc.RpcError) as caught:
            page(caller, stranger, caller.key, page_token=token, **asked[stranger.name]["mine"])
        assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT


@each_paged
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_a_page_token_that_somebody_wrote_shows_nothing_beyond_the_list(
    caller: Caller, asked: dict[str, dict[str, Any]], method: Method, data: st.DataObject
) -> None:
    """Whatever it says of where to go on: as strange as it likes, but of the right form."""
    fields = asked[method.name]["mine"]
    scope, *keys = json.loads(base64.urlsafe_b64decode(first_of(caller, method, fields) + "=="))
    numbers = st.integers(-(2**65), 2**65) | st.integers(-3, 9)
    texts = st.text(max_size=8) | st.sampled_from(["", "%", "' OR 1=1 --", "\0", "dev-", "prf-"])
    forged = [data.draw(numbers if isinstance(key, int) else texts) for key in keys]
    token = base64.urlsafe_b64encode(json.dumps([scope, *forged]).encode()).decode().rstrip("=")
    whole = set(listed(page(caller, method, caller.key, page_size=1000, **fields)))
    try:
        shown = listed(page(caller, method, caller.key, page_token=token, **fields))
    except grpc.RpcError as error:
        if error.code() is not grpc.StatusCode.INVALID_ARGUMENT:
            raise
        shown = []
    assert set(shown) <= whole
