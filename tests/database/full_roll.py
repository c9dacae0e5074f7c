"""A roll with everything in it, and all that its servers answer about it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import grpc
import pytest

from rollbook import Configuration, DeviceRow, OnConflict, OnInvalidRow, Role, RollbookError
from rollbook.v1 import profile_service_pb2, profile_service_pb2_grpc
from uploads.wire import FAIL, UPDATE, Wire, csv, imei, opening

if TYPE_CHECKING:
    from rollbook import AdminClient
    from running import Server

STRICT = OnInvalidRow.FAIL
PASSWORD = "correct horse"
REQUEST_ID = "5b6f6a5e-4a3c-4c0b-9d0e-0d8a9c6b7f21"
CSV = "IMEI,depot\n" + "".join(f"{imei(number)},North\n" for number in range(100, 140))
# Characters that some form of transport or other treats in a way of its own.
ODD = {
    "tab": "a\tb",
    "lines": "a\nb\r\nc",
    "slash": "\\N \\. \\x",
    "quote": "\"';--",
    "far": "𝔊é\u2028",
}


@dataclass
class FullRoll:
    """What is on it, as far as a test has to name it."""

    tokens: list[str] = field(default_factory=list)
    profile_ids: list[str] = field(default_factory=list)


def fill(server: Server) -> FullRoll:
    """Put everything onto the roll of a server that is new."""
    roll = FullRoll()
    with server.admin() as admin, server.agent() as agent, Wire(server) as wire:
        ada = admin.create_user("ada", password=PASSWORD, display_name="Ada")
        depot = admin.create_profile("Depot", user_id=ada.user_id)
        loose = admin.create_profile("Loose", tokenless=True)
        ended = admin.create_profile("Ended")
        roll.profile_ids = [depot.profile_id, loose.profile_id]
        admin.update_configuration(depot.profile_id, Configuration({"wifi": ["a", {"b": None}]}))
        admin.create_devices(
            depot.profile_id,
            [DeviceRow(imei(number), attributes=ODD) for number in range(3)]
            + [DeviceRow(serial_number="S 1", manufacturer="Åcme")],
        )
        admin.create_devices(ended.profile_id, [DeviceRow(imei(50))])
        rows = [DeviceRow(imei(number)) for number in (*range(10, 30), 10)]
        admin.upload_rows(loose.profile_id, [*rows, DeviceRow("12")])
        with pytest.raises(RollbookError):
            admin.upload_rows(
                depot.profile_id, [DeviceRow(imei(5)), DeviceRow("12")], on_invalid_row=STRICT
            )
        admin.upload_rows(
            loose.profile_id, [DeviceRow(imei(1))], on_conflict=OnConflict.MOVE, validate_only=True
        )
        wire.send(opening(depot.profile_id, "half"), csv(CSV[:400]))
        strict = opening(depot.profile_id, "strict", on_invalid_row=FAIL, on_conflict=UPDATE)
        wire.send(strict, csv(_later(CSV)[:400]))
        wire.send(opening(loose.profile_id, "update", on_conflict=UPDATE), csv(CSV[:300]))
        roll.tokens.append(admin.reveal_token(depot.profile_id))
        admin.refresh_token(depot.profile_id, overlap=timedelta(hours=3))
        roll.tokens.append(admin.reveal_token(depot.profile_id))
        agent.enroll_device(token=roll.tokens[0], imeis=[imei(0)])
        agent.enroll_device(token="WRONG", imeis=[imei(0)])
        agent.enroll_device(imeis=[imei(99)])  # a guess that is counted
        agent.enroll_device(imeis=[imei(11)])
        agent.sign_in_device(user_name="ada", password=PASSWORD, imeis=[imei(1)])
        admin.create_api_key("Help desk", role=Role.VIEWER)
        admin.revoke_api_key(admin.create_api_key("Gone", role=Role.VIEWER).api_key.api_key_id)
        create_once(server)
        admin.delete_profile(ended.profile_id, force=True)
    return roll


def _later(text: str) -> str:
    """Give the same file with other devices, the first of which is on the roll."""
    head, *lines = text.splitlines(keepends=True)
    return f"{head}{imei(1)},South\n" + "".join(
        f"{imei(200 + place)},South\n" for place, _ in enumerate(lines)
    )


def create_once(server: Server) -> bytes:
    """Create a profile with a request_id, and give what is answered."""
    with grpc.insecure_channel(server.address) as channel:
        stub = profile_service_pb2_grpc.ProfileServiceStub(channel)
        request = profile_service_pb2.CreateProfileRequest(name="Once", request_id=REQUEST_ID)
        metadata = (("authorization", f"Bearer {server.api_key}"),)
        return stub.CreateProfile(request, metadata=metadata).SerializeToString(deterministic=True)


def answers(server: Server) -> dict[str, Any]:
    """Ask a server everything that changes nothing but the audit log."""
    with server.admin() as admin:
        profiles = list(admin.list_profiles())
        uploads = [upload for each in profiles for upload in admin.list_uploads(each.profile_id)]
        return {
            "profiles": profiles,
            "tokens": [admin.get_profile_with_token(each.profile_id)[1] for each in profiles],
            "devices": [list(admin.list_devices(each.profile_id)) for each in profiles],
            "uploads": uploads,
            "errors": [list(admin.list_upload_errors(each.upload_id)) for each in uploads],
            "inventories": [_inventory(admin, each.profile_id) for each in profiles],
            "template": admin.get_upload_template(),
            "users": list(admin.list_users()),
            "keys": [_unused(key) for key in admin.list_api_keys()],
        }


def _inventory(admin: AdminClient, profile_id: str) -> bytes:
    return b"".join(admin.export_devices(profile_id))


def _unused(key: Any) -> tuple[Any, ...]:
    """Give a key without the time at which it was used last, which is now."""
    return (key.api_key_id, key.display_name, key.rights, key.create_time, key.revoke_time)
