"""Sign-in on a device: who gets it, and what is counted."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import product
from threading import Barrier
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import argon2
import pytest

from rollbook import DeviceRow, EnrollOutcome
from users.depot import (
    IMEI,
    NAMES,
    OTHER_IMEI,
    OTHER_PASSWORD,
    PASSWORD,
    PASSWORDS,
    UNKNOWN_IMEI,
    Depot,
    model,
)

if TYPE_CHECKING:
    from collections.abc import Callable

REGISTERED, NOT_REGISTERED = EnrollOutcome.REGISTERED, EnrollOutcome.NOT_REGISTERED


def test_whoever_signs_in_gets_the_device_with_all_it_is_given(depot: Depot) -> None:
    given = depot.sign_in()
    assert (given.outcome, given.profile_id) == (REGISTERED, depot.profile.profile_id)
    assert (given.attributes, given.sign_in_available) == ({"hall": "3"}, False)
    assert given.configuration is not None
    assert given.user is not None
    assert given.user.user_id == depot.user_ids["Ada"]
    assert (given.user.display_name, given.user.email) == ("Ada L.", "ada@example.com")
    assert (depot.counts(), depot.owner()) == ((1, 1), depot.user_ids["Ada"])


def test_a_wrong_token_leads_to_the_sign_in_and_the_sign_in_to_the_device(depot: Depot) -> None:
    refused = depot.agent.enroll_device(token="7K3M-Q9XT-2AV4", imeis=[IMEI])
    assert refused.outcome is EnrollOutcome.SIGN_IN_REQUIRED
    assert refused.sign_in_available
    assert depot.sign_in().outcome is REGISTERED


@pytest.mark.parametrize("before", ["pending", "registered", "signed in by Bob"])
def test_every_combination_of_user_password_and_device(depot: Depot, before: str) -> None:
    if before == "registered":
        depot.owner()
    elif before == "signed in by Bob":
        depot.sign_in("Bob", OTHER_PASSWORD)
    owner = depot.user_ids["Bob"] if before == "signed in by Bob" else ""
    first_id = depot.sign_in("Bob", OTHER_PASSWORD).device_id if owner else ""
    wrong, pending = [], 2 if before == "pending" else 1
    for name, password, imei in product(NAMES, PASSWORDS, (UNKNOWN_IMEI, IMEI)):
        answer = depot.sign_in(name, password, imei)
        if answer.outcome is not model(name, password, imei):
            wrong.append((name, password, imei))
        if answer.outcome is REGISTERED:
            owner, pending = depot.user_ids[name], 1
            first_id = first_id or answer.device_id
            assert answer.device_id == first_id
        assert depot.counts() == (2 - pending, pending)

    assert wrong == []
    assert depot.owner() == owner == depot.user_ids["Bob"]


@pytest.mark.parametrize("name", ["ADA", " ada ", "ada\t"])
def test_the_name_is_understood_however_it_is_typed(depot: Depot, name: str) -> None:
    assert depot.sign_in(name).outcome is REGISTERED


def test_a_password_is_the_same_in_every_unicode_form(depot: Depot) -> None:
    depot.admin.update_user(depot.user_ids["Ada"], password="Zu\u0308rich im Mai")
    assert depot.sign_in(password="Z\u00fcrich im Mai").outcome is REGISTERED


def test_a_new_password_takes_the_place_of_the_old_one(depot: Depot) -> None:
    depot.admin.update_user(depot.user_ids["Ada"], password="a new password")
    assert depot.sign_in().outcome is NOT_REGISTERED
    assert depot.sign_in(password="a new password").outcome is REGISTERED
    depot.admin.update_user(depot.user_ids["Ada"], user_name="Countess")
    assert depot.sign_in(password="a new password").outcome is NOT_REGISTERED
    assert depot.sign_in("countess", "a new password").outcome is REGISTERED


def test_serial_number_and_manufacturer_are_enough(depot: Depot) -> None:
    row = DeviceRow(serial_number="R58M", manufacturer="Samsung")
    depot.admin.upload_rows(depot.profile.profile_id, [row])
    given = depot.agent.sign_in_device(
        user_name="ada", password=PASSWORD, serial_number="R58M", manufacturer="SAMSUNG"
    )
    assert given.outcome is REGISTERED
    both = depot.agent.sign_in_device(user_name="ada", password=PASSWORD, imeis=[IMEI, OTHER_IMEI])
    assert both.outcome is NOT_REGISTERED  # ambiguous


def test_another_user_who_signs_in_takes_the_device_over(depot: Depot) -> None:
    first = depot.sign_in()
    second = depot.sign_in("bob", OTHER_PASSWORD)
    assert first.device_id == second.device_id
    assert second.user is not None
    assert second.user.user_id == depot.user_ids["Bob"] == depot.owner()
    assert depot.counts() == (1, 1)


def test_who_signed_in_goes_before_the_user_of_the_profile(depot: Depot) -> None:
    bobs = depot.admin.create_profile("Bob's", user_id=depot.user_ids["Bob"], tokenless=True)
    depot.admin.upload_rows(bobs.profile_id, [DeviceRow(imei=UNKNOWN_IMEI)])
    for wanted in ("Bob", "Ada"):
        user = depot.agent.enroll_device(imeis=[UNKNOWN_IMEI]).user
        assert user is not None
        assert user.user_id == depot.user_ids[wanted]
        depot.sign_in(imei=UNKNOWN_IMEI)


def revision(depot: Depot) -> int:
    ((found,),) = depot.server.query("SELECT revision FROM devices WHERE user_id != ''")
    return int(found)


def test_a_retry_counts_once_and_another_user_with_its_id_does_not_vanish(depot: Depot) -> None:
    request_id = str(uuid4())

    def sign_in(name: str, password: str) -> EnrollOutcome:
        return depot.agent.sign_in_device(
            user_name=name, password=password, imeis=[IMEI], request_id=request_id
        ).outcome

    assert [sign_in("ada", PASSWORD) for _ in range(3)] == [REGISTERED] * 3
    assert (depot.counts(), revision(depot)) == ((1, 1), 2)
    assert sign_in("bob", OTHER_PASSWORD) is REGISTERED
    assert revision(depot) == 3
    assert depot.owner() == depot.user_ids["Bob"]


def test_a_device_on_which_sixteen_sign_in_at_once_registers_once(depot: Depot) -> None:
    everybody = Barrier(16)

    def sign_in(_: int) -> str:
        everybody.wait()
        return depot.sign_in().device_id

    with ThreadPoolExecutor(16) as threads:
        ids = set(threads.map(sign_in, range(16)))
    assert len(ids) == 1
    assert "" not in ids
    assert depot.counts() == (1, 1)


MEANWHILE: dict[str, Any] = {
    "deleted": lambda admin, user_id: admin.delete_user(user_id),
    "disabled": lambda admin, user_id: admin.update_user(user_id, disabled=True),
    "given a new password": lambda admin, user_id: admin.update_user(
        user_id, password="a new password"
    ),
}


@pytest.mark.parametrize("change", MEANWHILE.values(), ids=MEANWHILE)
def test_who_is_changed_while_the_password_is_verified_does_not_sign_in(
    depot: Depot, monkeypatch: pytest.MonkeyPatch, change: Callable[..., object]
) -> None:
    real = argon2.PasswordHasher.verify

    def verify(hasher: argon2.PasswordHasher, known: str, password: bytes) -> bool:
        change(depot.admin, depot.user_ids["Ada"])
        return bool(real(hasher, known, password))

    monkeypatch.setattr(argon2.PasswordHasher, "verify", verify)
    assert depot.sign_in().outcome is NOT_REGISTERED
    assert (depot.counts(), depot.owner()) == ((0, 2), "")
