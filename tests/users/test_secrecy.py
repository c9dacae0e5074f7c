"""What strangers cannot learn from a sign-in, and cannot do to the server with it."""

from __future__ import annotations

import logging
from itertools import product
from queue import Queue
from threading import Event
from typing import TYPE_CHECKING, Any

import argon2

from databases import DATABASES
from rollbook import EnrollOutcome
from rollbook._channel import endpoint
from rollbook._failures import from_rpc_error
from rollbook.v1 import enrollment_service_pb2 as messages
from rollbook_server import passwords
from users.depot import (
    IMEI,
    NAMES,
    OTHER_PASSWORD,
    PASSWORD,
    PASSWORDS,
    UNKNOWN_IMEI,
    Depot,
    model,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    import grpc
    import pytest

NOT_REGISTERED = EnrollOutcome.NOT_REGISTERED
LONG = "a" + "\u0301\u0316" * 150_000  # takes a minute to normalise, if one does


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
    ended: Queue[Any] = Queue()
    for one in calls:
        one.add_done_callback(ended.put)
    return ended.get(timeout=30)


def test_log_and_database_hold_causes_and_hashes_but_no_secrets(
    depot: Depot, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG, "rollbook_server"):
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
    files = (
        b"".join(path.read_bytes() for path in depot.server.data_dir.iterdir() if path.is_file())
        + "\n".join(DATABASES.dump(depot.server.data_dir)).encode()
    )
    for secret in (PASSWORD, OTHER_PASSWORD, "hunter2", "swordfish"):
        assert secret.encode() not in files
    assert b"$argon2id$" in files


def test_no_hash_leaves_the_table_of_users(depot: Depot) -> None:
    depot.admin.update_user(depot.user_ids["Bob"], password="hunter2 hunter2")
    dumped = DATABASES.dump(depot.server.data_dir)
    assert {line.partition(":")[0] for line in dumped if "$argon2id$" in line} == {"users"}
    answers = [line for line in dumped if line.startswith("answers:")]
    assert answers
    for secret in (PASSWORD, "hunter2 hunter2", "$argon2"):
        assert secret.lower() not in "".join(answers).lower()
