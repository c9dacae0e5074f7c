"""Sign-in on a device: who gets it, what is counted, and what nobody can learn."""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import product
from threading import Barrier, Event
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import argon2
import grpc
import pytest

from rollbook import DeviceRow, EnrollOutcome
from rollbook._calls import from_rpc_error
from rollbook._channel import endpoint
from rollbook.v1 import enrollment_service_pb2 as messages
from rollbook_server import passwords

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rollbook import AdminClient, Enrollment, EnrollmentAgent, Profile
    from running import Server

IMEI, OTHER_IMEI, UNKNOWN_IMEI = "356938035643809", "490154203237518", "353918052355563"
PASSWORD, OTHER_PASSWORD = "correct horse", "battery staple"
REGISTERED, NOT_REGISTERED = EnrollOutcome.REGISTERED, EnrollOutcome.NOT_REGISTERED
LONG = "a" + "\u0301\u0316" * 150_000  # takes a minute to normalise, if one does


@dataclass
class Depot:
    """Two devices on the roll of a profile with a token, and users in every state."""

    server: Server
    admin: AdminClient
    agent: EnrollmentAgent
    profile: Profile = field(init=False)
    user_ids: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.profile = self.admin.create_profile("Depot")
        rows = [DeviceRow(IMEI, attributes={"hall": "3"}), DeviceRow(OTHER_IMEI)]
        self.admin.upload_rows(self.profile.profile_id, rows)
        for name, options in USERS.items():
            self.user_ids[name] = self.admin.create_user(name, **options).user_id

    def sign_in(self, name: str = "Ada", password: str = PASSWORD, imei: str = IMEI) -> Enrollment:
        return self.agent.sign_in_device(user_name=name, password=password, imeis=[imei])

    def counts(self) -> tuple[int, int]:
        now = self.admin.get_profile(self.profile.profile_id)
        return now.registered_count, now.pending_count

    def owner(self) -> str:
        """Give the user_id that a device is told which only enrolls; empty for none."""
        token = self.admin.reveal_token(self.profile.profile_id)
        user = self.agent.enroll_device(token=token, imeis=[IMEI]).user
        return user.user_id if user else ""

    def answer(self, channel: grpc.Channel, name: str, password: str, imei: str) -> bytes:
        call: Any = channel.unary_unary("/rollbook.v1.EnrollmentService/SignInDevice")
        request = messages.SignInDeviceRequest(user_name=name, password=password, imeis=[imei])
        return bytes(call(request.SerializeToString()))


USERS: dict[str, Any] = {
    "Ada": {"password": PASSWORD, "display_name": "Ada L.", "email": "ada@example.com"},
    "Bob": {"password": OTHER_PASSWORD},
    "disabled": {"password": PASSWORD, "disabled": True},
    "without password": {},
}


@pytest.fixture
def depot(server: Server, admin: AdminClient, agent: EnrollmentAgent) -> Depot:
    return Depot(server, admin, agent)


@pytest.fixture
def channel(server: Server) -> Iterator[grpc.Channel]:
    with grpc.insecure_channel(server.address) as channel:
        yield channel


@pytest.fixture
def verified(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Give the hashes that passwords were verified against, as it happens."""
    seen: list[str] = []
    real = argon2.PasswordHasher.verify

    def verify(hasher: argon2.PasswordHasher, known: str, password: bytes) -> bool:
        seen.append(known)
        return bool(real(hasher, known, password))

    monkeypatch.setattr(argon2.PasswordHasher, "verify", verify)
    return seen


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


def model(name: str, password: str, imei: str) -> EnrollOutcome:
    """What the contract says, without a server."""
    right = {"Ada": PASSWORD, "Bob": OTHER_PASSWORD}.get(name) == password
    return REGISTERED if right and imei != UNKNOWN_IMEI else NOT_REGISTERED


NAMES = [*USERS, "nobody", ""]
PASSWORDS = [PASSWORD, OTHER_PASSWORD, ""]


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


def refusals() -> Iterator[tuple[str, str, str]]:
    """Give every kind of thing that can be wrong."""
    for name, password, imei in product([*NAMES, LONG, "\0", "%"], PASSWORDS, (UNKNOWN_IMEI, IMEI)):
        if model(name, password, imei) is NOT_REGISTERED:
            yield name, password, imei
    for password in (PASSWORD.upper(), f"{PASSWORD} ", f"{PASSWORD}\0", LONG, "\0"):
        yield "Ada", password, IMEI
    yield "Ada", PASSWORD, "not an IMEI"
    yield "Ada", PASSWORD, LONG


def test_every_refusal_is_byte_for_byte_alike_and_verifies_one_password(
    depot: Depot, channel: grpc.Channel, verified: list[str]
) -> None:
    cases = list(refusals())
    answers = set()
    for number, case in enumerate(cases, start=1):
        answers.add(depot.answer(channel, *case))
        assert len(verified) == number, case
    expected = messages.SignInDeviceResponse(outcome=messages.ENROLL_OUTCOME_NOT_REGISTERED)
    assert answers == {expected.SerializeToString()}
    assert (depot.counts(), depot.owner()) == ((0, 2), "")


def test_what_nobody_signs_in_with_costs_what_a_real_hash_costs(
    depot: Depot, channel: grpc.Channel, verified: list[str]
) -> None:
    for name in ("Ada", "nobody", "disabled", "without password"):
        depot.answer(channel, name, "wrong password", IMEI)
    costs = [argon2.extract_parameters(known) for known in verified]
    assert costs == [costs[0]] * 4
    assert "correct horse" not in "".join(verified)


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
    for wanted, work in (("Bob", None), ("Ada", lambda: depot.sign_in(imei=UNKNOWN_IMEI))):
        if work:
            work()
        user = depot.agent.enroll_device(imeis=[UNKNOWN_IMEI]).user
        assert user is not None
        assert user.user_id == depot.user_ids[wanted]


def revision(depot: Depot) -> int:
    read = depot.server.app._store._readers.execute_sql
    row: tuple[int] = read("SELECT revision FROM devices WHERE user_id != ''").fetchone()
    return row[0]


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


def test_more_sign_ins_than_can_wait_are_sent_away_with_the_time_to_return(
    depot: Depot, channel: grpc.Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on, real = Event(), argon2.PasswordHasher.verify

    def verify(hasher: argon2.PasswordHasher, known: str, password: bytes) -> bool:
        go_on.wait()
        return bool(real(hasher, known, password))

    monkeypatch.setattr(argon2.PasswordHasher, "verify", verify)
    taken = passwords.AT_ONCE + passwords.SIGN_INS_WAITING
    call: Any = channel.unary_unary("/rollbook.v1.EnrollmentService/SignInDevice")
    request = messages.SignInDeviceRequest(user_name="ada", password=PASSWORD, imeis=[IMEI])
    under_way = [call.future(request.SerializeToString()) for _ in range(taken + 1)]
    sent_away = first_failed(under_way)
    enrolled = depot.agent.enroll_device(imeis=[IMEI])  # others are served meanwhile
    go_on.set()
    error = from_rpc_error(sent_away, endpoint(depot.server.address))

    assert (error.code, error.reason) == ("UNAVAILABLE", "TOO_MANY_SIGN_INS")
    assert error.retry_after_seconds == passwords.RETRY_SECONDS
    assert enrolled.outcome is NOT_REGISTERED
    answers = [messages.SignInDeviceResponse.FromString(one.result()).outcome
               for one in under_way if one is not sent_away]  # fmt: skip
    assert answers == [messages.ENROLL_OUTCOME_REGISTERED] * taken


def first_failed(calls: list[Any]) -> Any:
    """Wait for the one of the calls that ends while all others are held up."""
    ended, failed = Event(), []
    for one in calls:
        one.add_done_callback(lambda done: (failed.append(done), ended.set()))
    assert ended.wait(30)
    return failed[0]


def test_log_and_database_hold_causes_and_hashes_but_no_secrets(
    depot: Depot, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        depot.admin.update_user(depot.user_ids["Bob"], password="hunter2 hunter2")
        for case in (
            ("Ada", PASSWORD, IMEI),
            ("Ada", "swordfish!", IMEI),
            ("nobody", PASSWORD, IMEI),
            ("disabled", PASSWORD, IMEI),
            ("without password", PASSWORD, IMEI),
            ("Ada", PASSWORD, UNKNOWN_IMEI),
        ):
            depot.sign_in(*case)
    told = [line.getMessage() for line in caplog.records if "sign-in" in line.getMessage()]
    assert [line.rpartition(" ")[2] for line in told] == [
        "IMEI", "PASSWORD_WRONG", "USER_UNKNOWN", "USER_DISABLED", "USER_WITHOUT_PASSWORD",
        "UNKNOWN_DEVICE",
    ]  # fmt: skip
    secrets = (PASSWORD, OTHER_PASSWORD, "hunter2", "swordfish", "$argon2", "Ada", IMEI[:14])
    assert not [secret for secret in secrets if secret in caplog.text]

    depot.server.stop()
    files = b"".join(
        path.read_bytes() for path in depot.server.data_dir.iterdir() if path.is_file()
    )
    for secret in (PASSWORD, OTHER_PASSWORD, "hunter2", "swordfish"):
        assert secret.encode() not in files
    assert b"$argon2id$" in files


def test_no_hash_leaves_the_table_of_users(depot: Depot) -> None:
    depot.admin.update_user(depot.user_ids["Bob"], password="hunter2 hunter2")
    dumped = list(depot.server.app._store._readers.connection().iterdump())
    holding = {line.partition("VALUES")[0] for line in dumped if "$argon2id$" in line}
    assert len(holding) == 1
    assert "users" in holding.pop()
    answers = [line for line in dumped if line.startswith('INSERT INTO "answers"')]
    assert answers
    readable = "".join(answers)
    for secret in (PASSWORD, "hunter2 hunter2", "$argon2"):
        assert secret.encode().hex().upper() not in readable.upper()
