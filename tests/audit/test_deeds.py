"""What every RPC of the contract leaves in the audit log, and what it leaves if it fails."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from google.protobuf import descriptor_pool

from audit.depot import IMEI, PASSWORD, Depot
from raw_calls import unary
from rollbook import DeviceRow, DeviceUpdate, OnInvalidRow, Role, RollbookError
from rollbook.v1 import profile_service_pb2
from rollbook_server.domain import users
from rollbook_server.domain.callers import Caller, calling
from rollbook_server.health import SERVICES

if TYPE_CHECKING:
    from collections.abc import Callable

# Everything that changes or reveals something, in an order in which each can be done, and
# the actions that it leaves in the log.
DEEDS: dict[str, tuple[Callable[[Depot], object], str]] = {
    "CreateProfile": (lambda d: d.admin.create_profile("Other"), "CreateProfile"),
    "UpdateProfile": (
        lambda d: d.admin.update_profile(single(d), description="new"),
        "CreateProfile UpdateProfile",
    ),
    "AssignUser": (lambda d: d.admin.assign_user(d.profile_id, d.user_id), "AssignUser"),
    "UpdateConfiguration": (
        lambda d: d.admin.update_configuration(
            d.profile_id, replace(d.profile.configuration, system_extras={"wifi_ssid": "Depot"})
        ),
        "UpdateConfiguration",
    ),
    "UploadDevices": (
        lambda d: d.admin.upload_rows(d.profile_id, [DeviceRow("356938035643809")]),
        "OpenUpload FinishUpload",
    ),
    "CreateDevices": (
        lambda d: d.admin.create_devices(
            d.profile_id, [DeviceRow(serial_number="S1", manufacturer="M")]
        ),
        "CreateDevices",
    ),
    "UpdateDevices": (
        lambda d: d.admin.update_devices([DeviceUpdate(d.device.device_id, attributes={"a": "b"})]),
        "UpdateDevices",
    ),
    "ExportDevices": (lambda d: [*d.admin.export_devices(d.profile_id)], "ExportDevices"),
    "RevealToken": (lambda d: d.admin.reveal_token(d.profile_id), "RevealToken"),
    "GenerateQrCode": (lambda d: d.admin.generate_qr_code(d.profile_id), "GenerateQrCode"),
    "EnrollDevice": (lambda d: d.agent.enroll_device(token=d.token, imeis=[IMEI]), "EnrollDevice"),
    "SignInDevice": (
        lambda d: d.agent.sign_in_device(user_name="ada", password=PASSWORD, imeis=[IMEI]),
        "SignInDevice",
    ),
    "RefreshToken": (lambda d: d.admin.refresh_token(d.profile_id), "RefreshToken"),
    "ExtendToken": (lambda d: d.admin.extend_token(d.profile_id, 30), "ExtendToken"),
    "RevokeToken": (lambda d: d.admin.revoke_token(d.profile_id), "RevokeToken"),
    "RevokeAllTokens": (lambda d: d.admin.revoke_all_tokens(), "RevokeAllTokens"),
    "RotateSealingKey": (lambda d: d.admin.rotate_sealing_key(), "RotateSealingKey"),
    "CreateUser": (lambda d: d.admin.create_user("bob"), "CreateUser"),
    "UpdateUser": (lambda d: d.admin.update_user(d.user_id, email="a@example.com"), "UpdateUser"),
    "CreateApiKey": (lambda d: d.admin.create_api_key("Reports", role=Role.VIEWER), "CreateApiKey"),
    "RevokeApiKey": (
        lambda d: d.admin.revoke_api_key(
            d.admin.create_api_key("Reports", role=Role.VIEWER).api_key.api_key_id
        ),
        "CreateApiKey RevokeApiKey",
    ),
    "DeleteUser": (lambda d: d.admin.delete_user(d.user_id), "DeleteUser"),
    "DeleteDevices": (lambda d: d.admin.delete_devices([d.device.device_id]), "DeleteDevices"),
    "DiscardUpload": (lambda d: d.admin.discard_upload(d.upload_id), "DiscardUpload"),
    "DeleteProfile": (lambda d: d.admin.delete_profile(d.profile_id, force=True), "DeleteProfile"),
}
READS = """
GetProfile ListProfiles GetUpload ListUploads ListUploadErrors GetUploadTemplate GetDevice
ListDevices ExplainMatch GetToken ListUsers ListApiKeys GetOwnApiKey ListAuditEvents VerifyAuditLog
"""


def single(depot: Depot) -> str:
    """Make a profile whose name can be changed."""
    request = profile_service_pb2.CreateProfileRequest(
        name="Single", origin="PROFILE_ORIGIN_SINGLE_DEVICE"
    )
    answer: Any = unary(depot.admin, depot.admin._profiles.CreateProfile, request)
    return str(answer.profile.profile_id)


def test_every_method_of_the_contract_is_a_deed_or_a_read() -> None:
    pool = descriptor_pool.Default()
    named = [m.name for service in SERVICES for m in pool.FindServiceByName(service).methods]
    assert sorted(named) == sorted([*DEEDS, *READS.split()])


def test_every_deed_leaves_its_event(depot: Depot) -> None:
    deeds = dict(DEEDS)
    if depot.server.app._store.has_other_servers:
        del deeds["RotateSealingKey"]  # is refused there
    for name, (work, actions) in deeds.items():
        work(depot)
        assert [event.action for event in depot.news()] == actions.split(), name
    assert depot.admin.verify_audit_log().first_break is None


def test_what_only_looks_leaves_none(depot: Depot) -> None:
    admin, profile_id = depot.admin, depot.profile_id
    admin.get_profile_with_token(profile_id), admin.get_token(profile_id)
    admin.get_upload(depot.upload_id), admin.get_device(depot.device.device_id)
    admin.get_upload_template(profile_id), admin.explain_match(imeis=[IMEI], token=depot.token)
    for every in (
        admin.list_profiles(), admin.list_uploads(profile_id), admin.list_devices(),
        admin.list_upload_errors(depot.upload_id), admin.list_users(), admin.list_audit_events(),
        admin.list_api_keys(),
    ):  # fmt: skip
        list(every)
    admin.verify_audit_log()
    assert depot.news() == []


FAILURES: list[Callable[[Depot], object]] = [
    lambda d: d.admin.create_profile("depot"),  # the name is taken
    lambda d: d.admin.assign_user(d.profile_id, d.user_id, etag='"9"'),
    lambda d: d.admin.assign_user(d.profile_id, "usr-none"),
    lambda d: d.admin.update_profile(d.profile_id, name="Other"),
    lambda d: d.admin.delete_profile(d.profile_id),
    lambda d: d.admin.reveal_token("prf-none"),
    lambda d: d.admin.generate_qr_code(d.profile_id, scale=99),
    lambda d: d.admin.extend_token(d.profile_id, 1),
    lambda d: d.admin.create_devices(d.profile_id, [DeviceRow("356938035643809"), DeviceRow("1")]),
    lambda d: d.admin.delete_devices([d.device.device_id, "dev-none"]),
    lambda d: d.admin.create_user("ADA"),
    lambda d: d.admin.delete_user(d.user_id, etag='"9"'),
    lambda d: d.admin.discard_upload("none"),
    lambda d: [*d.admin.export_devices("prf-none")],
]


def test_a_deed_that_fails_leaves_none(depot: Depot) -> None:
    for number, work in enumerate(FAILURES):
        with pytest.raises(RollbookError):
            work(depot)
        assert depot.news() == [], number


def test_what_changes_nothing_and_what_is_only_repeated_is_told_once(depot: Depot) -> None:
    request = profile_service_pb2.CreateProfileRequest(name="Once", request_id=str(uuid4()))
    for _ in range(2):
        unary(depot.admin, depot.admin._profiles.CreateProfile, request)
        depot.admin.assign_user(depot.profile_id, depot.user_id)
        depot.admin.discard_upload(depot.upload_id)
    again = str(uuid4())
    depot.admin.create_devices(depot.profile_id, [DeviceRow(IMEI)])
    for _ in range(2):
        depot.agent.enroll_device(token=depot.token, imeis=[IMEI], request_id=again)
    actions = [event.action for event in depot.news()]
    assert actions == [
        "CreateProfile",
        "AssignUser",
        "DiscardUpload",
        "CreateDevices",
        "EnrollDevice",
    ]


def test_an_upload_is_told_by_its_steps_with_its_counts(depot: Depot) -> None:
    rows = [DeviceRow("356938035643809"), DeviceRow(IMEI), DeviceRow("1")]
    upload = depot.admin.upload_rows(depot.profile_id, rows)
    opened, finished = depot.news()
    assert opened.details == {}
    assert finished.details == {
        "created_count": "1", "updated_count": "0", "unchanged_count": "1", "rejected_count": "1",
    }  # fmt: skip
    assert {opened.resource_id, finished.resource_id} == {upload.upload_id}
    with pytest.raises(RollbookError):
        depot.admin.upload_rows(depot.profile_id, rows, on_invalid_row=OnInvalidRow.FAIL)
    failed = depot.news()[-1]
    assert (failed.action, failed.reason) == ("FailUpload", "UPLOAD_HAS_INVALID_ROWS")


def test_every_device_of_a_bulk_change_can_be_found_by_its_id(depot: Depot) -> None:
    rows = [DeviceRow(serial_number=f"S{number}", manufacturer="M") for number in range(3)]
    made = depot.admin.create_devices(depot.profile_id, rows)
    depot.admin.delete_devices([device.device_id for device in made])
    for device in made:
        found = depot.admin.list_audit_events(device_id=device.device_id)
        assert [event.action for event in found] == ["DeleteDevices", "CreateDevices"]


def test_an_event_says_who_did_what_where_and_when(depot: Depot) -> None:
    store, now = depot.server.app._store, depot.server.clock()
    with calling(Caller("key-7", "192.0.2.1")):
        store.write(lambda roll: users.delete(roll, depot.user_id, "", now))
    (event,) = depot.news()
    assert (event.actor, event.source, event.event_time) == ("key-7", "192.0.2.1", now)
    assert (event.action, event.reason, event.resource_id) == ("DeleteUser", "DONE", depot.user_id)
