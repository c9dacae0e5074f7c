"""No secret and no full identifier is in the audit log, whatever was called with it."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest

from audit.depot import IMEI, PASSWORD, STRANGER, Depot
from rollbook import AdminClient, Configuration, DeviceRow, DeviceUpdate, RollbookError

if TYPE_CHECKING:
    from collections.abc import Callable

SERIAL, OTHER_IMEI, WRONG_KEY = "SN-CANARY-1234", "356938035643809", "rbk_canary" + "x" * 40
WRONG_TOKEN, WRONG_PASSWORD = "2QQMR-N59B1-SP8W7-HCA4C-C8VV3-F6G8G", "swordfish canary"
WIFI_PASSWORD, NEW_PASSWORD, NAME = "wifi canary", "new password canary", "typed canary name"
PRESENTED = ("490154203237517", "354651098765432")


def go_through_everything(depot: Depot) -> list[str]:
    """Use every secret and identifier; gives those that there were."""
    admin, agent, profile_id = depot.admin, depot.agent, depot.profile_id
    tokens = [admin.reveal_token(profile_id)]
    admin.generate_qr_code(profile_id)
    admin.update_configuration(
        profile_id, Configuration(system_extras={"wifi_password": WIFI_PASSWORD})
    )
    row = DeviceRow(imei=OTHER_IMEI, serial_number=SERIAL, manufacturer="Samsung")
    (made,) = admin.create_devices(profile_id, [row])
    agent.enroll_device(token=tokens[0], imeis=[OTHER_IMEI])
    for imei in (*PRESENTED, IMEI, STRANGER):
        agent.enroll_device(token=WRONG_TOKEN, imeis=[imei])
    agent.enroll_device(token=tokens[0], serial_number=SERIAL, manufacturer="Nobody")
    for name, password in (("ada", WRONG_PASSWORD), (NAME, PASSWORD), ("ada", PASSWORD)):
        agent.sign_in_device(user_name=name, password=password, imeis=[IMEI])
    admin.update_user(depot.user_id, password=NEW_PASSWORD)
    admin.update_devices([DeviceUpdate(made.device_id, serial_number="", imei=STRANGER)])
    admin.refresh_token(profile_id)
    tokens.append(admin.reveal_token(profile_id))
    stranger = AdminClient(depot.server.address, api_key=WRONG_KEY)
    with stranger, pytest.raises(RollbookError):
        stranger.reveal_token(profile_id)
    admin.delete_devices([made.device_id])
    return [*tokens, *(token.replace("-", "") for token in tokens)]


def test_a_name_that_holds_a_secret_is_told_without_it(depot: Depot) -> None:
    token = depot.admin.reveal_token(depot.profile_id)
    for secret in (OTHER_IMEI, token, depot.server.api_key):
        depot.admin.create_profile(f"for {secret}")
    told = [e.details["name"] for e in depot.admin.list_audit_events(action="CreateProfile")][:3]
    assert told == ["for rbk_***", f"for {'*' * len(token)}", "for *************09"]


def canaries(depot: Depot, tokens: list[str]) -> list[str]:
    imeis = (IMEI[:14], OTHER_IMEI[:14], STRANGER[:14], *(imei[:14] for imei in PRESENTED))
    secrets = (PASSWORD, WRONG_PASSWORD, WIFI_PASSWORD, NEW_PASSWORD, WRONG_KEY, WRONG_TOKEN, NAME)
    return [*tokens, *imeis, *secrets, SERIAL, depot.server.api_key, "$argon2"]


def test_the_log_holds_no_secret_and_no_full_identifier(
    depot: Depot, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        known = canaries(depot, go_through_everything(depot))
    depot.settle()
    dumped = [line for line in depot.dump() if line.startswith("audit_")]
    assert len(dumped) > 20
    assert [text for text in known for line in dumped if text.lower() in line.lower()] == []
    assert [text for text in known if text.lower() in caplog.text.lower()] == []
    listed = repr(depot.events())
    assert [text for text in known if text in listed] == []


def test_the_canaries_are_found_where_they_are(depot: Depot) -> None:
    """What the test above looks for is really in use: the other tables hold some of it."""
    tokens = go_through_everything(depot)
    everything = "\n".join(depot.dump())
    known: Callable[[str], bool] = everything.__contains__
    assert known(IMEI[:14])
    assert known(WIFI_PASSWORD)
    assert not any(map(known, tokens))
